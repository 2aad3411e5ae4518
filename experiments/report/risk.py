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
