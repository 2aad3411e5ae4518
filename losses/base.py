"""The frame that every loss fits, also a user's own.

A loss is two things. `rows` gives the loss of every sample and its derivative with respect to the outputs, l_i and
dl_i/do_i. `weigh` says what is minimised over those samples: an objective J = φ(l_1 .. l_N) and its weights w_i =
dJ/dl_i, 1/N for the mean. The gradient is then w_i · dl_i/do_i; so flooding, which changes only `weigh`, works with
every `rows`. `objective` puts the two together.
"""
from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import answers as answering
from . import checks
from .elsewhere import LOSS
from .keywords import explains_arguments
from .weights import given, row_weights

NO_LEVELS = np.empty(0)


class Loss:
    """Per-sample values and per-sample weights; subclass it to write your own loss.

    A subclass must define `rows`; `prepare` and `labels` where the default reading of the targets does not fit.
    Without a function in `losses/rows.py` (`row = None`) it runs on the NumPy backend only.

    Attributes
    ----------
    row : str or None
        Name of the maths in `losses/rows.py` that compiled backends use (`nn.shared.codes.LOSSES`).
    row_parameter : float
        The one number it takes (label smoothing, a margin).
    confidence : float
        Strength of the confidence penalty in `rows`; 0 is none.
    flood : str
        Name of the weighting, out of `losses.rows.FLOODS`: "none" is the mean.
    level : float
        Flood level of that weighting.
    levels : ndarray (N,) or empty
        Flood levels of the samples of a data set, for a weighting that has one for each.
    flood_parameter : float
        One more number of that weighting (a scale, an upper bound).

    Examples
    --------
    >>> class Quartic(Loss):
    ...     def rows(self, outputs, y):
    ...         error = outputs - y
    ...         return (error**4).sum(axis=1), 4 * error**3
    >>> Quartic().value([[1.0], [2.0]], [[0.0], [0.0]])
    8.5
    """

    row: str | None = None
    row_parameter: float = 0.0
    confidence: float = 0.0
    flood: str = "none"
    level: float = 0.0
    levels: NDArray = NO_LEVELS
    flood_parameter: float = 0.0

    @property
    def raw(self) -> Loss:
        """The loss without flooding: what is logged."""
        return self

    def in_epoch(self, epoch: int) -> Loss:
        """Return the loss that is minimised in this epoch (from 0), for losses that alternate. Here: always itself."""
        return self

    def check_samples(self, n: int) -> None:
        """Raise ValueError if this loss cannot be trained with on a data set of `n` samples. Here: any n will do."""

    def prepare(self, y: ArrayLike, n: int, k: int) -> NDArray:
        """Check the user's targets and return them in the form that `rows` takes.

        Parameters
        ----------
        y : array_like, N rows
            Targets as the user gave them.
        n, k : int
            Number of samples and of outputs.

        Returns
        -------
        ndarray
            int64 class ids (N,) or float64 targets (N, any width). This default takes integers as ids and turns real
            numbers (N,) into (N, 1).

        Raises
        ------
        ValueError, TypeError
            If `y` does not fit.
        """
        y = checks.one_row_per_sample(checks.array_of("y", y, "biufcSUO"), n)
        return y[:, None] if y.ndim == 1 and y.dtype.kind == "f" else y

    def labels(self, y: ArrayLike, k: int) -> NDArray | None:
        """Class ids to count errors with, from the user's (not the prepared) targets.

        Returns
        -------
        ndarray, int64 (N,) or (N, K), or None
            (N, K) for several labels per sample, None for real-valued targets. This default takes integers of shape
            (N,) that can be class ids as such.
        """
        y = checks.array_of("y", y, "biufcSUO")
        if y.ndim != 1 or y.dtype.kind not in "biu" or (y < 0).any() or (y >= max(k, 2)).any():
            return None
        return y.astype(np.int64)

    def answers(self, y: ArrayLike, k: int) -> str:
        """What `k` outputs that were trained on the user's targets `y` say: a word out of `answers.ANSWERS`.

        `answers.predictions(outputs, word)` then reads the outputs, `wrong` counts the errors. This default takes what
        `labels` gives: "values" for None, "labels" for (N, K), else "classes".
        """
        labels = self.labels(y, k)
        return "values" if labels is None else "classes" if labels.ndim == 1 else "labels"

    def wrong(self, outputs: ArrayLike, y: ArrayLike) -> NDArray | None:
        """Share of wrong entries of every sample: 0 or 1, but for several labels per sample. Arguments as `per_sample`.

        Returns
        -------
        ndarray, float64 (N,), or None
            None for real-valued targets. NaN among the outputs is a wrong answer.
        """
        outputs = checks.as_rows(checks.array_of("outputs", outputs))
        n, k = outputs.shape
        self.prepare(y, n, k)  # refuses what does not fit
        labels = self.labels(y, k)
        return None if labels is None else answering.wrong(outputs, labels, self.answers(y, k))

    def rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Loss and derivative of every sample, unweighted: the definition of the loss.

        Parameters
        ----------
        outputs : ndarray, float32, float64 or complex128 (N, K)
            What the network gave. Complex outputs come from the complex step: the losses must then be the analytic
            continuation (decide by the real part, never take an absolute value), the derivatives may be anything.
        y : ndarray
            What `prepare` returned.

        Returns
        -------
        losses : ndarray (N,), dtype of `outputs`
        dOutputs : ndarray (N, K), dtype of `outputs`
            Derivative of each sample's own loss, not divided by N.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define rows(outputs, y)")

    def target_weights(self, y: NDArray) -> NDArray | None:
        """Weights (N,) that the loss itself gives samples, by what `prepare` returned. Here: None, all the same."""
        return None

    def weigh(self, losses: NDArray, *, indices: NDArray | None = None,
              weights: NDArray | None = None) -> tuple[float, NDArray]:
        """What is minimised over a batch, and the weight of each sample in its gradient. Here: J = Σ w_i l_i / Σ w_i.

        Parameters
        ----------
        losses : ndarray (N,), real or complex
            Raw losses of the samples of one batch.
        indices : ndarray, int (N,), optional
            Positions of the samples in the data set, for weightings that hold one number per sample.
        weights : ndarray, float64 (N,), optional
            How much each sample counts, >= 0; None: all the same. Where all are 0, so are J and what is returned.

        Returns
        -------
        objective : float (complex for complex losses)
            Accumulated in float64 for every dtype.
        weights : ndarray (N,), real dtype of `losses`
            d objective / d losses.
        """
        if weights is not None:
            shares = weights / (weights.sum() or 1)
            counted = np.where((shares == 0) & np.isinf(losses), 0, losses)  # 0·∞ = 0; a NaN goes in
            return (shares * counted).sum().item(), shares.astype(losses.real.dtype)
        accumulator = np.complex128 if np.iscomplexobj(losses) else np.float64
        mean = losses.mean(dtype=accumulator).item()
        return mean, np.full(len(losses), 1 / len(losses), dtype=losses.real.dtype)

    @explains_arguments(LOSS)
    def per_sample(self, outputs: ArrayLike, y: ArrayLike) -> NDArray:
        """Raw loss of every sample.

        Parameters
        ----------
        outputs : array_like (N, K), or (N,) for one output
            Outputs of the network (logits, not probabilities).
        y : array_like, N rows
            Targets.

        Returns
        -------
        ndarray (N,), dtype of `outputs` (float64 for integers)

        Raises
        ------
        ValueError, TypeError
            For wrong shapes or dtypes, empty data, labels out of range. NaN or infinite outputs are not refused: a
            network that diverges must be able to say so by its loss.
        """
        return self._sized_rows(*self._checked(outputs, y))[0]

    @explains_arguments(LOSS)
    def value(self, outputs: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> float:
        """Objective over the batch: the mean loss, or what flooding makes of it. Arguments as `per_sample`.

        With `sample_weight` (N,), and with class weights of the loss, the mean is J = Σ w_i l_i / Σ w_i. Complex outputs
        (the complex step) give a complex value.
        """
        outputs, y = self._checked(outputs, y)
        return self.objective(outputs, y, weights=row_weights(self, y, sample_weight))[0]

    @explains_arguments(LOSS)
    def value_and_gradient(self, outputs: ArrayLike, y: ArrayLike, *,
                           sample_weight: ArrayLike | None = None) -> tuple[float, NDArray]:
        """Objective over the batch and its derivative with respect to the outputs. Arguments as `value`.

        Returns
        -------
        value : float
        dOutputs : ndarray, shape of `outputs`, dtype as `per_sample`
        """
        rows, y = self._checked(outputs, y)
        value, _, _, dOutputs = self.objective(rows, y, weights=row_weights(self, y, sample_weight))
        return value, dOutputs.reshape(np.shape(outputs))

    def objective(self, outputs: NDArray, y: NDArray, *, indices: NDArray | None = None,
                  weights: NDArray | None = None) -> tuple[float, NDArray, NDArray, NDArray]:
        """All that training needs of a batch: `rows` and `weigh` put together.

        Parameters
        ----------
        outputs : ndarray (N, K)
        y : ndarray
            What `prepare` returned.
        indices : ndarray, int (N,), optional
            See `weigh`.
        weights : ndarray, float64 (N,), optional
            See `weigh`: all of them, class weights included (`losses.weights.row_weights`).

        Returns
        -------
        objective : float
        losses : ndarray (N,)
            Raw losses.
        weights : ndarray (N,)
            d objective / d losses, from losses in float64.
        dOutputs : ndarray (N, K), dtype of `outputs`
            d objective / d outputs.
        """
        losses, dOutputs = self._sized_rows(outputs, y)
        wide = losses.astype(np.complex128 if np.iscomplexobj(losses) else np.float64)
        value, slopes = self.weigh(wide, indices=indices, **given(weights))
        return value, losses, slopes, dOutputs * slopes[:, None].astype(dOutputs.real.dtype)

    def _checked(self, outputs: ArrayLike, y: ArrayLike) -> tuple[NDArray, NDArray]:
        outputs = checks.as_rows(outputs)
        return outputs, self.prepare(y, *outputs.shape)

    def _sized_rows(self, outputs: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        N, K = outputs.shape
        losses, dOutputs = self.rows(outputs, y)
        if np.shape(losses) != (N,) or np.shape(dOutputs) != (N, K):
            raise ValueError(f"{type(self).__name__}.rows: got shapes {np.shape(losses)} and {np.shape(dOutputs)}, "
                             f"accepted: losses ({N},) and dOutputs ({N}, {K})")
        return losses, dOutputs

    def __repr__(self) -> str:
        return constructor_form(self)


def constructor_form(instance: Any) -> str:
    """Return the call that makes `instance`: a leading required field by position, defaults left out.

    Fields are those of a dataclass; any other class is shown without arguments.
    """
    arguments = []
    for position, field in enumerate(fields(instance) if hasattr(instance, "__dataclass_fields__") else ()):
        value = getattr(instance, field.name)
        if position == 0 and field.default is MISSING:
            arguments.append(repr(value))
        elif value != field.default:
            arguments.append(f"{field.name}={value!r}")
    return f"{type(instance).__name__}({', '.join(arguments)})"


def set_frozen(instance: object, **values: object) -> None:
    """Set attributes of a frozen dataclass from its own `__post_init__` (checked numbers, derived constants)."""
    for name, value in values.items():
        object.__setattr__(instance, name, value)
