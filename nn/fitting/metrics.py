"""What a check measures: losses and errors with frozen weights, and metrics on request."""
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from losses.answers import predictions, wrong
from losses.base import Loss
from losses.margins import layer_norms, output_margins, per_norm, smoothed_output_margin

from ..checks import choose
from ..engine import BLOCK_ROWS, Engine
from ..model import Model
from ..shared.inputs import Inputs
from .evidence import gradient_blocks, gradient_evidence, require_sample_gradients

PER_NORM = ("margin_normalized", "margin_smoothed")
MARGINS = ("margin_min", "margin_median", *PER_NORM)
ON_REQUEST = (*MARGINS, "gradient_norm", "update_norm", "prediction_changes", "evidence", "seconds")


class LabelledSet(NamedTuple):
    """Checked inputs, targets as the loss prepared them, and what belongs to each row.

    `labels` are to count errors with (None: real targets), `answers` says how the loss reads outputs trained on them
    (`losses.answers`), `weights` how much each row counts (None: all the same).
    """

    inputs: Inputs
    y: np.ndarray
    labels: np.ndarray | None
    answers: str
    weights: np.ndarray | None


def labelled_set(model: Model, loss: Loss, data: Any, argument: str, sample_weight: ArrayLike | None = None) -> LabelledSet:
    """Check (x, y) or (x, y, lengths) for a model and a loss; errors name `argument`. An x of Inputs is checked already."""
    if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
        raise ValueError(f"{argument}: got {type(data).__name__}, accepted: (x, y), or (x, y, lengths) for an RNN")
    x, y, lengths = (*data, None)[:3]
    inputs = x if isinstance(x, Inputs) else model.check_x(x, lengths, argument=f"{argument} x")
    try:
        y = model.pack_targets(y, inputs)
        prepared = loss.prepare(y, model.rows_of(inputs), model.outputs)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{argument} {error}") from None
    weights = model.row_weights(loss, prepared, sample_weight, inputs)
    return LabelledSet(inputs, prepared, loss.labels(y, model.outputs), loss.answers(y, model.outputs), weights)


def needed_metrics(metrics: str | Iterable[str], criterion: Any, columns: Iterable[str],
                   argument: str = "stopping") -> tuple[str, ...]:
    """Return the on-request metrics that the user or the criterion wants; raise ValueError for unknown ones."""
    if not isinstance(metrics, (str, Iterable)):
        raise TypeError(f"metrics: got {metrics!r}, accepted: names out of {', '.join(map(repr, ON_REQUEST))}")
    metrics = (metrics,) if isinstance(metrics, str) else tuple(metrics)
    for name in metrics:
        if name not in columns or name in ON_REQUEST:  # what is always measured may be named as well
            _choose_metric(name)
    for name in getattr(criterion, "requires", ()):
        if name in ("val_loss", "val_error", "test_loss", "test_error") and name not in columns:
            which = "validation" if name.startswith("val_") else "test"
            raise ValueError(f"{argument}: got {criterion!r}, which watches {name!r}, accepted: with {which}=(x, y)")
        if name not in columns:
            choose(f"{argument}: {criterion!r} watches {name!r}, which fit does not measure; metrics", name,
                   (*columns, *ON_REQUEST))
    return tuple(name for name in ON_REQUEST if name in metrics or name in getattr(criterion, "requires", ()))


def refuse_errors_of_values(wanted: Iterable[str], argument: str, watcher: Any, sets: Mapping[str, Any]) -> None:
    """Raise ValueError where an error is watched of a set whose targets are real numbers: it would be NaN at every check."""
    for name in wanted:
        which, _, what = name.removesuffix("_weighted").rpartition("_") if isinstance(name, str) else ("", "", "")
        data = sets.get(which)
        if what == "error" and data is not None and _has_no_error(data, sets["train"].answers):
            got = repr(name) if watcher is None else f"{watcher!r}, which watches {name!r}"
            raise ValueError(f"{argument}: got {got}, which would be NaN at every check, for these targets are real "
                             f"numbers, accepted: '{which}_loss', or class labels")


def _has_no_error(data: LabelledSet, answers: str) -> bool:
    return data.labels is None or answers == "values"


def _choose_metric(name: str) -> None:
    """Raise ValueError for what is no metric on request, and say so where it is always measured under another name."""
    try:
        choose("metrics", name, ON_REQUEST)
    except ValueError as error:
        word = name.lower() if isinstance(name, str) else ""
        always = word.rpartition("_")[2] in ("acc", "accuracy", "loss", "error")
        hint = "; loss and error (1 - accuracy) of every set are always measured" if always else ""
        raise ValueError(f"{error}{hint}") from None


class Meter:
    """Measures one row of the History after another."""

    def __init__(self, model: Model, loss: Loss, sets: Mapping[str, Any], metrics: Sequence[str]) -> None:
        self._model, self._loss, self._sets, self._metrics = model, loss.raw, sets, metrics
        self._last_flat: Any = model.flat.copy() if "update_norm" in metrics else None
        self._last_predictions: np.ndarray | None = None
        self._started = time.perf_counter()
        self._engines: dict = {}  # of each set that has been evaluated: a backend may keep the set where it computes
        if "evidence" in metrics:
            require_sample_gradients(model)
            if sets["train"].inputs.count == 1:
                raise ValueError("training x: got 1 sample, accepted with the metric 'evidence': at least 2, for it "
                                 "compares the samples' gradients")
        self._answers = sets["train"].answers
        if self._answers == "values" and {*MARGINS, "prediction_changes"} & set(metrics):
            raise ValueError(f"metrics: got {metrics} with real-valued targets, accepted: with class labels, which margins "
                             "and predictions need")
        if self._answers != "classes" and set(MARGINS) & set(metrics):
            raise ValueError(f"metrics: got {metrics} with targets that {loss!r} reads otherwise, accepted: with one class "
                             "per sample, told apart at an output of 0, which margins need")
        if set(PER_NORM) & set(metrics):
            layer_norms(model)  # refuses a network that is not homogeneous, before it is trained

    def measure(self) -> dict[str, float]:
        """Return the loss and error of every set, the parameter norm, and the metrics on request."""
        row: dict[str, float] = {}
        train_outputs = None
        for name, data in self._sets.items():
            if data is not None:
                outputs = self._engine(name, data).evaluate()
                row |= self._losses_and_errors(name, outputs, data)
                train_outputs = outputs if name == "train" else train_outputs
        row["parameter_norm"] = _norm(self._model.flat)
        finite = np.isfinite(row["train_loss"])  # a diverged network has no margins; fit reports the divergence
        for metric in self._metrics:
            row[metric] = getattr(self, f"_{metric}")(train_outputs) if finite else np.nan
        return row

    def _engine(self, name: str, data: LabelledSet) -> Engine:
        if name not in self._engines:
            self._engines[name] = self._model.open(data.inputs, batch=min(data.inputs.count, BLOCK_ROWS))
        return self._engines[name]

    def state(self) -> dict[str, np.ndarray]:
        """Return what the next row depends on besides the model, as arrays."""
        state = {"flat": self._last_flat, "predictions": self._last_predictions, "seconds": self._seconds(None)}
        return {name: np.asarray(value) for name, value in state.items() if value is not None}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Take over what `state` returned."""
        self._last_flat = state.get("flat", self._last_flat)
        self._last_predictions = state.get("predictions")
        self._started = time.perf_counter() - float(state["seconds"])

    def _losses_and_errors(self, name: str, outputs: np.ndarray, data: LabelledSet) -> dict[str, float]:
        losses, _ = self._loss.rows(outputs, data.y)
        labels: Any = data.labels
        no_error = _has_no_error(data, self._answers)
        errors = np.full(len(losses), np.nan) if no_error else wrong(outputs, labels, self._answers)
        row = {f"{name}_loss": float(np.mean(losses, dtype=np.float64)), f"{name}_error": float(np.mean(errors))}
        if data.weights is not None:
            for what, values in (("loss", losses), ("error", errors)):
                row[f"{name}_{what}_weighted"] = float(np.average(values.astype(np.float64), weights=data.weights))
        return row

    def _margin_min(self, outputs: np.ndarray) -> float:
        return float(output_margins(outputs, self._sets["train"].labels).min())

    def _margin_median(self, outputs: np.ndarray) -> float:
        return float(np.median(output_margins(outputs, self._sets["train"].labels)))

    def _margin_normalized(self, outputs: np.ndarray) -> float:
        return per_norm(self._margin_min(outputs), self._model)

    def _margin_smoothed(self, outputs: np.ndarray) -> float:
        """From the sum of the cross-entropies, whatever the loss that is minimised."""
        return per_norm(smoothed_output_margin(outputs, self._sets["train"].labels), self._model)

    def _update_norm(self, outputs: np.ndarray) -> float:
        """Distance from the weights at the last check (or the start)."""
        norm = _norm(self._model.flat.astype(np.float64) - self._last_flat)
        self._last_flat = self._model.flat.copy()
        return norm

    def _prediction_changes(self, outputs: np.ndarray) -> float:
        """Training samples whose predicted class differs from that at the last check; NaN at the first."""
        now, before = predictions(outputs, self._answers), self._last_predictions
        self._last_predictions = now
        return np.nan if before is None else float(np.count_nonzero(now != before))

    def _evidence(self, outputs: np.ndarray) -> float:
        """Evidence that only sampling noise is left of the gradient of the raw training loss: nn/fitting/evidence.py."""
        inputs, y, *_ = self._sets["train"]
        return gradient_evidence(self._model, inputs, y, self._loss, BLOCK_ROWS)

    def _seconds(self, outputs: np.ndarray | None) -> float:
        """Time since the run started; a resumed run goes on counting from its checkpoint."""
        return time.perf_counter() - self._started

    def _gradient_norm(self, outputs: np.ndarray) -> float:
        """Norm of the gradient of the raw training loss over the whole set: block means, weighted by their rows.

        With batch normalisation the set is one block, because its statistics are part of the function.
        """
        model, (inputs, y, *_) = self._model, self._sets["train"]
        block = inputs.count if model.statistics else min(inputs.count, BLOCK_ROWS)
        engine, total = model.open(inputs, y, self._loss, batch=block), np.zeros(model.flat.size)
        for _, share, dflat in gradient_blocks(engine, model, inputs, block):
            total += dflat * share
        return _norm(total)


def _norm(vector: np.ndarray) -> float:
    """Euclidean norm, accumulated in float64."""
    return float(np.sqrt(np.dot(vector.astype(np.float64), vector.astype(np.float64))))
