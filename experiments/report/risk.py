"""How far theory lets the error on new samples lie above the training error: capacity bounds of Vapnik's kind.

With probability 1 - η, for every network of one architecture at once, error - training error on n samples is at most
√((ln Π(2n) + ln(4/η))/n), where the growth function Π(m) counts in how many ways the networks can be right and wrong on m
samples (V. Vapnik, The nature of statistical learning theory, 1995, as C. Burges has it, A tutorial on support vector
machines, 1998, equation 3, with ln Π for its bound h(ln(2n/h) + 1)). Structural risk minimisation takes the network
whose training error plus this term is least.
"""
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import plots
from .capacity import Grid
from .compare import mean_and_error
from .tables import mean_error, number
from .words import listed

ETA = 0.05  # the bound holds with 95 %


def weights(sizes: Sequence[int]) -> int:
    """Weights and offsets of a network with these layers, inputs first."""
    return sum((before + 1) * after for before, after in itertools.pairwise(sizes))


def log_growth(samples: int, sizes: Sequence[int]) -> float:
    """At most ln Π(samples) of relu networks with these layers, inputs first and classes last.

    M polynomials of degree i in W parameters have at most 2(2eMi/W)^W patterns of signs for M >= W (Warren). Given those of
    the layers before, the units of layer i are such polynomials, one per sample and unit, in all W parameters up to there;
    so are, at the outputs, the differences of each two classes, whose signs decide the answer (P. Bartlett, N. Harvey,
    C. Liaw, A. Mehrabian, Nearly-tight VC-dimension bounds for piecewise linear neural networks, JMLR 2019, Theorem 7, here
    for more than two classes). m samples have 2^m patterns in any case.
    """
    *hidden, classes = sizes[1:]
    total = 0.0
    for layer, units in enumerate([*hidden, classes * (classes - 1) // 2], start=1):
        parameters, polynomials = weights(sizes[:layer + 1]), samples * units
        if polynomials < parameters:
            return samples * math.log(2)
        total += math.log(2) + parameters * math.log(2 * math.e * polynomials * layer / parameters)
    return min(total, samples * math.log(2))


def log_growth_counted(samples: int, sizes: Sequence[int]) -> float:
    """Ln Π(samples) if the number of weights were the VC dimension h, as for linear classifiers: h(ln(m/h) + 1) for m > h.

    No theorem says so of networks, whose dimension is larger: a rule of thumb. The formula is Sauer's lemma.
    """
    h, most = weights(sizes), samples * math.log(2)
    return min(h * (math.log(samples / h) + 1), most) if samples > h else most


def confidence_term(samples: int, sizes: Sequence[int], growth: Callable[[int, Sequence[int]], float] = log_growth) -> float:
    """Return what the bound adds to the training error on n samples; from 1 on it says nothing."""
    return math.sqrt((growth(2 * samples, sizes) + math.log(4 / ETA)) / samples)


def samples_needed(term: float, sizes: Sequence[int]) -> int:
    """Return how many samples it takes, to about 1 %, until the bound adds no more than `term`, which is above 0."""
    low, high = 1, 2
    while confidence_term(high, sizes) > term:
        low, high = high, 2 * high
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        low, high = (middle, high) if confidence_term(middle, sizes) > term else (low, middle)
    return high


def counted_term(samples: int, sizes: Sequence[int]) -> float:
    """Return what it would add if the number of weights were the VC dimension, see `log_growth_counted`."""
    return confidence_term(samples, sizes, log_growth_counted)


# --- beside what was measured ---

def bound_panel(grid: Grid, axis: Any) -> None:
    """Draw validation minus training error over the number of weights, of the most samples, below what the bound allows."""
    size, layers = grid.samples[-1], [grid.layers(width) for width in grid.widths]
    x = [weights(one) / 1000 for one in layers]
    axis.plot(x, [confidence_term(size, one) for one in layers], "-", color=plots.ink(plots.BLACK), label="bound")
    axis.plot(x, [counted_term(size, one) for one in layers], "--", color=plots.ink(plots.PURPLE),
              label="bound if h = weights")
    plots.curve(axis, x, grid.end("gap")[:, -1].T, "gap", hue=plots.RED, split="", marker="o")
    axis.set(xlabel=f"thousands of weights (log), {size} samples", ylabel="gap, bound on it")
    axis.set_ylim(bottom=0)
    plots.log(axis, "x")


def bound_sentences(grids: Sequence[Grid]) -> str:
    """Return by how much the bound is vacuous, and what structural risk minimisation would have chosen at what cost."""
    places = [(grid, w, n) for grid in grids for w, _ in enumerate(grid.widths) for n, _ in enumerate(grid.samples)]
    gaps = np.array([grid.end("gap")[w, n].mean() for grid, w, n in places])
    terms, counted = (np.array([term(grid.samples[n], grid.layers(grid.widths[w])) for grid, w, n in places])
                      for term in (confidence_term, counted_term))
    first = grids[0]
    least, most = (number(samples_needed(1.0, first.layers(first.widths[place]))) for place in (0, -1))
    chosen = [grid.structural(counted_term) for grid in grids]
    fits = [grid.fits[place, n] for grid, (taken, _) in zip(grids, chosen, strict=True)
            for (n, _), place in np.ndenumerate(taken)]
    cost = listed(f"{mean_error(*mean_and_error(one.mean(axis=0)))} ({grid.title})"
                  for grid, (_, one) in zip(grids, chosen, strict=True))
    times = number(float(np.min(terms / np.maximum(gaps, 1e-9))), 2)
    return (f"Vapnik's bound, of the growth function of relu networks, adds {number(terms.min())} or more to the training "
            f"error, at least {times} times the measured gap to the validation error, which was {number(gaps.max(), 2)} at "
            f"most: it says nothing (1 or more) in {np.sum(terms >= 1)} of {len(terms)} cells. To add at most 1 it takes "
            f"{least} samples with the smallest, {most} with the largest network on {first.table}; there "
            f"were {first.samples[-1]} at most. Were the number of weights the VC dimension, it would say nothing in "
            f"{np.sum(counted >= 1)}; structural risk minimisation would by that take a network that reaches zero training "
            f"error in {100 * np.mean(fits):.0f} % of choices, whose validation error at the end is above that of the size "
            f"chosen by cross-validation by {cost} points.")
