"""The record of a fleet: the histories and the weights of all its replicas."""
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from losses.keywords import explains_arguments

from ..checks import missing_column
from ..fitting.check_points import CheckPoints
from ..fitting.history import History, frame
from ..model import Model


@explains_arguments()
class FleetHistory(Mapping):
    """What was measured of every replica at every check: a mapping name -> array (R, checks), float64.

    The columns are those of `History`. All replicas are checked after the same numbers of updates, so that `update` and
    `epoch` below are the axis they share; an entry is NaN where a replica was not measured any more, because it had
    diverged, a stopping criterion had frozen it, or training was interrupted.

    Attributes
    ----------
    members : list of dict
        The overrides of each replica.
    replicas : int
        R. (``len(fleet)`` is the number of columns, as of any mapping.)
    update : ndarray, int64 (checks,)
        Updates taken at each check.
    epoch : ndarray, float64 (checks,)
        The same in epochs.

    Examples
    --------
    ``plt.plot(fleet.epoch, fleet["val_error"].T)`` draws one line per replica, as ``fleet.plot()`` does.
    ``fleet.to_frame().groupby("member")["val_error"].min()`` is the lowest error of each.

    """

    def __init__(self, model: Model, members: Sequence[Any], names: Iterable[str], points: CheckPoints,
                 batches: int) -> None:
        self.members = list(members)
        self.replicas = len(self.members)
        self._points, self._batches = points, batches
        self._names, self._class, self._settings = tuple(names), type(model), model.settings()
        self._histories = [History(names) for _ in self.members]
        self._weights: list[Any] = [None] * self.replicas  # (flat, running) of those that have been trained
        self._answers = [model.answers] * self.replicas
        self._messages: list[str | None] = [None] * self.replicas
        self._finished = np.zeros(self.replicas, bool)

    @property
    def update(self) -> np.ndarray:
        """Updates taken at each check (checks,), int64; made when asked for, as a run may stop long before its last one."""
        return self._points.first(len(self._points))

    @property
    def epoch(self) -> np.ndarray:
        """The same in epochs."""
        return self.update / self._batches

    def record(self, r: int, history: History, model: Model, message: str | None, finished: bool) -> None:
        """Take over what became of replica r, its weights as they are; `message` says how it diverged (None: it did not)."""
        self._histories[r], self._weights[r], self._messages[r] = history, (model.flat, model.running), message
        self._answers[r] = model.answers
        self._finished[r] = finished  # last: who sees this may rely on the rest

    def new_model(self, r: int) -> Model:
        """Return replica r's model as it was before training."""
        seed = self.members[r].get("seed", self._settings["seed"])
        return self._class(**(self._settings | {"seed": seed}))

    def model(self, r: int) -> Model:
        """Return replica r's trained model, made anew at every call.

        It holds what `fit` would have left in it: the best weights if a stopping criterion was given and `restore_best`
        set, else the last ones, also after divergence and Ctrl-C. A replica whose turn had not come holds its first ones.
        """
        model, weights = self.new_model(r), self._weights[r]
        if weights is not None:
            model.flat[:], model.running[:] = weights
            model.answer_as(self._answers[r])
        return model

    def history(self, r: int) -> History:
        """Return the History of replica r: that of the lone `fit`."""
        return self._histories[r]

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(missing_column(name, self))
        column = np.full((self.replicas, len(self._points)), np.nan)
        for row, history in zip(column, self._histories, strict=True):
            row[:history.checks] = history[name]
        return column

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _tidy(self) -> dict[str, Any]:
        counts = [history.checks for history in self._histories]
        columns = {"member": np.repeat(np.arange(self.replicas), counts),
                   "check": np.concatenate([np.arange(1, count + 1) for count in counts])}
        return columns | {name: np.concatenate([history[name] for history in self._histories]) for name in self}

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Any:
        # pandas.DataFrame(fleet) asks for this, and would otherwise make a frame of the columns' names.
        raise TypeError("FleetHistory: got asked for one array, accepted: fleet.to_frame(), fleet[name], fleet.history(r); "
                        "columns of shape (replicas, checks) make no array or frame together")

    def to_frame(self) -> Any:
        """Return a tidy pandas DataFrame: a row per replica and check that was measured.

        Its columns are `member` (the replica's index, from 0), `check` (from 1), and those of this history.
        What sets the members apart is joined to it by
        ``.join(pandas.DataFrame(fleet.members), on="member")``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return frame(self._tidy())

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw loss and error of all replicas over epochs: a panel for each of training, validation and test data.

        Up to six replicas have a hue each; of more, thin lines and their median are drawn.

        Parameters, return value and errors as of `History.plot`.
        """
        from ..fitting.history_plot import plot_fleet
        return plot_fleet(self, path)

    @property
    def diverged(self) -> np.ndarray:
        """Whether each replica diverged, bool (R,)."""
        return np.array([message is not None for message in self._messages])

    @property
    def messages(self) -> list[str | None]:
        """Why each replica diverged, in the words of TrainingDiverged (list of R; None for those that did not)."""
        return list(self._messages)

    @property
    def finished(self) -> np.ndarray:
        """Whether each replica came to its end, be it that it diverged; False where Ctrl-C came first. bool (R,)."""
        return self._finished.copy()

    @property
    def stopped_epoch(self) -> np.ndarray:
        """Where the stopping criterion froze each replica, float64 (R,); NaN for those it did not."""
        return np.array([history.stopped_epoch for history in self._histories], np.float64)

    @property
    def best_epoch(self) -> np.ndarray:
        """The best check's epoch of each replica, float64 (R,); NaN without a criterion that has a best."""
        return np.array([history.best_epoch for history in self._histories], np.float64)

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same columns, values and divergences; NaN equals NaN."""
        return isinstance(other, FleetHistory) and self._histories == other._histories and self._messages == other._messages

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (f"FleetHistory({self.replicas} replicas, {len(self._points)} checks, columns {', '.join(self)}; "
                f"{self.diverged.sum()} diverged)")
