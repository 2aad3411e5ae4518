"""grokking from end to end with tiny settings, its words on made-up runs, and its central claim."""

import numpy as np
import pytest

from experiments.data.modular import modular_addition
from experiments.questions import grokking
from experiments.questions.grokking import Config
from experiments.report import plots
from experiments.report.compare import clearly_above
from experiments.report.delayed_words import after, meanwhile, needed, opening, vain
from experiments.report.delays import END, RISE, THERE, ZERO, Delays, _first
from experiments.report.shares import Share
from experiments.runs.store import Store
from experiments.trainers.grokking import RECORD, Addition, train_fleet
from tests.pages import bare

TINY = Config(seeds=2, modulus=5, hidden=8, epochs=100, every=10, patience=(20,), weight_decay=(0.3, 0.0))


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    store = Store(tmp_path)
    grokking.run(TINY, store)
    assert store.count("grokking") == 2 * 2
    results = grokking.gather(store, TINY)
    assert [one.weight_decay for one in results.all] == [0, 0.3] and results.all[0].epochs.tolist() == [*range(10, 101, 10)]
    text = "".join(table.plain() for table in grokking.tables(results))
    for words in ("Sums modulo 5 (2 seeds", "decay 0.3: 90 % right", "patience 20 on validation error", "missed, 0.3"):
        assert words in text
    assert [path.stem for path in grokking.figures(results, tmp_path)] == ["grokking", "grokking_rules"]
    assert grokking.answer(results).startswith("Cannot tell yet: within 100 epochs no run had 90 % of new sums right. ")


def test_settings_that_do_not_fit_together_are_refused():
    with pytest.raises(ValueError, match=r"weight_decay: got \(0.0, .*\), accepted: at most 6, which figures"):
        Config(weight_decay=(0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    with pytest.raises(ValueError, match=r"share: got 0.99, accepted: such that it leaves sums of 25 for all parts"):
        Config(modulus=5, share=0.99)
    with pytest.raises(ValueError, match=r"patience: got \(12,\), accepted: multiples of 5, of `every`"):
        Config(patience=(12,))


def test_all_sums_stand_in_one_part_each():
    data = modular_addition(5, 15, seed=1)
    x, y = (np.concatenate([getattr(part, name) for part in (data.train, data.validation, data.test)]) for name in "xy")
    a, b = x[:, :5].argmax(axis=1), x[:, 5:].argmax(axis=1)
    assert len({*zip(a, b, strict=True)}) == 25 and (x.sum(axis=1) == 2).all() and ((a + b) % 5 == y).all()
    assert (len(data.train), len(data.validation), len(data.test)) == (15, 5, 5)
    assert (modular_addition(5, 15, seed=2).train.x != data.train.x).any()
    with pytest.raises(ValueError, match="train: got 24, accepted: 1 to 23 of the 25 pairs"):
        modular_addition(5, 24)
    with pytest.raises(ValueError, match="modulus: got 1, accepted: a whole number of at least 2"):
        modular_addition(1, 1)


# --- the claim ---

SEEDS = 4


@pytest.fixture(scope="module")
def trained():
    """Sums modulo 23, without weight decay and with, in one fleet."""
    runs = train_fleet([Addition("claim", seed, 23, 423, weight_decay=decay, epochs=400, every=20).settings()
                        for decay in (0.0, 1.0) for seed in range(SEEDS)])
    return [Delays(decay, [run.arrays for run in some]) for decay, some in ((0.0, runs[:SEEDS]), (1.0, runs[SEEDS:]))]


@pytest.mark.compiled
def test_new_sums_are_right_late_with_weight_decay_alone_and_rules_miss_it(trained):
    """The central claim: means over seeds on one side of a bound with their whole 95 % interval."""
    control, decayed = trained
    assert set(decayed.runs[0]) == set(RECORD)
    for one in trained:
        assert one.at(ZERO, "epoch").max() <= 70 and one.at(ZERO, "accuracy").max() < 0.1  # learnt by heart
    assert clearly_above(decayed.at(END, "accuracy"), 0.7) and clearly_above(-control.at(END, "accuracy"), -0.1)
    assert clearly_above(decayed.at(RISE, "epoch") / decayed.at(ZERO, "epoch"), 2)
    for rule in ("ZeroError()", "Patience(3)", "GL(5)", "EvidenceBased()"):
        assert clearly_above(-decayed.returned(rule).accuracy, -0.1), rule
    assert clearly_above(decayed.returned("Patience(15)").accuracy, 0.7)
    # The normalised margin of those that are right on new sums is larger.
    assert clearly_above(decayed.at(END, "margin_normalized") / control.at(END, "margin_normalized"), 1.3)


# --- what rules return, on records made up ---

CHECKS = 40


def made(decay=0.1, there=20, seeds=6, *, norm=(40.0, 50.0), margin=(1.0, 2.0), final=1.0, every=10, loss=None):
    """Runs that learn by heart at check 3 and, from check `there` on (None: never; seed s: s checks later), new sums.

    Accuracy goes up over four checks, `norm` and `margin` meanwhile. The validation loss rises until check `there`, then it
    falls below all before.
    """
    runs, checks = [], np.arange(1.0, CHECKS + 1)
    for seed in range(seeds):
        share = np.zeros(CHECKS) if there is None else np.clip((checks - there - seed) / 4 + 0.25, 0, 1)
        error = 1 - final * share
        runs.append({"epoch": every * checks, "train_error": np.where(checks < 3, 0.5, 0.0), "test_error": error,
                     "val_error": error, "val_loss": np.where(share > 0, 1 - share + 1e-3 * (CHECKS - checks), 2 + checks),
                     "train_loss": np.exp(-checks / 3), "evidence": 1 - share, "prediction_changes": checks % 5,
                     "parameter_norm": norm[0] + (norm[1] - norm[0]) * share + 1e-3 * seed,
                     "margin_normalized": margin[0] + (margin[1] - margin[0]) * share + 1e-3 * seed})
    return Delays(decay, runs)


def test_moments_are_the_first_checks_after_zero_error():
    one = made(there=20, seeds=2)
    assert [one.at(moment, "epoch").tolist() for moment in (ZERO, RISE, THERE, END)] == [
        [30, 30], [200, 210], [230, 240], [400, 400]]
    one.runs[0]["test_error"][0] = 0.0  # by chance, before anything is learnt
    assert Delays(0.1, one.runs).at(THERE, "epoch").tolist() == [230, 240]
    assert np.isnan(made(there=None).at(THERE, "accuracy")).all() and not made(there=None).there.any()
    assert _first(np.array([[False, True], [False, False]])).tolist()[0] == 1


@pytest.mark.parametrize("figure", ["val_loss", "val_error"])
def test_the_least_patience_is_the_least_that_does_not_miss_it(figure):
    one = made(there=20, seeds=3)
    for seed, epochs in enumerate(one.patience(figure)):
        alone = Delays(0.1, [one.runs[seed]])
        least = round(epochs / 10)
        assert alone.missed(f"Patience({least}, '{figure}')") == Share(0, 1)
        assert alone.missed(f"Patience({least - 1}, '{figure}')") == Share(1, 1)


def test_no_patience_waits_for_what_never_improves_again():
    one = made(there=20, seeds=2)
    one.runs[0]["val_loss"][0] = -1.0
    assert np.isnan(Delays(0.1, one.runs).patience("val_loss")).tolist() == [True, False]
    text = needed([Delays(0.1, one.runs)], {"validation loss": "val_loss"})
    assert "on validation loss 200 (none in 1 of 2 runs) (weight decay 0.1)" in text


def test_what_rules_return_is_their_best_check_or_the_stop():
    one = made(there=20, seeds=2)
    found = one.returned("ZeroError()")
    assert found.stop.tolist() == found.trained.tolist() == [30, 30] and found.accuracy.tolist() == [0, 0]
    found = one.returned("Patience(30)")  # never fires
    assert np.isnan(found.stop).all() and found.trained.tolist() == [400, 400] and found.accuracy.tolist() == [1, 1]
    assert one.missed("Patience(3)") == Share(2, 2) and made(there=None).missed("Patience(3)") == Share(0, 0)


# --- words ---

ALL, NONE, HALF = Share(10, 10), Share(0, 10), Share(5, 10)


@pytest.mark.parametrize("missed, start", [
    ({"a": [ALL, ALL], "b": [ALL, ALL]}, "Yes: each of 2 rules would have missed it in most runs with every weight decay."),
    ({"a": [NONE], "b": [NONE]}, "No: each of 2 rules would have seen it in most runs."),
    ({"a": [ALL, ALL], "b": [NONE, NONE], "c": [NONE, ALL]}, "It depends on the rule: of 3 rules 1 would have missed it in "
     "most runs with every weight decay, 1 in few (b) and 1 with some weight decays or in some runs (c)."),
    ({"a": [HALF], "b": [ALL]}, "It depends on the rule: of 2 rules 1 would have missed it in most runs, 0 in few and 1 in "
     "some runs (a)."),
    ({"a": [ALL, Share(3, 3)], "b": [ALL, Share(0, 3)]}, "Yes: each of 2 rules would have missed it in most runs with every "
     "weight decay that can be judged."),
    ({"a": [], "b": []}, "Cannot tell yet: within 50 epochs no run had 90 % of new sums right."),
    ({"a": [Share(5, 5), Share(3, 3)]}, "Cannot tell yet: it takes 6 runs with 90 % of new sums right; within 50 epochs "
     "there were 5 and 3.")])
def test_the_opening_follows_the_shares(missed, start):
    assert opening(missed, 50) == start


def test_times_are_told_with_their_power_of_weight_decay():
    control, less, more = made(0.0, None), made(0.1, 30, final=0.95), made(1.0, 10)
    text = after([control, less, more])
    assert text.startswith("Zero training error came at epoch 30, with 0 % of new sums right; 90 % were at epoch ")
    assert "Without weight decay, 0 of 6 (0 to 46 %) runs got there within 400 epochs; 0 % were right in the end." in text
    assert text.endswith("(0.1 to 1); theory's -1 (Liu et al.) clearly agrees in 0, deviates in 1 of 1.")
    assert "power" not in after([control, more]) and "to the power 0 " in after([made(0.1, 3), made(1.0, 3)])
    tenfold = [Delays(decay, [{**run, "epoch": run["epoch"] / decay} for run in made(decay, 20).runs]) for decay in (0.1, 1)]
    text = after([*tenfold, Delays(10, tenfold[1].runs)])
    assert text.endswith("weight decay to the power -1.00 (0.1 to 1) and 0 (1 to 10); theory's -1 (Liu et al.) clearly "
                         "agrees in 1, deviates in 1 of 2.")


def test_runs_that_do_not_learn_by_heart_are_counted():
    one = made(0.1, 20)
    for run in one.runs[:2]:
        run["train_error"][:] = 0.5
    text = after([made(0.0, None), Delays(0.1, one.runs)])
    assert text.startswith("Zero training error came at epoch 30 (with weight decay 0.1 in 4 of 6 (22 to 96 %) runs), with")
    assert "epoch 30, with" in after([made(0.0, None), made(0.1, 20)])


@pytest.mark.parametrize("norm, words", [((40.0, 50.0), "clearly rose"), ((50.0, 40.0), "clearly fell")])
def test_norm_and_margin_are_told_either_way(norm, words):
    text = meanwhile([made(0.0, None), made(0.1, 20, norm=norm)])
    assert f" ({words}) with weight decay 0.1, Liu et al.: it falls;" in text and "clearly more in 1 of 1" in text
    assert text.endswith("2.0 times that of the control at its end, clearly larger in 1 of 1.")
    less = meanwhile([made(0.0, None, margin=(3.0, 3.0)), made(0.1, 20, margin=(2.0, 1.0))])
    assert "clearly more in 0 of 1" in less and less.endswith("clearly larger in 0 of 1.")
    assert meanwhile([made(0.0, None), made(0.1, None)]) == "What norm and margin do meanwhile is not known."


def test_rules_that_see_it_wait_in_vain_in_the_control():
    rules, late = {"a": "Patience(30)", "b": "Patience(3)"}, made(0.1, 20)
    missed = {name: [late.missed(rule)] for name, rule in rules.items()}
    text = vain([made(0.0, None)], missed, rules)
    assert text.endswith("those that see it trained 310 epochs; to the last one in all runs: none.")
    assert vain([], missed, rules) == vain([made(0.0, 20)], missed, rules) == ""
    assert vain([made(0.0, None)], {"a": [], "b": []}, rules) == ""
