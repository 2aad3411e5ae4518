"""Stop when training and validation loss part ways."""
import math
from collections.abc import Sequence

from . import states
from .base import Criterion, State, Values
from .checks import finite_number, metric_name, whole_number
from .elsewhere import CRITERION
from .keywords import explains_arguments


def correlation(a: Sequence[float], b: Sequence[float]) -> float:
    """Return Pearson's correlation of two sequences; NaN if one is constant or holds NaN or infinity.

    >>> correlation([1.0, 2.0, 3.0], [6.0, 4.0, 2.0])
    -1.0
    """
    da, db = _deviations(a), _deviations(b)
    if da is None or db is None:
        return math.nan
    product = math.fsum(x * y for x, y in zip(da, db, strict=True))
    return product / math.sqrt(math.fsum(x * x for x in da) * math.fsum(y * y for y in db))


def _deviations(values: Sequence[float]) -> list[float] | None:
    """Return values less their mean, scaled to a spread of 1; None if that makes no sense."""
    low = min(values)
    spread = max(values) - low
    # Asked of the values, not of their variance, which rounding would make a tiny number for a constant sequence.
    if not all(map(math.isfinite, values)) or not 0 < spread < math.inf:
        return None
    scaled = [(value - low) / spread for value in values]  # no square can overflow, whatever the unit
    mean = math.fsum(scaled) / len(scaled)
    return [value - mean for value in scaled]


@explains_arguments(CRITERION)
class CorrelationDriven(Criterion):
    """Stop when the correlation of training and validation loss stayed below `threshold` for `patience` checks in a row.

    While the net learns what generalises, both losses fall together: r is near 1. When it begins to overfit, one falls
    and the other rises: r goes to -1. r is Pearson's, over the last `window` checks.

    Parameters
    ----------
    window : int
        Checks, at least 3 (two points always correlate fully).
    threshold : float
        In (-1, 1]; strictly below it counts.
    patience : int
        Checks in a row, at least 1. 1: stop at the first one below.
    monitor, train : str
        Validation and training loss. The best check is that of the lowest `monitor`.

    Raises
    ------
    ValueError
        On a bad argument.

    Notes
    -----
    No answer before `window` checks. Where r is undefined (a constant loss, a NaN or an infinity within the window) the
    count starts again. r is low as well where both losses only fluctuate: a flat stretch looks like overfitting.

    References
    ----------
    T. Miseta, A. Fodor, Á. Vathy-Fogarassy, "Surpassing early stopping: a novel correlation-based stopping criterion for
    neural networks", Neurocomputing 567 (2024) 127028.

    Examples
    --------
    >>> stop = CorrelationDriven(3, 0.0, 2)
    >>> record = {"train_loss": (9, 8, 7, 6, 5, 4), "val_loss": (9, 8, 7, 8, 9, 10)}
    >>> [stop.update(train_loss=a, val_loss=b) for a, b in zip(*record.values())]
    [False, False, False, False, False, True]
    """

    _counters = ("train_recent", "val_recent", "below")
    _identity = ("monitor", "train")

    def __init__(self, window: int, threshold: float, patience: int, *, monitor: str = "val_loss",
                 train: str = "train_loss") -> None:
        self.window = whole_number("window", window, least=3)
        self.threshold = finite_number("threshold", threshold, above=-1, most=1)
        self.patience = whole_number("patience", patience, least=1)
        self.monitor = metric_name("monitor", monitor)
        self.train = metric_name("train", train)
        super().__init__(requires=(self.monitor, self.train))

    def _begin(self) -> None:
        self.train_recent: list[float] = []
        self.val_recent: list[float] = []
        self.below = 0

    def _check_counters(self, state: State) -> None:
        for name in ("train_recent", "val_recent"):
            states.numbers(name, state[name], state["step"])
        if len(state["train_recent"]) != len(state["val_recent"]):
            states.refuse("val_recent", state["val_recent"], "as long as train_recent")
        states.count("below", state["below"], state["step"])

    def _decide(self, values: Values) -> bool:
        self._remember_best(values[self.monitor])
        self.train_recent = [*self.train_recent, values[self.train]][-self.window:]
        self.val_recent = [*self.val_recent, values[self.monitor]][-self.window:]
        full = len(self.train_recent) == self.window
        r = correlation(self.train_recent, self.val_recent) if full else math.nan
        self.below = self.below + 1 if r < self.threshold else 0
        return self.below >= self.patience
