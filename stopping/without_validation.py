"""Criteria that need no validation set: the training loss, gradients or the predictions tell.

None of them but `LabelWave` knows a best check: what they watch gets better throughout, so the last weights stay.
"""
import math
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from . import states
from .base import Criterion, State, Values
from .checks import finite_number, metric_name, one_of, refuse_masked, whole_number
from .elsewhere import CRITERION, PLATEAU
from .keywords import explains_arguments


@explains_arguments(PLATEAU)
class Plateau(Criterion):
    """Stop when a loss improved by no more than `tol` over the last `checks` checks.

    With ``best(t)`` the lowest finite value up to check t (infinite where there is none), check t stops when
    ``t >= checks`` and ::

        best(t - checks) - best(t) <= tol                             (relative=False)
        best(t - checks) - best(t) <= tol * best(t - checks)          (relative=True)

    Parameters
    ----------
    tol : float
        At least 0, and below 1 if relative. 0: no improvement at all, which is ``Patience(checks)``.
    checks : int
        Length of the window, at least 1.
    monitor : str
        The loss to watch, lower is better.
    relative : bool
        Read `tol` as a fraction; negative values raise then.

    Raises
    ------
    ValueError
        On a bad argument; from `update`, on a negative value if `relative`.

    Notes
    -----
    Under cross-entropy on separable data the training loss never ends, it falls like ``c/(eta t)``. An absolute
    tolerance then stops at ``t ~ sqrt(checks c / (eta tol))``, a relative one at ``t ~ checks / tol`` whatever the
    problem: the tolerance sets the time, not the state of the network. NaN and infinities are no improvement.

    Examples
    --------
    >>> stop = Plateau(0.1, 2)
    >>> [stop.update(train_loss=loss) for loss in (1.0, 0.5, 0.47, 0.45)]
    [False, False, False, True]
    """

    _counters = ("bests",)
    _identity = ("monitor",)

    def __init__(self, tol: float, checks: int, monitor: str = "train_loss", *, relative: bool = False) -> None:
        self.relative = one_of("relative", relative, (False, True))
        self.tol = finite_number("tol", tol, least=0)
        if self.relative and self.tol >= 1:
            raise ValueError(f"tol: got {tol!r}, accepted: below 1 with relative=True (nothing falls by more than all of "
                             "itself)")
        self.checks = whole_number("checks", checks, least=1)
        self.monitor = metric_name("monitor", monitor)
        super().__init__(requires=(self.monitor,))

    def _begin(self) -> None:
        self.bests = [math.inf]  # best(t - checks) to best(t)

    def _check_counters(self, state: State) -> None:
        bests = [float(best) for best in states.numbers("bests", state["bests"], state["step"] + 1)]
        falls = all(later <= earlier for earlier, later in pairwise([math.inf, *bests]))  # NaN does not
        if not bests or bests[-1] == -math.inf or not falls:
            states.refuse("bests", state["bests"], "numbers that never rise, at least one, and none of them NaN or -inf")

    def _admit(self, values: Values) -> None:
        if self.relative:
            self._refuse_negative(values, (self.monitor,), "use relative=False")

    def _decide(self, values: Values) -> bool:
        value = values[self.monitor]
        best = min(self.bests[-1], value) if math.isfinite(value) else self.bests[-1]
        self.bests = [*self.bests, best][-self.checks - 1:]
        before = self.bests[0]
        if len(self.bests) <= self.checks:  # also after a state saved with a shorter window
            return False
        if before == best:  # also where both are infinite: nothing but NaN so far
            return True
        return before - best <= (self.tol * before if self.relative and before < math.inf else self.tol)


@explains_arguments(CRITERION)
class GradientNorm(Criterion):
    """Stop when the norm of the gradient of the training loss is at most `eps`.

    Parameters
    ----------
    eps : float
        At least 0.
    monitor : str
        Norm of the gradient over the whole training set: that of one batch goes on fluctuating. One extra pass.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    Under cross-entropy on separable data the norm falls like ``1/(gamma eta t)``, with gamma the margin: eps only sets
    the time ``1/(gamma eta eps)``. NaN and infinities do not stop.

    Examples
    --------
    >>> stop = GradientNorm(1e-3)
    >>> [stop.update(gradient_norm=norm) for norm in (0.1, 0.01, 0.001)]
    [False, False, True]
    """

    _identity = ("monitor",)

    def __init__(self, eps: float, *, monitor: str = "gradient_norm") -> None:
        self.eps = finite_number("eps", eps, least=0)
        self.monitor = metric_name("monitor", monitor)
        super().__init__(requires=(self.monitor,))

    def _decide(self, values: Values) -> bool:
        return values[self.monitor] <= self.eps


@explains_arguments()
def evidence(mean_gradient: ArrayLike, variance: ArrayLike, n: int) -> float:
    """Return the evidence-based value ``1 - (n/D) sum_j g_j^2 / s_j^2``: positive where the gradient is mere noise.

    Parameters
    ----------
    mean_gradient : array_like
        g: mean over n samples of their gradients. Any shape.
    variance : array_like of the same shape
        s^2: variance of the samples' gradients, divided by n - 1.
    n : int
        Samples, at least 2: the batch size, or the size of the training set for a full gradient.

    Returns
    -------
    float
        Entries of zero variance are left out, and D counts those that remain: a dead ReLU has no gradient in any
        sample, which is 0/0 and tells nothing. NaN if none remains.

    Raises
    ------
    ValueError
        If the shapes differ, a variance is negative, an entry is NaN or infinite, or n is no whole number above 1.

    Notes
    -----
    If the true gradient is 0, each term n g^2 / s^2 is F(1, n - 1): its mean is (n-1)/(n-3), and that of the value
    -2/(n-3). It is exactly 0 if one sample carries all the gradient, and ``1 - k (n-1)/(n-k)``, which is negative, if k
    samples carry equal parts of it. The late phase of a separable problem lives there: the value does not tell its end.

    A variance computed as mean square less squared mean carries rounding errors of that mean square; entries at that
    level should be set to 0 by whoever computes it.

    References
    ----------
    M. Mahsereci, L. Balles, C. Lassner, P. Hennig, "Early stopping without a validation set", arXiv:1703.09580 (2017),
    equations 7 and 9.
    """
    n = whole_number("n", n, least=2)
    refuse_masked("mean_gradient", mean_gradient)
    refuse_masked("variance", variance)
    g, s2 = np.asarray(mean_gradient, dtype=float), np.asarray(variance, dtype=float)
    if g.shape != s2.shape:
        raise ValueError(f"mean_gradient and variance: got shapes {g.shape} and {s2.shape}, accepted: one shape")
    if not (np.isfinite(g).all() and np.isfinite(s2).all() and (s2 >= 0).all()):
        raise ValueError("mean_gradient and variance: got entries that are not, accepted: finite ones, and no variance "
                         "negative")
    kept = s2 > 0
    if not kept.any():
        return math.nan
    with np.errstate(over="ignore"):  # a tiny variance: the signal is overwhelming, the value -inf
        return float(1 - n * np.mean((g[kept] / np.sqrt(s2[kept])) ** 2))


@explains_arguments(CRITERION)
class EvidenceBased(Criterion):
    """Stop when the gradient cannot be told from the noise of a finite training set: `evidence` is above 0.

    Parameters
    ----------
    monitor : str
        The value of `evidence` at the check.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    Needs the squared gradients of single samples: one more product per dense layer; they do not exist with batch
    normalization. Derived for plain gradient descent. From single batches the value is noisy: feed a `RunningAverage`
    of it. NaN does not stop. See `evidence` for what it cannot see.

    References
    ----------
    M. Mahsereci, L. Balles, C. Lassner, P. Hennig, "Early stopping without a validation set", arXiv:1703.09580 (2017).

    Examples
    --------
    >>> stop = EvidenceBased()
    >>> [stop.update(evidence=value) for value in (-3.0, 0.0, 0.01)]
    [False, False, True]
    """

    _identity = ("monitor",)

    def __init__(self, *, monitor: str = "evidence") -> None:
        self.monitor = metric_name("monitor", monitor)
        super().__init__(requires=(self.monitor,))

    def _decide(self, values: Values) -> bool:
        value = values[self.monitor]
        return math.isfinite(value) and value > 0


@explains_arguments(CRITERION)
class LabelWave(Criterion):
    """Stop when the number of training samples whose predicted class changed has passed its first minimum.

    With noisy labels the predictions settle while the net learns the pattern, and become restless when it begins to learn
    the noise. With A the average of the last `window` counts, check t stops when ``A(t)`` is above the lowest A so far. The
    first such check comes right after the first local minimum, which is the best check.

    Parameters
    ----------
    window : int
        Counts to average, at least 1.
    monitor : str
        Number of changed predictions since the check before; lower is calmer.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    Without label noise the count goes to 0 and stays there: no stop. A tie is no rise. NaN and infinities are passed over
    as if there had been no check; the first check, which has none before it, is NaN.

    References
    ----------
    S. Yuan, L. Feng, T. Liu, "Early stopping against label noise without validation data", ICLR 2024,
    arXiv:2502.07551. The window of the paper is not known to us, so there is no default.

    Examples
    --------
    >>> stop = LabelWave(2)
    >>> [stop.update(prediction_changes=n) for n in (float("nan"), 9, 5, 3, 2, 6)]
    [False, False, False, False, False, True]
    >>> stop.best_step, stop.best_value
    (5, 2.5)
    """

    _counters = ("recent",)
    _identity = ("monitor",)

    def __init__(self, window: int, *, monitor: str = "prediction_changes") -> None:
        self.window = whole_number("window", window, least=1)
        self.monitor = metric_name("monitor", monitor)
        super().__init__(requires=(self.monitor,))

    def _begin(self) -> None:
        self.recent: list[float] = []

    def _check_counters(self, state: State) -> None:
        states.numbers("recent", state["recent"], state["step"], finite=True)

    def _decide(self, values: Values) -> bool:
        if not math.isfinite(values[self.monitor]):
            return False
        self.recent = [*self.recent, values[self.monitor]][-self.window:]
        if len(self.recent) < self.window:
            return False
        average = sum(self.recent) / self.window  # exact up to the division: counts are whole numbers
        self._remember_best(average)
        return self.best_value is not None and average > self.best_value
