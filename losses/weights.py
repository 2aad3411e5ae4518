"""How much each sample counts: J = Σ w_i l_i / Σ w_i, with w_i its own weight times that of its class."""
from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike, NDArray

from . import checks

if TYPE_CHECKING:
    from .base import Loss


def given(weights: NDArray | None) -> dict[str, NDArray]:
    """Return keywords for `Loss.weigh` and `Loss.objective`: none without weights, for users' own may not know them."""
    return {} if weights is None else {"weights": weights}


def row_weights(loss: Loss, y: NDArray, sample_weight: ArrayLike | None = None) -> NDArray | None:
    """Return the weight of each row of prepared targets, float64 (N,); None: all count the same.

    Parameters
    ----------
    loss : Loss
    y : ndarray, N rows
        What `loss.prepare` returned, not rounded to another dtype.
    sample_weight : array_like (N,), optional

    Returns
    -------
    ndarray or None
        Only ratios matter to a mean, so the largest of each factor is scaled to 1: nothing overflows, and equal weights are
        exactly 1.

    Raises
    ------
    TypeError, ValueError
        For weights that are negative, not finite or all 0, another number of them, or a loss whose `weigh` takes none.
    """
    by_class = loss.target_weights(y)
    if sample_weight is None and by_class is None:
        return None
    _require_weights(loss)
    weights = None if sample_weight is None else checks.weights("sample_weight", sample_weight, len(y))
    if weights is not None:
        weights /= weights.max()
    if by_class is None:
        return weights
    weights = by_class if weights is None else weights * by_class
    if not weights.any():
        raise ValueError(f"sample_weight and class_weight: got weights that are all 0 for these {len(y)} samples, accepted: "
                         "at least one above 0")
    return weights


def _require_weights(loss: Loss) -> None:
    """Raise TypeError for a user's own loss whose `weigh` or `objective` knows no weights."""
    for name in ("weigh", "objective"):
        parameters = inspect.signature(getattr(loss, name)).parameters.values()
        if not any(p.name == "weights" or p.kind == p.VAR_KEYWORD for p in parameters):
            raise TypeError(f"sample_weight: got weights for {type(loss).__name__}.{name}, which takes none, accepted: "
                            f"weights where it has the argument, {name}(..., indices=None, weights=None)")
    if hasattr(loss, "base"):
        _require_weights(loss.base)
