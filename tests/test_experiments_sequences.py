"""sequences from end to end with tiny settings, its words on made-up results, its trainer, and its central claim."""
import numpy as np
import pytest

from experiments.questions import sequences
from experiments.questions.sequences import BEST, HUES, NETWORKS, PLAIN, TRAININGS, Config
from experiments.report import plots
from experiments.report.measured import Measured
from experiments.report.spelled import PARTS, Fold, Grid, Spelled, half, verdict
from experiments.report.spelled_words import alone, drawn, fewer, kinds, opened
from experiments.runs.store import Run, Store
from experiments.trainers.spelling import Speller, all_words, held_out, parts_of, speller_of, train_fleet
from tests.pages import bare

TINY = Config(divisions=1, networks=(PLAIN, BEST), trainings=(PLAIN,), train=80, fewer=(40,), many=100, held=40,
              members=2, epochs=1, workers=1)


@pytest.mark.compiled
def test_from_end_to_end(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "page", bare)
    store = Store(tmp_path)
    sequences.run(TINY, store)
    # Cells; several together; one network and two kinds of n-grams of few and all words; three sizes drawn; Bayes' rule.
    assert store.count("sequences") == 5 * (2 + 1 + 2 * 3 + 3 * 2 + 1)
    results = sequences.gather(store, TINY)
    text = "".join(table.plain() for table in sequences.tables(results))
    for words in ("(5 folds, mean ±", "one start of several", "64, relu, mean", "near a word", "drawn: Markov chain"):
        assert words in text
    assert [path.stem for path in sequences.figures(results, tmp_path)] == [
        "sequences", "sequences_words", "sequences_grid"]
    assert "nan" not in sequences.answer(results) and "nan" not in text
    np.testing.assert_allclose(sum(results.parts().values()), 100 - results.at("cell", PLAIN, PLAIN))


def test_settings_out_of_range_are_named():
    with pytest.raises(ValueError, match="train: got 3700, accepted: at most 3600"):
        Config(train=3700)
    with pytest.raises(ValueError, match=r"fewer: got .*, accepted: below 3600"):
        Config(fewer=(450, 3600))
    with pytest.raises(ValueError, match=r"networks: got .*16 units.*, accepted: .*8 units"):
        Config(networks=("16 units",))
    with pytest.raises(ValueError, match="train: got 3601, accepted: at most 3600, the words that are not held out"):
        parts_of(Speller("test", 0, 3601))
    with pytest.raises(ValueError, match="model: got 'bayes', accepted: 'rnn', 'naive_bayes', 'markov'"):
        Speller("test", 0, 80, model="bayes")


# --- the trainer ---

def test_each_word_is_held_out_once_and_never_learnt():
    texts = [tuple(x[:length]) for x, length in zip(all_words().x, all_words().lengths, strict=True)]
    assert sorted(np.concatenate([held_out(seed) for seed in range(5, 10)])) == list(range(4500))
    train, held = parts_of(Speller("test", 7, 3600))
    both = [tuple(x[:length]) for part in (train, held) for x, length in zip(part.x, part.lengths, strict=True)]
    assert len(held.y) == 900 and sorted(both) == sorted(texts)
    assert np.bincount(train.y).tolist() == [900] * 4
    fewer, _ = parts_of(Speller("test", 7, 400))
    assert np.array_equal(fewer.x, train.x[:400]) and np.bincount(fewer.y).tolist() == [100] * 4


def test_drawn_words_are_judged_by_the_same_ones_whatever_is_learnt():
    (some, held), (more, same) = (parts_of(Speller("test", 3, n, "drawn", 40)) for n in (40, 80))
    assert np.array_equal(held.x, same.x) and (len(some.y), len(more.y)) == (40, 80)
    assert not np.array_equal(held.x, some.x) and held.lengths.min() >= 3


@pytest.mark.compiled
def test_a_run_is_a_function_of_its_settings():
    run = Speller("test", 1, 80, hidden=4, init="orthogonal", rate="cosine", clip=1.0, epochs=2, members=2)
    assert speller_of(run.settings()) == run
    [alone_], [_, other] = train_fleet([run.settings()]), train_fleet([{**run.settings(), "seed": 0}, run.settings()])
    assert np.array_equal(alone_.arrays["log_p"], other.arrays["log_p"])
    np.testing.assert_allclose(np.exp(other.arrays["log_p"]).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.compiled
def test_a_network_that_diverged_guesses():
    [run] = train_fleet([Speller("test", 0, 80, hidden=4, activation="relu", learning_rate=1e30, epochs=9).settings()])
    assert run.scalars == {"train_accuracy": 0.25, "held_accuracy": 0.25} and not run.curves


# --- the claim ---

@pytest.mark.compiled
def test_more_is_left_than_a_better_method_finds_and_fewer_words_cost_much():
    """The central claim, each part with its whole 95 % interval over the five folds on its side of a bound."""
    def trained(train, **how):
        return Measured(train_fleet([Speller("test", seed, train, **how).settings() for seed in range(5)]))

    best = {"activation": "relu", "rate": "cosine", "clip": 1.0}
    few, network = trained(450, **best, epochs=39), trained(3600, **best, epochs=14)
    markov = trained(3600, model="markov")
    y = np.array([all_words().y[held_out(seed)] for seed in range(5)])
    joined = sum(np.array([run.arrays["log_p"] for run in one.runs]) for one in (network, markov))
    fewer_words, alone_ = (100 * one.values("held_accuracy") for one in (few, network))
    together = 100 * (joined.argmax(axis=2) == y).mean(axis=1)
    found, left = together - alone_, 100 - together

    def clearly(values, bound):
        return values.mean() - half(values, 5) > bound
    assert clearly(alone_, 80) and clearly(found, 0) and clearly(left, 6) and clearly(left - found, 0)
    assert clearly(alone_ - fewer_words, 4)


# --- words ---

def test_an_interval_over_folds_is_wider():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    assert half(values, 5) == pytest.approx(1.5 * half(values))  # 1/5 + 1/4 is 9/4 of 1/5
    assert [verdict(values, 5), verdict(-values, 5), verdict(values - 2, 5), verdict(values[:2], 5)] == [
        "better", "worse", "no clear difference", "cannot be judged"]


@pytest.mark.parametrize("found, left, opening", [
    (2, 9, "Yes, for the most part, as far as these methods can tell: of the 11.0 ±"),
    (9, 2, "No, for the most part it is the network"),
    (5, 5, "It depends on both, and which is more cannot be told: ")])
def test_the_answer_opens_with_whose_fault_it_is(found, left, opening):
    scatter = 0.3 * np.array([-1, 1, 0, 0.5, -0.5])
    parts = dict.fromkeys(PARTS, 0 * scatter) | {"network": found + scatter, "left": left - 2 * scatter}
    assert opened(parts, 5).startswith(opening)
    assert opened({name: values[:2] for name, values in parts.items()}, 5).startswith("It depends on more than 2 folds")


def test_a_method_is_chosen_on_other_folds_and_the_shares_add_up():
    values = np.array([[[90.0, 50, 50, 50, 50], [50.0, 60, 60, 60, 60]], [[51.0] * 5, [55.0] * 5]])
    grid = Grid(("plain", "wide"), ("plain", "slow"), values, 5)
    chosen, places = grid.chosen(values.reshape(4, 5))
    # The fold that likes the first method best has no say in its own choice.
    assert places.tolist() == [1, 0, 0, 0, 0] and chosen.tolist() == [50.0, 50, 50, 50, 50]
    assert grid.favourite == ("plain", "plain", 4)
    np.testing.assert_allclose(sum(grid.shares().values()), grid.best - values[0, 0])


def made(**accuracies):
    """Results of which some arms have these accuracies on five folds, by chance a bit different ones."""
    scatter = 0.2 * np.array([-1, 1, 0, 0.5, -0.5])
    arms = {("cell", PLAIN, PLAIN): 86} | {tuple(int(part) if part.isdigit() else part for part in name.split("/")): value
                                         for name, value in accuracies.items()}
    runs = {arm: Measured([Run(scalars={"held_accuracy": (value + s * (1 + i % 2)) / 100, "train_accuracy": 0.95})
                           for s in scatter]) for i, (arm, value) in enumerate(arms.items())}
    fold = Fold(np.zeros(4), np.array([3, 5, 14, 20]), np.array([True, False, False, False]), np.zeros(4, bool))
    return Spelled(None, runs, [fold] * 5, 5)


def test_one_change_is_named_where_it_is_clear():
    words = alone(made(**{"cell/forwards only/plain": 80, "cell/plain/clip": 90, "cell/forwards only/clip": 80}))
    assert words.startswith("With one change the plain network was clearly worse in 1 of 1 by another network (forwards "
                            "only -6.0 ±") and "; clearly better in 1 of 1 by another training (clip 4.0 ±" in words
    assert "both directions (Schuster & Paliwal 1997) 6.0 ±" in words and "clipping (Pascanu et al. 2013) 4.0 ±" in words
    assert "clearly different in none of 1 by another training." in alone(made(**{"cell/plain/clip": 86}))
    assert alone(made()) == "With one change the plain network was left alone."


@pytest.mark.parametrize("half_as_many, words", [
    (80, "clear for net, so that too few words are a part of what is left."), (87, "clear for none.")])
def test_fewer_words_are_a_part_where_they_clearly_cost(half_as_many, words):
    assert words in fewer(made(**{"few/net/50": 70, "few/net/100": half_as_many, "few/net/200": 87}), ["net"], 200)


def test_drawn_words_are_split_in_three():
    words = drawn(made(**{"drawn/net/10": 80, "drawn/net/100": 88, "drawn/chain/10": 90, "drawn/chain/100": 93,
                          "drawn/all/10": 95}), "net", "chain", "all", (10, 100))
    assert "the net lacks 20.0 ±" in words and "for 10 times as few words" in words
    assert [part[:3] for part in words.split("of them ")[1].split("; ")[0].split(", ")[:3]] == ["5.0", "8.0", "7.0"]


def test_which_words_are_left():
    results = made()
    hits = np.array([[False, True, True, True]] * 5)
    results.hits = {"all joined": hits, "plain network": hits | [True, False, False, False]}
    words = kinds(results, "3 to 6", "13 to 25")
    assert words.startswith("No words of the set stand in two languages, and 25.0 % of them are at most one letter away")
    both = results.held[0]._replace(equal=np.array([True, False, False, False]))
    results.held = [both] * 5
    assert kinds(results, "3 to 6", "13 to 25").startswith("25.0 % of the words of the set stand in two languages, and ")
    assert "at most one letter away" in words and "at most 25.0 of the points left" in words
    assert "Of words of 3 to 6 letters 50.0 % are left, of 13 to 25 letters 0.0 %." in words
    assert "On 0.0 % of all words every method is wrong" in words


def test_every_method_has_a_hue():
    assert {*HUES} >= {*sequences.N_GRAMS} and len({hue for hue, _ in HUES.values()}) == len(HUES)
    assert NETWORKS[PLAIN] == TRAININGS[PLAIN] == {}
