"""How far a sample is on the right side: margins, computed from logits because probabilities saturate.

After 100 % training accuracy the error says nothing more; margins do. All output margins positive means zero error; a
tie for the largest output has margin 0, even where `predict` (first largest) happens to name the label.

The margins of a sample take `outputs` (N, K >= 2) with class ids, or one output, (N,) or (N, 1), with labels {0, 1}. They
compute and return float64.

Doubling all weights of a bias-free relu network multiplies every margin by 2^L and changes no decision. Whether margins
really grow is therefore asked of a whole network: `normalized_margin` divides the smallest margin by the norm of the
weights, `smoothed_margin` does so for a smooth stand-in for it, of which theory says that training never lowers it.
`hard_margin` gives the largest margin there is, for linear classifiers.
"""
from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import truediv
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import checks
from .cross_entropy import shifted_exponentials
from .hard_margin import HardMargin, hard_margin
from .keywords import explains_arguments

__all__ = ["HardMargin", "hard_margin", "layer_norms", "log_odds_margins", "normalized_margin", "output_margins", "per_norm",
           "probability_margins", "smoothed_margin", "smoothed_output_margin"]

LOG_2 = float(np.log(2))
NORMS = ("total", "layers")
HOMOGENEOUS = (None, "relu", "identity")  # activations f with f(c·z) = c·f(z) for c > 0; None: a model that does not say


class Network(Protocol):
    """What the margins of a whole network ask of it: an MLP's, or anybody's."""

    @property
    def parameters(self) -> Mapping[str, NDArray]:
        """Arrays by name: for a homogeneous network weight matrices alone."""

    def forward(self, x: ArrayLike) -> NDArray:
        """Return the outputs (N, K)."""


@explains_arguments()
def output_margins(outputs: ArrayLike, y: ArrayLike) -> NDArray:
    """Label's output minus the largest other one: q = o_y - max_{j != y} o_j; for one output q = ±o.

    Parameters
    ----------
    outputs : array_like, real (N, K), or (N,) for one output
        Logits.
    y : array_like (N,)
        Class ids; 0 or 1 for one output.

    Returns
    -------
    ndarray, float64 (N,)

    Raises
    ------
    ValueError, TypeError
        For wrong shapes or dtypes, empty data, labels out of range, NaN or infinite outputs.
    """
    outputs, y = _checked(outputs, y)
    if outputs.shape[1] == 1:
        return _signed(outputs, y)
    label_output, others = _split(outputs, y)
    return label_output - others.max(axis=1)


@explains_arguments()
def probability_margins(outputs: ArrayLike, y: ArrayLike) -> NDArray:
    """Label's probability minus the largest other one: p_y - max_{j != y} p_j, in [-1, 1]; for one output ±(2p - 1).

    Arguments, result and errors as `output_margins`. It saturates: from q of about 37 on it is 1 in float64.
    """
    outputs, y = _checked(outputs, y)
    if outputs.shape[1] == 1:
        return np.tanh(_signed(outputs, y) / 2)  # 2p - 1 for p = 1/(1 + exp(-q)), without the subtraction
    label_output, others = _split(outputs, y)
    q = label_output - others.max(axis=1)
    # One of the two logits compared is the largest of all: (exp(o_y) - exp(o_r)) / Σ exp = ±(1 - exp(-|q|)) / (1 + s).
    _, _, _, s = shifted_exponentials(outputs)
    return np.sign(q) * -np.expm1(-np.abs(q)) / (1 + s)


@explains_arguments()
def log_odds_margins(outputs: ArrayLike, y: ArrayLike) -> NDArray:
    """Log-odds of the label, log p_y/(1 - p_y) = o_y - log Σ_{j != y} exp(o_j); for one output ±o.

    Arguments, result and errors as `output_margins`. At most the output margin q, and at least q - log(K - 1).
    """
    outputs, y = _checked(outputs, y)
    if outputs.shape[1] == 1:
        return _signed(outputs, y)
    label_output, others = _split(outputs, y)
    _, _, _, s = shifted_exponentials(others)
    return (label_output - others.max(axis=1)) - np.log1p(s)


@explains_arguments()
def normalized_margin(model: Network, x: ArrayLike, y: ArrayLike, norm: str = "total") -> float:
    """Smallest output margin over the norm of the weights: min q / ‖θ‖^L, or min q / Π_l ‖W_l‖_F (Lyu & Li, ICLR 2020).

    Parameters
    ----------
    model : MLP, or anything with `forward(x)` and `parameters`
        Homogeneous: weight matrices alone, no biases and no batch normalisation; relu or identity. L is their number.
    x, y : as the model's
        Data to take the smallest margin over.
    norm : {"total", "layers"}, default "total"
        ‖θ‖^L of all weights together, or the product of the Frobenius norms of the layers (never larger than the first
        divided by L^(L/2), so this margin is the larger one). For one layer they agree.

    Returns
    -------
    float
        Unchanged when all weights are multiplied by one positive number. NaN where the norm is 0.

    Raises
    ------
    ValueError, TypeError
        For a model that is not homogeneous, naming what makes it so; for data as `output_margins`.
    """
    layer_norms(model)  # refuses before any work is done
    return per_norm(float(output_margins(model.forward(x), y).min()), model, norm)


@explains_arguments()
def smoothed_margin(model: Network, x: ArrayLike, y: ArrayLike) -> float:
    """Inverse of the loss at the summed loss, over the norm of the weights: l⁻¹(Σ l_n) / ‖θ‖^L (Lyu & Li, ICLR 2020).

    Once Σ l_n < log 2, gradient flow on a homogeneous network never lowers it, while the smallest margin itself may dip. It
    is at most the normalised margin, and the two approach each other as the loss falls. Arguments, result and errors as
    `normalized_margin`.

    See Also
    --------
    smoothed_output_margin : the numerator.
    """
    layer_norms(model)
    return per_norm(smoothed_output_margin(model.forward(x), y), model)


@explains_arguments()
def smoothed_output_margin(outputs: ArrayLike, y: ArrayLike) -> float:
    """One margin for all samples: l⁻¹(L) = -log(expm1(L)), L the SUM of the (binary) cross-entropies l_n.

    Cross-entropy is log(1 + exp(-m)) of the log-odds m, so that the logistic inverse serves both losses. Never more than the
    smallest log-odds. Arguments and errors as `output_margins`.
    """
    margins = log_odds_margins(outputs, y)
    losses = np.logaddexp(0, -margins)
    L = losses.sum()
    if L > LOG_2:
        return float(-L - np.log1p(-np.exp(-L)))
    # Now every margin is positive, and L may be too small for a float: go by logarithms. From a margin of 37 on the
    # logarithm of a loss is -m to the last bit, long before the loss underflows.
    with np.errstate(divide="ignore"):
        logs = np.where(margins > 37, -margins, np.log(losses))
    log_L = logs.max() + np.log(np.exp(logs - logs.max()).sum())
    return float(-log_L - (np.log(np.expm1(L) / L) if L > 0 else 0))  # expm1(L)/L = 1 + L/2 + ...


@explains_arguments()
def per_norm(margin: float, model: Network, norm: str = "total") -> float:
    """Divide a margin by the norm of a model's weights; arguments and errors as `normalized_margin`."""
    if norm not in NORMS:
        raise ValueError(f"norm: got {norm!r}, accepted: {', '.join(map(repr, NORMS))}")
    norms = layer_norms(model)
    if norm == "total":
        norms = [float(np.linalg.norm(norms))] * len(norms)
    # One division after another: the product of many norms may overflow where the quotient does not.
    return reduce(truediv, norms, margin) if all(norms) else float("nan")


@explains_arguments()
def layer_norms(model: Network) -> list[float]:
    """Frobenius norm of every weight matrix, in float64; ValueError for a model that is not homogeneous in its weights."""
    others = [name for name, array in model.parameters.items() if np.ndim(array) != 2]
    activation = getattr(model, "activation", None)
    if others:
        raise ValueError(f"model: got the parameters {', '.join(others)}, accepted: weight matrices alone, for which a "
                         "normalised margin is defined: no biases, no batch normalisation, for example MLP(..., bias=False)")
    if activation not in HOMOGENEOUS and len(model.parameters) > 1:
        raise ValueError(f"model: got activation {activation!r}, accepted: 'relu' and 'identity', "
                         "where doubling the weights of a layer doubles its outputs")
    return [float(np.linalg.norm(np.asarray(array, dtype=np.float64))) for array in model.parameters.values()]


def _checked(outputs: ArrayLike, y: ArrayLike) -> tuple[NDArray, NDArray]:
    outputs = checks.as_finite_rows(outputs).astype(np.float64)
    return outputs, checks.labels_for(y, *outputs.shape)


def _signed(outputs: NDArray, y: NDArray) -> NDArray:
    return np.where(y == 1, outputs[:, 0], -outputs[:, 0])


def _split(outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
    """Return the label's output (N,) and all others (N, K - 1)."""
    N, K = outputs.shape
    is_label = np.arange(K) == y[:, None]  # (N, K)
    return outputs[is_label], outputs[~is_label].reshape(N, K - 1)
