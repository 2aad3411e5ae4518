"""autoencoder from end to end with tiny settings, its words on made-up results, and its central claim."""
import numpy as np
import pytest

from experiments.questions import autoencoder
from experiments.questions.autoencoder import SLOW, Config
from experiments.report.compare import clearly_above
from experiments.report.measured import Measured
from experiments.report.reconstruction import (
    MEAN,
    Told,
    at_best,
    looks,
    moments,
    outcome,
    over_sizes,
    points_of_leaving,
    rank_correlation,
    since_early,
    smallest_before,
    told,
)
from experiments.report.reconstruction_words import rates, rules, thresholds
from experiments.report.shares import Share
from experiments.runs.store import Run, Store
from experiments.trainers.autoencoding import (
    Autoencoder,
    Watch,
    autoencoder_of,
    gain,
    halved,
    samples_of,
    train_fleet,
)
from experiments.trainers.codes import code_accuracy, principal
from tests.autoencoders import made

SMALL = {"data": "digits", "train": 60, "validation": 40, "labelled": 20, "hidden": (8,), "units": 2, "epochs": 10,
         "every": 1, "looks": 3, "trial": 2}


def observe(seeds=1, **how):
    return train_fleet([Autoencoder("claim", seed, **SMALL | how).settings() for seed in range(seeds)])


def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(autoencoder, "SIZES", dict.fromkeys(autoencoder.DATA, (40, 20)))
    tiny = Config(seeds=1, codes=(2, 4), hidden=(8,), labelled=10, epochs=40, trial=1, looks=2)
    store = Store(tmp_path)
    autoencoder.run(tiny, store)
    assert store.count("autoencoder") == 2 * 4
    results = autoencoder.gather(store, tiny)
    text = "".join(table.plain() for table in autoencoder.tables(results))
    for words in ("(1 seed)", "digits, tanh, Adam, 4 units", "Fashion-MNIST, sigmoid, SGD, 2 units", "Evidence", "× 8"):
        assert words in text
    answer = autoencoder.answer(results)
    assert answer.startswith("It depends on more than 1 seed: at least 3 are needed") and "nan" not in answer
    assert "clearly" not in answer and "not clear" not in answer  # so few seeds


# --- the trainer ---

def test_a_run_is_a_function_of_its_settings():
    run = Autoencoder("claim", 1, **SMALL)
    assert autoencoder_of(run.settings()) == run
    [alone], [_, together] = train_fleet([run.settings()]), observe(2)
    assert all(np.array_equal(alone.curves[name], together.curves[name], equal_nan=True) for name in alone.curves)
    assert alone.scalars == together.scalars
    assert len(looks(alone)) == len(looks(alone, 1)) + 1 == 4  # 0, 1, 3, 10
    assert run.sizes() == (64, 8, 2, 8, 64)


@pytest.mark.parametrize("change, message", [
    ({"data": "mnist"}, "data: got 'mnist', accepted: 'digits', 'fashion_mnist'"),
    ({"optimizer": "rprop"}, "optimizer: got 'rprop', accepted: 'adam', 'sgd', 'sgd reduced'"),
    ({"labelled": 61}, "labelled: got 61, accepted: at most 60, the training samples")])
def test_what_cannot_be_described_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Autoencoder("claim", 0, **SMALL | change)
    with pytest.raises(ValueError, match=r"codes: got .*, accepted: at least two sizes"):
        Config(codes=(4,))


def test_images_are_halved_and_labels_are_those_of_the_first():
    image = np.arange(784.0).reshape(1, 28, 28)
    assert np.array_equal(halved(image.reshape(1, 784)).reshape(14, 14)[3, 5], image[0, 6:8, 10:12].mean())
    samples = samples_of(Autoencoder("claim", 0, **SMALL | {"data": "fashion_mnist"}))
    assert [part.shape for part in samples] == [(60, 196), (40, 196), (500, 196), (20,), (500,)]


def test_the_classifier_reads_what_is_in_a_code_and_nothing_else():
    y = np.arange(60) % 3
    codes = np.eye(3)[y] * 1e-3 + 5 + np.random.default_rng(0).normal(0, 1e-4, (60, 3))
    assert code_accuracy(codes[:30], y[:30], codes[30:], y[30:]) == 1
    assert code_accuracy(codes[:30], y[:30], np.roll(codes[30:], 1, axis=0), y[30:]) == 0
    still = np.full((60, 3), 0.7)  # a dead code: one class for all
    assert code_accuracy(still[:30], y[:30], still[30:], y[30:]) == pytest.approx(1 / 3)


def test_principal_components_leave_the_variance_of_the_others():
    x = np.random.default_rng(0).normal(size=(50, 6)) * [9, 5, 3, 2, 1, 0.5]
    variances = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    found = principal(2, x, x, np.arange(50) % 2, np.arange(50) % 2)
    assert found["pca_loss"] == pytest.approx(variances[2:].sum() / variances.sum())
    assert principal(6, x, x, np.arange(50) % 2, np.arange(50) % 2)["pca_loss"] == pytest.approx(0, abs=1e-12)


def test_errors_are_shares_of_what_the_mean_image_leaves():
    from nn import MLP

    run = Autoencoder("claim", 0, **SMALL)
    samples = samples_of(run)
    model = MLP(run.sizes(), activation="tanh", dtype="float32", seed=0)
    error = np.square(model.forward(samples.test) - samples.test).sum(axis=1).mean()
    variance = np.square(samples.test - samples.train.mean(axis=0)).sum(axis=1).mean()
    assert observe()[0].curves["test_loss"][0] == pytest.approx(error / variance, rel=1e-5)


def test_rates_are_tried_from_where_the_loss_stands_still(monkeypatch):
    from experiments.trainers import autoencoding
    from nn import MLP

    run = Autoencoder("claim", 0, **SMALL | {"patience": 2, "epochs": 6})
    watch, tried = Watch(run, samples_of(run)), []
    monkeypatch.setattr(autoencoding, "gain", lambda run, model, x, factor, loss: tried.append((factor, loss)) or factor)
    model = MLP(run.sizes(), activation="tanh")
    for epoch, loss in enumerate((4.0, 3.0, 2.0, 1.99, 1.98, 1.5, 1.4)):
        watch(model, {"epoch": float(epoch), "train_loss": loss})
    assert watch.scalars == {"plateau.epoch": 4.0, **{f"{moment}.gain {factor}": factor for moment in ("plateau", "end")
                                                      for factor in (0.5, 1, 2, 8)}}
    assert tried == [(factor, loss) for loss in (1.98, 1.4) for factor in (0.5, 1.0, 2.0, 8.0)]


def test_a_gain_is_that_of_a_copy():
    from losses import SquaredError
    from nn import MLP

    run = Autoencoder("claim", 0, **SMALL | {"trial": 3, "optimizer": "sgd", "learning_rate": 0.01})
    x = samples_of(run).train
    model = MLP(run.sizes(), activation="tanh", dtype="float32", seed=0)
    before, loss = model.flat.copy(), float(SquaredError().value(model.forward(x), x))
    gains = [gain(run, model, x, factor, loss) for factor in (1e-9, 1.0, 1e9)]
    assert np.array_equal(model.flat, before) and gains[0] == pytest.approx(0, abs=1e-4)
    assert gains[1] > 0.1 and gains[2] == -1  # diverged: it doubled, at least


# --- what is read off ---

def test_ranks_share_their_ties():
    assert rank_correlation([1, 2, 2, 9], [1, 5, 5, 6]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [9, 4, 1]) == pytest.approx(-1)
    assert np.isnan(rank_correlation([1, 2, 3], [2, 2, 2]))


def test_a_plateau_is_the_end_unless_validation_error_falls_on():
    def one(val, plateau=15.0):
        return Run(curves={"epoch": np.arange(0.0, 45, 5), "val_loss": np.array(val), "gradient_norm": np.arange(9.0)},
                   scalars={"plateau.epoch": plateau, "plateau.gain 2": 0.5, "end.gain 2": -0.5})

    falls = moments(one([9, 2, 2, 2, 2, 1.5, 1.2, 1, 0.8]))
    assert [(moment.stuck, moment.norm, moment.gains) for moment in falls] == [(True, 3.0, {"2": 0.5})]
    rests = moments(one([9, 2, 2, 2, 1.9, 1.8, 1.9, 2, 2]))
    assert [(moment.stuck, moment.norm, moment.gains) for moment in rests] == [(False, 3.0, {"2": 0.5}),
                                                                              (False, 8.0, {"2": -0.5})]
    assert not moments(one([9, 8, 7, 6, 5, 4, 3, 2, 1], np.nan))


def test_rules_return_their_best_and_are_judged_by_the_test_set():
    curves = {"epoch": np.arange(0.0, 40, 5), "val_loss": np.array([5.0, 2, 1, 2, 2, 2, 2, 0.5]),
              "test_loss": np.array([5.0, 2, 1, 2, 2, 2, 2, 0.5]), "train_loss": np.full(8, 1.0),
              "accuracy": np.array([0.1, np.nan, 0.3, np.nan, np.nan, np.nan, np.nan, 0.8])}
    runs = Measured([Run(curves=curves)] * 8)
    soon, never = outcome("Patience(2)", runs), outcome("Patience(7)", runs)
    assert (soon.stopped[0], soon.epochs[0], soon.cost[0]) == (20, 10, 2) and soon.points[0] == pytest.approx(-50)
    assert soon.fooled.mostly and never.fooled.seldom and np.isnan(never.stopped[0]) and never.cost[0] == 1
    assert "too soon in most runs (error above 1.25 times the lowest): A (epoch 20); never: B" in rules(
        "x", {"y": {"A": soon, "B": never}})
    assert outcome("Plateau(0.5, 1)", runs).epochs[0] == 5  # without a best: where it stops


def test_figures_of_made_up_runs():
    results = made()
    codes, slow = results.codes("digits"), results.runs["digits", SLOW]
    assert np.all(over_sizes(list(codes.values())) == 1) and np.all(at_best(codes[16], "epoch") == 25)
    epoch, error, points = since_early(codes[16])
    assert epoch == 5 and error == pytest.approx(60) and points == pytest.approx(4, abs=0.2)
    found = told([*codes.values(), slow])
    assert found.counts == (6, 36) and found.helped == (6, 24) and np.exp(found.norms) == pytest.approx(0.3)
    assert found.gains["2"][0].mean() - found.gains["2"][1].mean() == pytest.approx(10)
    assert smallest_before(slow) == Share(6, 6) and smallest_before(made(norm=3).runs["digits", SLOW]) == Share(0, 6)
    assert clearly_above(-points_of_leaving(slow), 1.5)
    assert np.isnan(points_of_leaving(made(leaves=False).runs["digits", SLOW])).all()


# --- words ---

@pytest.mark.parametrize("how, opening", [
    ({"sizes": -1, "time": -1}, "No: better reconstruction goes with worse classification in 8 of 8 comparisons"),
    ({"seeds": 2}, "It depends on more than 2 seeds: at least 3 are needed for a verdict.")])
def test_the_answer_opens_as_the_correlations_are(how, opening):
    assert autoencoder.answer(made(**how)).startswith(opening)


@pytest.mark.parametrize("how, said, unsaid", [
    ({}, ["It depends on what makes it better: better reconstruction goes with better classification in 6 of 8 comparisons",
          "digits: validation error is lowest after 25 ±0 epochs; from epoch 5 to there test error fell by 60.0 ±0.0 %, the "
          "accuracy of the code rose (4.",
          "lost 2.1 ±0.1 points", "clearly smaller on plateaus (× 0.30)", "× 2 10.1 ±0.1 against 0.1 ±0.1",
          "a doubled rate did better than going on at 6 of 6 plateaus and 24 of 36 ends",
          "on average × 2 clearly told them apart",
          "digits: in 6 of 6 (54 to 100 %) runs not, none waits", "digits: more error (100.1 ±0.1 %",
          "Gradient 0.5 (epoch 5); never: all but Gradient 0.5.", "Where rules stop tanh, Adam: digits: never: any."],
     ["one could wait"]),
    ({"slow": 1, "norm": 3.0, "gain": 0.0}, [
        "Yes: better reconstruction goes with better classification in 8 of 8 comparisons (", "gained 2.1 ±0.1 points",
        "clearly larger on plateaus (× 3.0)", "on average none clearly told them apart",
        "digits: in 0 of 6 (0 to 46 %) runs not, one could wait"], ["none waits"]),
    ({"halved": 0.2, "gain": -5.0, "time": -1}, [
        "the accuracy of the code fell (-", "digits: less error (20.0 ±0.0 %", "× 2 clearly told"], []),
    ({"leaves": False}, ["digits: no run did", "digits: 0 plateaus and 48 ends, which cannot be compared",
                         "digits: no clear difference (100.1 ±0.1 %"], ["Is there a threshold"])])
def test_words_follow_what_was_found(how, said, unsaid):
    answer = autoencoder.answer(made(**how))
    assert [words for words in said if words not in answer] == [] and not [words for words in unsaid if words in answer]


def test_what_is_unclear_is_called_so():
    few = np.array([np.nan, 0.1, np.nan])
    said = rates("x", Told((1, 2), (0, 1), few, {"2": (few, few)}))
    assert "was not to be judged on plateaus (× 1.1)" in said and said.endswith("so few seeds cannot judge")
    more = np.array([0.1, -0.1, 0.2, -0.2])
    assert "not clearly different on plateaus (× 1.0)" in rates("x", Told((1, 2), (0, 1), more, {"2": (more, more)}))
    assert thresholds("x", Share(2, 4)).endswith("unclear")


# --- the claim ---

@pytest.mark.compiled
def test_more_units_are_better_at_both_and_training_can_make_the_code_worse():
    """The central claim, each part with its whole 95 % interval over four seeds on its side of a bound."""
    def trained(**how):
        fixed = {"data": "fashion_mnist", "train": 400, "validation": 100, "labelled": 200, "hidden": (64, 32), "units": 16,
                 "epochs": 15, "every": 5, "looks": 2, "trial": 0}
        return Measured(observe(4, **fixed | how))

    few, many = trained(units=2), trained()
    assert clearly_above(few.curves("test_loss")[:, -1] - many.curves("test_loss")[:, -1], 0.15)
    assert clearly_above(many.curves("accuracy")[:, -1] - few.curves("accuracy")[:, -1], 0.1)
    slow = trained(activation="sigmoid", optimizer="sgd", learning_rate=0.02)
    assert clearly_above(MEAN - slow.curves("test_loss")[:, -1], 0.1)  # it left the plateau of the mean image
    assert clearly_above(-points_of_leaving(slow), 8)
