"""What too many epochs do: does the test error rise again, is it rate × epochs that counts, and what has grown meanwhile?

The lowest of some measured values is low by chance, too. So of each seed the rise is counted from the epoch that is best for
the mean of the other seeds: where nothing rises, it is zero in the mean.
"""
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import plots
from .arms import Arms, text
from .compare import AGREES, BETTER, DEVIATES, UNCLEAR, UNKNOWN, WORSE, agreement, judge, paired
from .tables import number
from .words import counted, depends_on_more, listed

GROWN = {"distance": "distance from the start", "norm": "norm", "directions": "directions"}
NEAR = {"distance": 0.05, "directions": 0.05}  # shares by which figures may differ that are to be the same
NEAR_ERROR = 0.02


class Case(NamedTuple):
    """One arm: share of flipped labels, units, learning rate."""

    noise: float
    width: int
    rate: float

    @property
    def title(self) -> str:
        """For tables."""
        return f"{self.width} units, rate {self.rate:g}"


def values(results: Arms, case: Case, figure: str, factor: float = 1.0) -> np.ndarray:
    """A figure (seeds, epochs) of the models that were kept."""
    return np.array([results.at(case, figure, factor, str(epoch)) for epoch in results.config.kept]).T


def best_of_others(curves: np.ndarray) -> np.ndarray:
    """Of each seed the place (seeds,) where the mean curve of the other seeds, of (seeds, epochs), is lowest."""
    if len(curves) == 1:
        return np.array([curves[0].argmin()])
    return np.array([np.delete(curves, seed, axis=0).mean(axis=0).argmin() for seed in range(len(curves))])


def rise(curves: np.ndarray) -> np.ndarray:
    """How far the last value of each seed (seeds,) is above that at the epoch that is best for the others."""
    return curves[:, -1] - curves[np.arange(len(curves)), best_of_others(curves)]


def rises(results: Arms, cases: Sequence[Case], figure: str) -> dict[Case, str]:
    """Whether a figure clearly rose again in each case: `WORSE`; all intervals of error and loss at once."""
    found = {case: rise(values(results, case, figure)) for case in cases}
    return {case: judge(rose, comparisons=2 * len(results.runs)).verdict for case, rose in found.items()}


def opened(by_labels: Mapping[str, Mapping[Case, str]], seeds: int, last: int) -> str:
    """Open the answer to "do too many epochs overfit?".

    Parameters
    ----------
    by_labels : mapping of str to (mapping of Case to str)
        By what the labels are like ("with 20 % of labels flipped"), the verdicts on the test error.
    seeds, last : int
        The last epoch.
    """
    found = [verdict for verdicts in by_labels.values() for verdict in verdicts.values()]
    if set(found) <= {UNKNOWN}:
        return depends_on_more(seeds, "seed")
    rose = {case: verdict == WORSE for verdicts in by_labels.values() for case, verdict in verdicts.items()}
    start = ("Yes" if all(rose.values()) else "No" if not any(rose.values()) else
             f"It depends on {listed(_what_decides(rose))}")
    said = [f"in {list(verdicts.values()).count(WORSE)} of {len(verdicts)} cases {labels}"
            for labels, verdicts in by_labels.items()]
    return f"{start}: after {last} epochs the test error on true labels was clearly above its lowest {listed(said)}."


def _what_decides(rose: Mapping[Case, bool]) -> list[str]:
    """Return in what cases differ that differ in nothing else, but of which one rose and the other did not."""
    names = {"noise": "the labels", "rate": "rate × epochs", "width": "size"}
    return [name for field, name in names.items() if any(
        rose[one] != rose[two] for one in rose for two in rose if one._replace(**{field: getattr(two, field)}) == two)]


def same_products(rates: Sequence[float], epochs: Sequence[int]) -> dict[float, list[tuple[float, int]]]:
    """Rates and epochs that have one product, by product; only products of two or more rates."""
    found: dict[float, list[tuple[float, int]]] = {}
    for rate in rates:
        for epoch in epochs:
            found.setdefault(float(f"{rate * epoch:.6g}"), []).append((rate, epoch))
    return {product: pairs for product, pairs in sorted(found.items()) if len(pairs) > 1}


def product_verdicts(results: Arms, pairs: Sequence[tuple[float, int]]) -> dict[str, list[str]]:
    """Whether figures are the same at each of some rates and epochs as at the first: `AGREES`, `DEVIATES` or unclear.

    By figure: the test error to two points, distance and directions to 5 %; of every size and kind of labels.
    """
    arms = sorted({(case.noise, case.width) for case in results.runs})
    count = 3 * len(arms) * (len(pairs) - 1)
    found: dict[str, list[str]] = {"test error": [], **{figure: [] for figure in NEAR}}
    for noise, width in arms:
        def at(pair: tuple[float, int], figure: str, arm: tuple[float, int] = (noise, width)) -> np.ndarray:
            return results.at(Case(*arm, pair[0]), figure, rule=str(pair[1]))
        for other in pairs[1:]:
            gap = at(other, "true_error") - at(pairs[0], "true_error")
            found["test error"].append(agreement(gap, 0, NEAR_ERROR, comparisons=count))
            for figure, near in NEAR.items():
                found[figure].append(agreement(at(other, figure) / at(pairs[0], figure), 1, near, comparisons=count))
    return found


def product_words(results: Arms, pairs: Sequence[tuple[float, int]], product: float) -> str:
    """Say whether it is rate × epochs that counts."""
    found = product_verdicts(results, pairs)
    every = [verdict for some in found.values() for verdict in some]
    word = ("agrees" if set(every) == {AGREES} else "disagrees" if DEVIATES in every else "does not contradict that")
    said = listed(f"{name} in {some.count(AGREES)} of {len(some)}" for name, some in found.items())
    pairs_said = listed(f"{counted(epoch, 'epoch')} at rate {rate:g}" for rate, epoch in pairs)
    return (f"Theory of early stopping as weight decay 1/(rate × epochs) (Bishop; Sjöberg and Ljung, 1995) says that only "
            f"the product counts; this {word}: {pairs_said} (product {number(product)}) agree to "
            f"{100 * NEAR_ERROR:g} points or {100 * NEAR['distance']:g} %, {said} comparisons.")


def growth(results: Arms, case: Case, figures: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Say how figures, by name, change from the first epochs that are asked about to the last ones.

    Returns
    -------
    list of str, dict of str to str
        The words, and by figure whether it clearly grew (`BETTER`) or fell (`WORSE`).
    """
    said, verdicts = [], {}
    for figure, name in figures.items():
        before, after = (results.at(case, figure, 100 if "%" in name else 1, str(epoch))
                         for epoch in (min(results.config.epochs), max(results.config.epochs)))
        verdict = paired(before, after, lower_is_better=False, comparisons=len(figures)).verdict
        verdicts[figure] = verdict
        said.append(f"{name} {text(before)} → {text(after)}{' (not clear)' * (verdict == UNCLEAR)}")
    return said, verdicts


def why(results: Arms, width: int, labels: Mapping[float, str]) -> str:
    """Say what grows with the epochs at the highest rate, with flipped labels and with true ones, and what follows."""
    rate, said, grew = max(results.config.rates), [], {}
    for noise, words in labels.items():
        figures = {"true_error": "test error, %,", **dict([("flips_learnt", "flipped labels learnt, %,")] * bool(noise)),
                   **GROWN}
        found, grew[noise] = growth(results, Case(noise, width, rate), figures)
        said.append(f"{words}: {listed(found)}")
    flipped, true = (grew[noise] for noise in labels)
    taken = flipped["flips_learnt"] == flipped["true_error"] == BETTER
    harmless = true["true_error"] not in (BETTER, UNKNOWN) and all(true[figure] == BETTER for figure in GROWN)
    then = (" So capacity grows in any case; the error does where there are wrong labels for it to take in." if
            taken and harmless else " Wrong labels are taken in, and the error grows." if taken else "")
    return (f"What grows from {min(results.config.epochs)} to {max(results.config.epochs)} epochs ({width} units, rate "
            f"{rate:g}) {'; '.join(said)}.{then}")


# --- panels ---

def error_panel(results: Arms, noise: float, width: int, hues: Mapping[float, str], axis: Any) -> None:
    """Test error over rate × epochs, a curve per rate, ever thinner so that none hides another; what was asked is marked."""
    kept = np.array(results.config.kept)
    for place, (rate, hue) in enumerate(hues.items()):
        case, asked = Case(noise, width, rate), np.isin(kept, results.config.epochs)
        curves = values(results, case, "true_error", 100)
        plots.curve(axis, rate * kept, curves, f"rate {rate:g}", hue=hue, split="",
                    lw=1.5 + 2.2 * (len(hues) - 1 - place))
        axis.plot(rate * kept[asked], curves.mean(axis=0)[asked], "o", color=plots.ink(hue),
                  ms=5 + 3 * (len(hues) - 1 - place))
    plots.log(axis, "x")


def growth_panel(results: Arms, noise: float, figure: str, hues: Mapping[int, str], axis: Any) -> None:
    """A figure over rate × epochs, of every rate, by size."""
    factor = 100 if figure in ("flips_learnt", "fit_error") else 1
    for width, hue in hues.items():
        for place, rate in enumerate(results.config.rates):
            grown = values(results, Case(noise, width, rate), figure, factor)
            plots.curve(axis, rate * np.array(results.config.kept), grown, "" if place else counted(width, "unit"), hue=hue,
                        split="")
    plots.log(axis, "x")
