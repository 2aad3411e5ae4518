"""Prechelt's three classes of stopping criteria: GL, PQ and UP.

E_va and E_tr are *mean* errors per example, E_tr evaluated with frozen weights at the same moment as E_va: the running
average over an epoch that many frameworks log lags half an epoch behind. ``E_opt(t)`` is the lowest E_va up to check t.
The network to return is the one at E_opt, which is the best check of all three, not the one at the stop.

Sources: L. Prechelt, "Early Stopping - But When?", in Neural Networks: Tricks of the Trade, 1998; and "Automatic early
stopping using cross validation: quantifying the criteria", Neural Networks 11 (1998) 761-767.
"""
import math
from collections.abc import Sequence
from typing import ClassVar

from . import states
from .base import Criterion, State, Values
from .checks import finite_number, metric_name, whole_number
from .elsewhere import CRITERION
from .keywords import explains_arguments


def generalization_loss(value: float, best: float) -> float:
    """Return ``GL = 100 (E_va / E_opt - 1)``: the percent by which the error exceeds the best so far.

    Written as ``100 (E_va - E_opt) / E_opt``, which loses no digits where the two are close. The limit ``E_opt -> 0``
    stands for the division by 0: infinite if ``E_va > 0``, and 0 if both are 0. NaN if `value` is.
    """
    return 100 * _share(value - best, best)


def progress(losses: Sequence[float]) -> float:
    """Return ``P = 1000 (mean / min - 1)`` of the training losses of one strip, in per mille.

    Large both where the loss falls fast and where it jumps about, 0 where it is constant. On ``E_tr = c/t`` it is about
    ``1000 (k - 1) / (2 t)``. Infinite where the loss touches 0; NaN if one of the losses is NaN
    or all are infinite.
    """
    lowest = min(losses)
    if any(math.isnan(loss) for loss in losses) or math.isinf(lowest):
        return math.nan
    # The deviations from the lowest are added, not the losses: ten times 0.1 do not add up to 1 in floating point, and
    # the progress of a constant loss would be a negative number, not 0.
    excess = sum(0.0 if loss == lowest else loss - lowest for loss in losses)
    return 1000 * _share(excess, len(losses) * lowest)


def _share(part: float, whole: float) -> float:
    """Return part / whole for numbers that are not negative, with 0/0 = 0."""
    if part == 0:
        return 0.0
    return part / whole if whole != 0 else part * math.inf


class Prechelt(Criterion):
    """What the three have in common: the best check, the strips, and the fallback that ends every run.

    None of them need ever fire, so Prechelt also stops at an end of strip with too little progress, or after a maximum
    of epochs. The fallback is off unless asked for.

    Parameters
    ----------
    strip : int
        Checks k in a strip; strips end at checks k, 2k, 3k, ...
    monitor : str
        E_va, lower is better.
    train : str
        E_tr. Required only where progress is.
    min_progress : float, optional
        Stop at an end of strip with ``P_k(t) < min_progress``. Prechelt: 0.1.
    max_checks : int, optional
        Stop at this check. Prechelt: 3000 epochs.
    """

    _counters: ClassVar[tuple[str, ...]] = ("recent",)
    _identity = ("monitor",)
    _needs_progress = False

    def __init__(self, strip: int, monitor: str, train: str, min_progress: float | None, max_checks: int | None) -> None:
        self.strip = whole_number("strip", strip, least=1)
        self.monitor = metric_name("monitor", monitor)
        self.train = metric_name("train", train)
        self.min_progress = None if min_progress is None else finite_number("min_progress", min_progress, above=0)
        self.max_checks = None if max_checks is None else whole_number("max_checks", max_checks, least=1)
        super().__init__(requires=(self.monitor, self.train) if self._uses_train else (self.monitor,))

    @property
    def _uses_train(self) -> bool:
        return self._needs_progress or self.min_progress is not None

    def _begin(self) -> None:
        self.recent: list[float] = []  # training losses of the last `strip` checks

    def _check_counters(self, state: State) -> None:
        states.numbers("recent", state["recent"], state["step"], least=0)  # of them a ratio is taken

    def _admit(self, values: Values) -> None:
        if self._uses_train:
            self._refuse_negative(values, (self.train,), "use UP without min_progress, or Patience")

    def _decide(self, values: Values) -> bool:
        self._remember_best(values[self.monitor])
        if self._uses_train:
            self.recent = [*self.recent, values[self.train]][-self.strip:]
        return self._fires(values[self.monitor]) or self._is_exhausted()

    def _fires(self, value: float) -> bool:
        """Judge the present check by the criterion itself."""
        raise NotImplementedError

    def _is_exhausted(self) -> bool:
        if self.max_checks is not None and self.step >= self.max_checks:
            return True
        return self.min_progress is not None and self._progress() < self.min_progress

    def _at_end_of_strip(self) -> bool:
        return self.step % self.strip == 0

    def _progress(self) -> float:
        """Return P_k at an end of strip, NaN elsewhere: a comparison with NaN is false."""
        # A state saved with a shorter strip leaves too few losses for the first one.
        full = self._at_end_of_strip() and len(self.recent) == self.strip
        return progress(self.recent) if full else math.nan

    def _loss(self, value: float) -> float:
        """Return GL(t); NaN before there is an E_opt."""
        return math.nan if self.best_value is None else generalization_loss(value, self.best_value)


@explains_arguments(CRITERION)
class GL(Prechelt):
    """Stop at a check whose generalization loss ``100 (E_va / E_opt - 1)`` exceeds `alpha` percent.

    Parameters
    ----------
    alpha : float
        Percent, at least 0. Prechelt tried 1, 2, 3 and 5.
    monitor, strip, train, min_progress, max_checks
        See `Prechelt`; the strip matters for `min_progress` alone.

    Raises
    ------
    ValueError
        On a bad argument; from `update`, on a negative error, of which no ratio makes sense.

    Notes
    -----
    ``E_opt = 0``: any E_va above it is an infinite loss and stops, E_va = 0 is none. NaN says nothing and does not stop
    (`Divergence` does); +infinity exceeds every alpha, once there is an E_opt. Prechelt recommends GL to find one good
    solution in several runs. On the cross-entropy of separable data E_va grows without bound while E_opt stays: GL fires
    for certain, be the classification error improving or not.

    Examples
    --------
    >>> stop = GL(5)
    >>> [stop.update(val_loss=loss) for loss in (1.0, 0.8, 0.83, 0.85)]
    [False, False, False, True]
    >>> stop.best_step
    2
    """

    def __init__(self, alpha: float, *, monitor: str = "val_loss", strip: int = 5, train: str = "train_loss",
                 min_progress: float | None = None, max_checks: int | None = None) -> None:
        self.alpha = finite_number("alpha", alpha, least=0)
        super().__init__(strip, monitor, train, min_progress, max_checks)

    def _admit(self, values: Values) -> None:
        super()._admit(values)
        self._refuse_negative(values, (self.monitor,), "use UP or Patience")

    def _check_counters(self, state: State) -> None:
        super()._check_counters(state)
        if state["best_value"] is not None:
            states.number("best_value", state["best_value"], least=0)

    def _fires(self, value: float) -> bool:
        return self._loss(value) > self.alpha


@explains_arguments(CRITERION)
class PQ(GL):
    """Stop at an end of strip where generalization loss over progress, ``GL(t) / P_k(t)``, exceeds `alpha`.

    As long as the training loss still falls fast, a risen validation error may yet come down: the quotient waits.

    Parameters
    ----------
    alpha : float
        At least 0. Prechelt tried 0.5, 0.75, 1, 2 and 3.
    strip, monitor, train, min_progress, max_checks
        See `Prechelt`.

    Raises
    ------
    ValueError
        On a bad argument; from `update`, on a negative error.

    Notes
    -----
    ``P_k = 0`` (a constant training loss): any generalization loss stops, none does not. A loss of 0 within the strip
    makes P_k infinite, and then PQ does not stop. A NaN within the strip makes both undefined: no stop.
    Prechelt recommends PQ for the average quality of small nets and of nets that overfit little.

    Examples
    --------
    >>> stop = PQ(1.0, strip=2)
    >>> record = {"train_loss": (1.0, 0.8, 0.799, 0.798), "val_loss": (1.0, 0.9, 0.91, 0.92)}
    >>> [stop.update(train_loss=a, val_loss=b) for a, b in zip(*record.values())]
    [False, False, False, True]
    """

    _needs_progress = True

    def __init__(self, alpha: float, strip: int = 5, *, monitor: str = "val_loss", train: str = "train_loss",
                 min_progress: float | None = None, max_checks: int | None = None) -> None:
        super().__init__(alpha, monitor=monitor, strip=strip, train=train, min_progress=min_progress,
                         max_checks=max_checks)

    def _fires(self, value: float) -> bool:
        return _share(self._loss(value), self._progress()) > self.alpha


@explains_arguments(CRITERION)
class UP(Prechelt):
    """Stop when E_va rose in `successive` successive strips, measured between their ends.

    ``UP_1`` stops at an end of strip t with ``E_va(t) > E_va(t - k)``, ``UP_s`` where moreover ``UP_{s-1}`` stops at
    ``t - k``. There is no E_va(0), so the first stop can come at check ``(s + 1) k``.

    Parameters
    ----------
    successive : int
        Strips s, at least 1. Prechelt tried 2, 3, 4, 6 and 8.
    strip, monitor, train, min_progress, max_checks
        See `Prechelt`.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    Local: only ends of strips are compared, E_opt plays no part, and any sign is welcome. A tie is no rise. A NaN at an
    end of strip is neither a rise nor something to rise from. False alarms where nothing changes: 1/(s+1)! per check
    for independent noise, 2^-s for a random walk. Prechelt's best trade-off of time and quality: UP_3, UP_4, UP_6.

    Examples
    --------
    >>> stop = UP(2, strip=1)
    >>> [stop.update(val_loss=loss) for loss in (0.5, 0.6, 0.6, 0.7, 0.8)]
    [False, False, False, False, True]
    """

    _counters: ClassVar[tuple[str, ...]] = ("recent", "rises", "strip_end")

    def __init__(self, successive: int, strip: int = 5, *, monitor: str = "val_loss", train: str = "train_loss",
                 min_progress: float | None = None, max_checks: int | None = None) -> None:
        self.successive = whole_number("successive", successive, least=1)
        super().__init__(strip, monitor, train, min_progress, max_checks)

    def _begin(self) -> None:
        super()._begin()
        self.rises = 0             # successive strips with a rise, up to the last end of strip
        self.strip_end = math.nan  # E_va there; nothing is above NaN

    def _check_counters(self, state: State) -> None:
        super()._check_counters(state)
        states.count("rises", state["rises"], state["step"])
        states.number("strip_end", state["strip_end"], finite=False)

    def _fires(self, value: float) -> bool:
        if not self._at_end_of_strip():
            return False
        self.rises = self.rises + 1 if value > self.strip_end else 0
        self.strip_end = value
        return self.rises >= self.successive
