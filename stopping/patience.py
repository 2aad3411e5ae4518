"""Stop when a metric has not improved for a while."""
import math

from . import states
from .base import Criterion, State, Values
from .checks import finite_number, metric_name, one_of, whole_number
from .elsewhere import CRITERION, PATIENCE
from .keywords import explains_arguments


@explains_arguments(PATIENCE)
class Patience(Criterion):
    """Stop when `patience` checks in a row brought no improvement of one metric.

    Two questions are kept apart. *Is it the best so far?* Any strict improvement is, however small: `best_step` is
    the first check with the best value, and it is the one whose weights deserve to be restored. *Does it extend the
    patience?* Only an improvement by more than `min_delta` does. With ``mode="min"``, check t extends it when ::

        value_t < reference - min_delta                    (relative=False)
        value_t < reference - min_delta * reference        (relative=True)

    and `update` says stop at check t when ``t - max(last check that extended the patience, warmup) >= patience``.
    ``mode="max"`` is the mirror image. The first finite value is an improvement over nothing.

    Parameters
    ----------
    patience : int
        Checks (not epochs, unless there is one check per epoch) without improvement that are one too many; at least 1.
    monitor : str
        The metric to watch.
    mode : {"min", "max"}
        Whether lower or higher is better. Never guessed from the metric's name.
    min_delta : float
        Improvements up to and including this size do not extend the patience; 0: every one does, a tie does not.
    relative : bool
        Read `min_delta` as a fraction of the reference (0.005 is half a percent). On negative values this would turn
        the sense of the rule round, so they raise; 0 is allowed.
    warmup : int
        The first `warmup` checks neither stop nor use up patience, so no stop comes before check ``warmup +
        patience``. They may be the best, and later checks must improve on them.
    baseline : float, optional
        A value to beat, as if it had been seen before the first check: until a check improves on it (by more than
        `min_delta`), none extends the patience. It does not touch `best_step`: a run that never beats the baseline
        still has its best check.
    reference : {"significant", "best"}
        What an improvement is measured from, which matters only if `min_delta` > 0. ``"significant"``: the value that
        extended the patience last, so that many small improvements add up (Keras, Lightning, skorch). ``"best"``: the
        best value so far, so that each single improvement must exceed `min_delta` (scikit-learn, ignite).

    Raises
    ------
    ValueError
        On a bad argument; from `update`, on a negative value if `relative`.

    Notes
    -----
    A value that is NaN or infinite is never an improvement: it uses up patience like any other check without one.

    Keras differs in three places: its `start_from_epoch` does not look at the warm-up checks at all; its best moves
    only on improvements beyond `min_delta`; and with both `min_delta` and `baseline`, an improvement that does not
    beat the baseline still moves the reference.

    References
    ----------
    The rule is folklore; its variants are compared in `stopping/README.md`. The two thresholds (is the best; extends
    the patience) are those of the Theano tutorials, which measure from the best (``reference="best"``).

    Examples
    --------
    >>> stop = Patience(2)
    >>> [stop.update(val_loss=loss) for loss in (0.9, 0.7, 0.8, 0.7)]
    [False, False, False, True]
    >>> stop.best_step, stop.best_value, stop.stopped_step
    (2, 0.7, 4)
    """

    _counters = ("improved_step", "improved_value")
    _identity = ("monitor", "mode")

    def __init__(self, patience: int, monitor: str = "val_loss", mode: str = "min", min_delta: float = 0.0,
                 relative: bool = False, warmup: int = 0, baseline: float | None = None, *,
                 reference: str = "significant") -> None:
        self.patience = whole_number("patience", patience, least=1)
        self.monitor = metric_name("monitor", monitor)
        self.mode = one_of("mode", mode, ("min", "max"))
        self.min_delta = finite_number("min_delta", min_delta, least=0)
        self.relative = one_of("relative", relative, (False, True))
        self.warmup = whole_number("warmup", warmup, least=0)
        self.baseline = None if baseline is None else finite_number("baseline", baseline)
        self.reference = one_of("reference", reference, ("significant", "best"))
        self._refuse_inverted()
        super().__init__(requires=(self.monitor,))

    def _refuse_inverted(self) -> None:
        if not self.relative:
            return
        if self.mode == "min" and self.min_delta >= 1:
            raise ValueError(f"min_delta: got {self.min_delta!r}, accepted: below 1 with relative=True and mode='min' "
                             "(nothing falls by more than all of itself)")
        if self.baseline is not None and self.baseline < 0:
            raise ValueError(f"baseline: got {self.baseline!r}, accepted: with relative=True a number that is not negative")

    def _begin(self) -> None:
        self.improved_step = 0      # the check that extended the patience last; 0: none has
        self.improved_value: float | None = None  # and its value

    def _check_counters(self, state: State) -> None:
        improved = states.count("improved_step", state["improved_step"], state["step"])
        if (state["improved_value"] is None) != (improved == 0):
            states.refuse("improved_value", state["improved_value"], "None where improved_step is 0, and only there")
        if improved:
            states.number("improved_value", state["improved_value"])

    def _admit(self, values: Values) -> None:
        value = values[self.monitor]
        # A reference of -2 less 10 % of itself is -1.8: worse values would pass as improvements.
        if self.relative and value < 0:
            raise ValueError(f"{self.monitor}: got {value!r} at check {self.step + 1}, accepted: values that are not "
                             f"negative, of which {self!r} measures fractions; use relative=False")

    def _decide(self, values: Values) -> bool:
        value = values[self.monitor]
        if math.isfinite(value):
            self._learn(value)
        return self.step - max(self.improved_step, self.warmup) >= self.patience

    def _learn(self, value: float) -> None:
        # The patience first: with reference="best" it asks for the best of the checks *before* this one.
        if self._extends_patience(value):
            self.improved_step, self.improved_value = self.step, value
        if self.best_value is None or self._better(value, self.best_value):
            self.best_step, self.best_value = self.step, value

    def _extends_patience(self, value: float) -> bool:
        anchor = self.best_value if self.reference == "best" else self.improved_value
        known = [known for known in (anchor, self.baseline) if known is not None]
        if not known:
            return True
        reference = min(known) if self.mode == "min" else max(known)
        delta = self.min_delta * reference if self.relative else self.min_delta
        return self._better(value, reference - delta if self.mode == "min" else reference + delta)

    def _better(self, value: float, other: float) -> bool:
        return value < other if self.mode == "min" else value > other


@explains_arguments(CRITERION)
class AdaptivePatience(Criterion):
    """Stop when the run is `factor` times as long as it took to get to the best check.

    The rule of the Theano tutorials, in checks. Two thresholds: any strict improvement is a new best; only one to below
    ``threshold`` times the best so far is *significant* and extends the patience. With e the last significant check,
    0 before there is one, `update` says stop at check t when ::

        t >= max(initial, factor * e, e + minimum)

    ``factor=2, threshold=1`` reads "M := the checks it took to reach the optimum; stop M checks after it", and
    `minimum` is the least M. At most half of such a run comes after its best check, whatever the scale of the problem.

    Parameters
    ----------
    initial : int
        The first check that may stop, at least 1 (Theano's `patience`).
    factor : float
        Above 1 (Theano's `patience_increase`).
    threshold : float
        In (0, 1]; 1: every strict improvement is significant. Theano: 0.995. Below 1 it is a fraction of the best, so
        that negative values raise.
    monitor : str
        The metric to watch.
    mode : {"min", "max"}
        For "max", significant is what exceeds ``(2 - threshold)`` times the best: the same relative gain.
    minimum : int
        The least number of checks between the last significant best and the stop. Without it a run whose first check
        happens to be good ends at `initial`.

    Raises
    ------
    ValueError
        On a bad argument; from `update`, on a negative value if ``threshold < 1``.

    Notes
    -----
    A value that is NaN or infinite is never the best. The rule fails where the optimum is delayed by more than `factor`:
    in a grokking run the second descent came 23 times later than the zero training error.

    Theano counts minibatches from 0 and asks after each of them, here checks are counted from 1; its extension is kept
    even when it is no whole number, and so is it here.

    References
    ----------
    Deep Learning Tutorials (Theano), early stopping of ``logistic_sgd.py`` and ``mlp.py``: patience 5000 or 10000,
    increase 2, threshold 0.995. The version "M := epochs to reach the optimum" is folklore without a primary source.

    Examples
    --------
    >>> stop = AdaptivePatience(1, minimum=2)
    >>> [stop.update(val_loss=loss) for loss in (0.9, 0.8, 0.7, 0.8, 0.9, 0.9)]
    [False, False, False, False, False, True]
    >>> stop.best_step
    3
    """

    _counters = ("improved_step",)
    _identity = ("monitor", "mode")

    def __init__(self, initial: int, factor: float = 2.0, threshold: float = 1.0, monitor: str = "val_loss", *,
                 mode: str = "min", minimum: int = 0) -> None:
        self.initial = whole_number("initial", initial, least=1)
        self.factor = finite_number("factor", factor, above=1)
        self.threshold = finite_number("threshold", threshold, above=0, most=1)
        self.monitor = metric_name("monitor", monitor)
        self.mode = one_of("mode", mode, ("min", "max"))
        self.minimum = whole_number("minimum", minimum, least=0)
        super().__init__(requires=(self.monitor,))

    def _begin(self) -> None:
        self.improved_step = 0

    def _check_counters(self, state: State) -> None:
        states.count("improved_step", state["improved_step"], state["step"])

    def _admit(self, values: Values) -> None:
        if self.threshold < 1:
            self._refuse_negative(values, (self.monitor,), "use threshold=1")

    def _decide(self, values: Values) -> bool:
        value = values[self.monitor]
        if math.isfinite(value):
            self._learn(value)
        return self.step >= max(self.initial, self.factor * self.improved_step, self.improved_step + self.minimum)

    def _learn(self, value: float) -> None:
        best = self.best_value
        if best is None or (value < best if self.mode == "min" else value > best):
            if best is None or self._significant(value, best):
                self.improved_step = self.step
            self.best_step, self.best_value = self.step, value

    def _significant(self, value: float, best: float) -> bool:
        return value < self.threshold * best if self.mode == "min" else value > (2 - self.threshold) * best
