"""What the answer of `questions.sequences` says, sentence by sentence."""
from collections.abc import Mapping, Sequence

import numpy as np

from .compare import BETTER, FEWEST, UNCLEAR, WORSE
from .spelled import Spelled, interval, verdict
from .words import depends_on_more, listed, tally

# Network or training: what is said to help, by whom, and whether the arm is the one without it.
SAID = {"forwards only": ("both directions", "Schuster & Paliwal 1997", True),
        "clip": ("clipping", "Pascanu et al. 2013", False), "orthogonal": ("an orthogonal start", "Saxe et al. 2014", False)}


def opened(parts: Mapping[str, np.ndarray], folds: int) -> str:
    """Open the answer: is it the data, and not what was found to be the network, its training or the method?"""
    left = parts["left"]
    found = np.sum([values for name, values in parts.items() if name != "left"], axis=0)
    if len(left) < FEWEST:
        return depends_on_more(len(left), "fold")
    start = {BETTER: "Yes, for the most part, as far as these methods can tell",
             WORSE: "No, for the most part it is the network and its training",
             UNCLEAR: "It depends on both, and which is more cannot be told"}[verdict(left - found, folds)]
    return (f"{start}: of the {interval(left + found, folds)} points that the plain network lacks, {interval(found, folds)} "
            f"were found by other networks, training or methods, and {interval(left, folds)} are left whatever was tried: "
            "the most that the words can be to blame for.")


def split(results: Spelled) -> str:
    """Say what each part is, what was chosen, and what the best network lacks in its turn."""
    parts, grid, folds = results.parts(), results.grid, results.folds
    clear = [name for name, values in parts.items() if verdict(values, folds, len(parts)) == BETTER and name != "left"]
    said = listed(f"{name} {interval(values, folds)}" for name, values in parts.items() if name != "left")
    lacks, (network, training, times) = 100 - grid.best, grid.favourite
    return (f"Found: {said} (all judged together, {listed(clear or ['none'])} clearly above 0). The best network and "
            f"training, chosen on other folds ({network} with {training} for {times} of {len(lacks)}), lack "
            f"{interval(lacks, folds)} points; what is left is {100 * parts['left'].mean() / lacks.mean():.0f} % of that.")


def alone(results: Spelled) -> str:
    """Say what a change of the network alone, or of training alone, does; and of what is said to help, whether it did."""
    grid, folds = results.grid, results.folds
    networks = {name: values[0] - grid.values[0, 0] for name, values in
                zip(grid.networks[1:], grid.values[1:], strict=True)}
    trainings = dict(zip(grid.trainings[1:], grid.values[0, 1:] - grid.values[0, 0], strict=True))
    said = []
    for kind, gains in (("network", networks), ("training", trainings)):
        verdicts = [verdict(values, folds, len(gains)) for values in gains.values()]
        if gains:
            named = [f"{name} {interval(gains[name], folds)}" for name, word in zip(gains, verdicts, strict=True)
                     if word in (BETTER, WORSE)]
            said.append(f"{tally(verdicts)} of {len(gains)} by another {kind}{' (' * bool(named)}{', '.join(named)}"
                        f"{')' * bool(named)}")
    helped = [f"{what} ({who}) {interval(-gains[name] if less else gains[name], folds)}"
              for name, (what, who, less) in SAID.items() for gains in (networks | trainings,) if name in gains]
    return f"With one change the plain network was {'; '.join(said) or 'left alone'}." + (
        f" What is said to help gained: {listed(helped)}." if helped else "")


def learnt(results: Spelled, first: tuple, best: tuple) -> str:
    """Say that capacity suffices: what is learnt of the training words."""
    plain, good = (results.runs[arm].values("train_accuracy", 100) for arm in (first, best))
    return (f"Of its training words the plain network knows {interval(plain, results.folds)} %, the best one "
            f"{interval(good, results.folds)} %.")


def kinds(results: Spelled, short: str, long: str) -> str:
    """Say which words are wrong: those (nearly) in two languages, short ones, and those on which all methods are wrong."""
    near, hits = results.twins(), results.hits["all joined"]
    wrong = ~np.any(list(results.hits.values()), axis=0)
    errors = [100 - float(results.pooled("all joined", results.long(name))) for name in (short, long)]
    share = 100 * float(results.equal.mean())
    return (f"{f'{share:.1f} % of the' if share else 'No'} words of the set stand in two languages, and "
            f"{100 * near.mean():.1f} % of them are at most one letter away from a word of another one: at most "
            f"{100 * float((near & ~hits).mean()):.1f} of the points left. Of words of {short} letters {errors[0]:.1f} % "
            f"are left, of {long} letters {errors[1]:.1f} %. On {100 * wrong.mean():.1f} % of all "
            "words every method is wrong, which does not mean that nobody could know.")


def fewer(results: Spelled, names: Sequence[str], whole: int) -> str:
    """Say what half of the words less costs."""
    size = max(words for words in results.curve("few", names[0]) if words < whole)
    costs = {name: results.at("few", name, whole) - results.at("few", name, size) for name in names}
    clear = [name for name, values in costs.items() if verdict(values, results.folds, len(costs)) == BETTER]
    said = listed(f"{name} {interval(values, results.folds)}" for name, values in costs.items())
    return (f"From {size} to {whole} words the gain was, in points: {said}; "
            f"all judged together, clear for {listed(clear or ['none'])}"
            f"{', so that too few words are a part of what is left' * bool(clear)}.")


def drawn(results: Spelled, network: str, other: str, bayes: str, sizes: Sequence[int]) -> str:
    """Say how the missing points of words whose best possible accuracy is known are split."""
    whole, many = sizes
    best = results.at("drawn", bayes, whole)
    said = []
    for name in (network, other):
        few, more = (results.at("drawn", name, size) for size in (whole, many))
        said.append(f"the {name} lacks {interval(100 - few)}, of them {interval(100 - best)} that nobody can find, "
                    f"{interval(more - few)} for {many / whole:.0f} times as few words, {interval(best - more)} by its own "
                    "fault")
    return f"Of words drawn from n-grams, where Bayes' rule tells, {'; '.join(said)}."
