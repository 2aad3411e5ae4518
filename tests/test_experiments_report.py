"""What results are compared by and told in: means, verdicts, choices, openings, published figures, costs."""
import math

import numpy as np
import pytest

from experiments.report import costs, plots, words
from experiments.report.compare import BETTER, UNCLEAR, UNKNOWN, WORSE, mean_and_error, paired
from experiments.report.costs import Way
from experiments.report.levels import choose_once
from experiments.report.measured import Measured
from experiments.report.methods import Methods, alternative
from experiments.report.published import Beside
from experiments.report.tables import mean_error, number
from experiments.report.words import interval, of_those, opening_by
from experiments.runs.store import Run
from experiments.trainers.flipped import Flipped

# --- means, verdicts, numbers ---


def test_mean_and_standard_error():
    assert mean_and_error([1.0, 3.0, math.nan]) == (2.0, 1.0)
    assert mean_and_error([5.0])[0] == 5 and math.isnan(mean_and_error([5.0])[1])
    assert math.isnan(mean_and_error([])[0])


def test_intervals_and_means_tell_what_they_rest_on():
    assert (interval([1.0, math.nan]), interval([1.0, 1.0, 4.0]), interval([math.nan])) == ("1.0", "2.0 ±4.3", "–")
    assert interval([1.0, 1.0, 4.0], 2, half=0.5) == "2.00 ±0.50"
    assert of_those([1.0, 3.0]) == "2.0 ±1.0" and of_those([1.0, math.nan, 3.0]) == "2.0 ±1.0 (2 of 3 runs)"
    assert of_those([math.nan]) == "– (0 of 1 run)"


@pytest.mark.parametrize("a, b, verdict", [
    ([10, 11, 12], [9, 10, 11], BETTER),              # the same difference in every seed
    ([10, 11, 12], [11.1, 12, 13.1], WORSE),
    ([10, 11, 12], [10, 11, 12], UNCLEAR),
    ([10, 10, 10], [9, 10, 9.5], UNCLEAR),            # 1.7 standard errors
    ([10, 10, 10], [9.4, 9.0, 9.6], UNCLEAR),         # 3.8 standard errors: not clear with three seeds ...
    (9 * [10], 3 * [9.4, 9.0, 9.6], BETTER),          # ... but with nine
    ([10], [1], UNKNOWN),
    ([10, 11], [9, 10], UNKNOWN),                     # the same difference twice: one degree of freedom is no basis
    ([10, 11, math.nan], [9, 10, 1], UNKNOWN),
    ([10, math.nan], [1, 2], UNKNOWN)])
def test_verdicts_follow_the_t_interval(a, b, verdict):
    assert paired(a, b).verdict == verdict
    if verdict in (BETTER, WORSE):
        assert paired(a, b, lower_is_better=False).verdict == ({BETTER, WORSE} - {verdict}).pop()


@pytest.mark.parametrize("value, text", [(0.0, "0"), (0.123456, "0.123"), (12.3456, "12.3"), (1234.5, "1234"),
                                         (1.5e-7, "1.50e-7"), (math.nan, "–"), (-2.5, "-2.50")])
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize("mean, error, text", [(8.234, 0.31, "8.23 ±0.31"),
                                               (500.0, 0.0, "500"), (500.0, 1e-13, "500"), (123.4, 25.0, "123 ±25"),
                                               (2.5e-6, 1e-7, "(2.5 ±0.1)e-6"),
                                               (1.0, math.nan, "1.00"), (math.nan, math.nan, "–")])
def test_means_with_errors(mean, error, text):
    assert mean_error(mean, error) == text


# --- one choice for all seeds, openings ---

def test_how_stable_a_choice_is():
    losses = np.zeros((2, 10))
    assert choose_once([10 * [0.1], 10 * [0.2]], losses).share == 1
    undecided = choose_once([5 * [0.1, 0.2], 5 * [0.2, 0.1]], losses)  # equal: of the first, and half of the resamplings
    assert undecided.index == 0 and 0.5 < undecided.share < 0.75 and undecided.alone == (5, 5)
    assert choose_once([5 * [0.1, 0.2], 5 * [0.2, 0.1]], losses) == undecided


def test_the_labels_explain_only_what_they_can():
    error, loss = [WORSE, BETTER, UNCLEAR, BETTER], 4 * [WORSE]
    wrong, clean = "where 10 % are wrong", "where they are clean"

    def opened(*groups, count=10):
        return opening_by({"test error": error, "test loss": loss}, groups, count, 10, "the labels")

    assert opened(wrong, clean, wrong, clean) == (
        "No for the test loss (worse in 4 of 4 cases); for the test error it depends on the labels: worse where 10 % are "
        "wrong, better where they are clean.")
    assert opened(wrong, clean, "where 1 % are wrong", clean) == (
        "No for the test loss (worse in 4 of 4 cases); for the test error it depends on the labels: worse where 10 % are "
        "wrong, better where they are clean, no clear difference where 1 % are wrong.")
    assert opened(wrong, wrong, clean, clean) == (
        "No for the test loss (worse in 4 of 4 cases); for the test error it depends on the data: clearly better in 2, "
        "worse in 1 of 4 cases.")


@pytest.mark.parametrize("error, loss, opened", [
    ([BETTER, UNCLEAR], [WORSE, UNKNOWN], "Yes."),  # a difference either way is one
    ([BETTER, UNCLEAR], [UNCLEAR, UNCLEAR], "It depends on what counts."),
    ([UNCLEAR, UNKNOWN], [UNCLEAR], "No."),
    ([UNKNOWN], [UNKNOWN], "It depends on more than 2 seeds: at least 3 are needed for a verdict.")])
def test_opening_of_a_question_whether_something_depends(error, loss, opened):
    assert words.opening_of_difference([error, loss], 2) == opened


def test_sentences_become_one_text():
    @words.paragraph
    def answer(results):
        """What it means."""
        return ["Yes.", f"By {results}."]

    assert answer(3) == "Yes. By 3." and answer.__wrapped__(3) == ["Yes.", "By 3."] and answer.__doc__ == "What it means."
    assert words.means([[1.0, 3.0], [0.5, math.nan]]) == "0.50 to 2.0"
    assert words.between([math.nan, 2.0, 1.0]) == words.between([2.0, math.nan, 1.0]) == "1.0 to 2.0"
    assert words.between([math.nan]) == words.between([]) == "–"


# --- cases, and what is best possible ---

def test_a_case_says_what_it_is_and_what_is_best():
    case = Flipped("two_gaussians", 0.1)
    assert case.title == "Two Gaussians, 10 % flipped" and Flipped("mnist", 0.0).title == "MNIST, 0 % flipped"
    assert case.labels == "where 10 % are wrong" and Flipped("digits", 0.0).labels == "where they are clean"
    assert case.best_accuracy == pytest.approx(85.45, abs=0.005)
    assert case.best_note == "best possible: test error 14.6 %, on true labels 5.7 %, test loss 0.391"


# --- beside published figures ---

def accurate(*percent):
    return Measured([Run(scalars={"test_error": 1 - one / 100}) for one in percent])


@pytest.mark.parametrize("percent, said", [
    ([79.9, 80.0, 80.1], "it deviates by +1.50 points (80.000 ±0.058 instead of 78.50, 26.0 of our standard errors, and "
                         "more than two combined ones even if the published figure is a single run)"),
    ([78, 80, 82], "it is off by +1.50 points (80.0 ±1.2 instead of 78.50, no more than these seeds scatter)"),
    ([80, 80, 80], "it deviates by +1.50 points (80.0 instead of 78.50, and these seeds do not scatter)"),
    ([80], "it is off by +1.50 points (80.0 instead of 78.50; one seed shows no scatter)"),
    (10 * [79.5, 80.5], "it deviates by +1.50 points (80.00 ±0.11 instead of 78.50, 13.1 of our standard errors, and more "
                        "than two combined ones even if the published figure is a single run)"),
    (10 * [79, 81], "it deviates by +1.50 points (80.00 ±0.23 instead of 78.50, 6.5 of our standard errors, and more than "
                    "two combined ones unless the published figure is a mean of at most 2 runs)")])
def test_a_deviation_is_told_with_its_scatter(percent, said):
    assert Beside(accurate(*percent), 78.5).deviation("it") == said


def test_other_figures_may_be_published():
    beside = Beside(Measured([Run(scalars={"loss": one}) for one in (0.2, 0.4)]), 0.5, "loss", 1.0)
    assert beside.difference == pytest.approx(-0.2) and beside.in_errors("+.1f") == "-2.0" and beside.half_width == math.inf
    assert Beside(accurate(80), 78.5).in_errors("+.1f") == "–"


# --- methods, and what they cost ---

def test_the_best_alternative_in_words():
    def case(**errors):
        runs = {name: (Measured([Run(scalars={"end.test_error": one, "end.loss": 10 * one}) for one in some]), "end")
                for name, some in errors.items()}
        return Methods("a case", runs)

    def said(some):
        ways, figures = {"a": "way a", "b": "way b"}, {"test error": "test_error", "the loss": "loss"}
        return alternative([some], "end", ways, figures, some, count=3, what="the end")

    good, bad, same = [0.10, 0.11, 0.121], [0.30, 0.31, 0.32], [0.20, 0.21, 0.22]
    assert said(case(end=same, a=bad, b=good)) == (
        "Of the alternatives to the end, way b did best: test error was clearly better and the loss clearly better; in that "
        "case error 11.0 instead of 21.0 %, loss 1.10 instead of 2.10.")
    assert said(case(end=same, a=bad, b=same)).startswith(
        "No alternative to the end was clearly better on balance; way b came closest: test error was not clearly different")
    assert said(case(end=same[:1], a=bad[:1], b=good[:1])) == "Three seeds cannot tell which alternative to the end is best."


class Priced:
    """A case of ways that cost 1, 2 and 8."""

    def __init__(self, **percent):
        self.costs = {"cheap": 1.0, "fair": 2.0, "dear": 8.0}
        self.runs = {name: accurate(*some) for name, some in percent.items()}


WAYS = {name: Way(f"{name} one", "o", plots.BLUE) for name in ("cheap", "fair", "dear")}
HIGH, LOW, AS_HIGH = [90, 91, 92], [80, 81, 82.1], [90.1, 90.8, 92.2]


@pytest.mark.parametrize("percent, opening, end", [
    ({"cheap": LOW, "fair": AS_HIGH}, "Yes.", "in no case: fair one, for 25 % of the cost of the dear."),
    ({"cheap": AS_HIGH, "fair": HIGH}, "Yes.", "in no case: cheap one, for 12 % of the cost of the dear."),
    ({"cheap": LOW, "fair": LOW}, "No.", "No other way can be recommended: each was clearly worse in some case, or failed."),
    ({"cheap": LOW, "fair": 3 * [math.nan]}, "No.", "each was clearly worse in some case, or failed.")])
def test_the_cheapest_that_will_do_is_recommended(percent, opening, end):
    found = costs.sentences([Priced(**percent, dear=HIGH)], WAYS, "dear", price="lesson", what="pupil")
    assert found[0] == opening and found[2].endswith(end)
    assert found[1].startswith("Against the dear one of 8 lessons, on average over 1 case: cheap one ")
    assert " for 1 lesson" in found[1] and " for 2 lessons" in found[1]


def test_too_few_recommend_nothing():
    found = costs.sentences([Priced(cheap=[80], fair=[81], dear=[90])], WAYS, "dear", price="lesson", what="pupil")
    assert found[0].startswith("It depends on more than 1 pupil") and found[2].startswith("One pupil cannot tell")
    assert "clear" not in " ".join(found)


def test_a_way_beside_the_reference():
    case = Priced(cheap=LOW, fair=AS_HIGH, dear=HIGH)
    assert costs.compared(case, "cheap", "dear") == ("81.03 ±0.61", "-9.967 ±0.033", WORSE)
    assert costs.compared(case, "dear", "dear") == ("91.00 ±0.58", "", "")
