"""One tab's training: a thread that trains with `fit`, one run after the other, and shows frames of it when asked.

Nothing is queued. Whoever wants a frame asks for one, and gets the network as it is then; a page that is slow or hidden asks
less often, and the run goes on all the same.
"""
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from nn import TrainingDiverged, compiling, fit

from .choices import Choices
from .frames import View, packed
from .lines import lines
from .record import Record
from .turns import Turns

MOST_EPOCHS = 50_000
TURN_SECONDS = 0.02


class _Over(Exception):
    """A run has been ended from outside."""


class Session:
    """What a tab has: at most one run at a time, on a thread of its own.

    Parameters
    ----------
    turns : Turns
        Shared by all sessions.
    tell : callable()
        Called, from this session's thread, when the frame that was asked for can be taken.
    """

    def __init__(self, turns: Turns, tell: Callable[[], Any]) -> None:
        self._turns, self._tell = turns, tell
        self._changed = threading.Condition()  # guards everything up to the next empty line
        self._next: Choices | None = None
        self._ended = self._asked = self._news = False
        self._frame: bytes | None = None
        self._to_go = 0.0  # epochs until it pauses; 0: it does
        self._rate = 30.0  # epochs a second; 0: as fast as it goes
        self._message = ""  # why this run cannot go on

        self._number = 0  # of the run
        self._record = Record()
        self._holds_turn, self._turn_since, self._due = False, 0.0, 0.0
        self._thread = threading.Thread(target=self._work, name="afterzero-play", daemon=True)
        self._thread.start()

    # --- called from elsewhere ---

    def begin(self, chosen: Choices) -> None:
        """End the run there is and prepare another one, paused before its first update."""
        self._order(_next=chosen, _to_go=0.0)

    def keep_training(self, epochs: float = float("inf")) -> None:
        """Train on, for so many epochs."""
        self._order(_to_go=epochs)

    def stop_here(self) -> None:
        """Pause after the epoch that is being trained."""
        self._order(_to_go=0.0)

    def speed(self, epochs_per_second: float) -> None:
        """Train so many epochs a second at most; 0: as many as it can."""
        self._order(_rate=epochs_per_second)

    def ask(self) -> None:
        """Ask for a frame, which is made when there is something new to see."""
        self._order(news=False, _asked=True)

    def take(self) -> bytes | None:
        """Return the frame that was asked for, once; None while there is none."""
        with self._changed:
            frame, self._frame = self._frame, None
        return frame

    def end(self) -> None:
        """End the run and the thread, after the epoch that is being trained."""
        self._order(_ended=True)

    def join(self, seconds: float) -> bool:
        """Wait for the thread; return whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _order(self, news: bool = True, **what: Any) -> None:
        with self._changed:
            vars(self).update(what)
            self._news |= news
            self._changed.notify_all()

    # --- the thread ---

    def _work(self) -> None:
        while not self._ended:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or self._next is not None)
                chosen, self._next = self._next, None
            if chosen is None:
                return
            try:
                self._run(chosen)
            except _Over:
                pass
            except Exception as error:  # of ours: the page must not wait for ever
                logging.getLogger("afterzero").exception("a run of play failed")
                with self._changed:
                    self._frame = packed({"failed": f"{type(error).__name__}: {error}"}, b"")
                self._tell()
            finally:
                self._give_turn()

    def _run(self, chosen: Choices) -> None:
        made = lines(chosen)
        samples, model, record = made.data.made(), made.model.made(), Record()
        with self._changed:
            self._number, self._record = self._number + 1, record
            self._message, self._news, self._frame = "", True, None
        self._view = View(made, samples, model, record)
        self._hold()
        try:
            fit(model, epochs=MOST_EPOCHS, on_check=self._after_epoch, progress=False, threads=1, **made.arguments(samples))
            message = f"This run ends at {MOST_EPOCHS} epochs; reset to begin another."
        except TrainingDiverged as error:
            message = f"{error}"
        self._order(_message=message)
        while True:
            self._hold()

    def _after_epoch(self, model: Any, row: Mapping[str, float]) -> None:
        with self._changed:
            self._record.add(row)
            self._news = True
            if self._next is None:  # else what is to go is the next run's
                self._to_go = max(0.0, self._to_go - 1)
        self._hold()

    def _hold(self) -> None:
        """Show frames that are asked for until training may go on; raise _Over when it never will."""
        while True:
            with self._changed:
                if self._ended or self._next is not None:
                    raise _Over
                wanted = self._asked and self._news
                if not wanted:
                    wait = self._wait()
                    if wait == 0:
                        break
                    self._give_turn()
                    self._changed.wait(wait)
                    continue
                self._asked = self._news = False
            self._take_turn()
            frame = self._view.frame({"run": self._number, "message": self._message,
                                      "training": bool(self._to_go) and not self._message})
            with self._changed:
                self._frame = frame
            self._tell()
        now = time.monotonic()
        if self._rate:
            self._due = max(self._due, now - 0.1) + 1 / self._rate
        if self._holds_turn and now - self._turn_since > TURN_SECONDS:
            self._give_turn()
        self._take_turn()

    def _wait(self) -> float | None:
        """Return for how many seconds no epoch is due; None: until told otherwise."""
        if self._message or not self._to_go:
            return None
        return max(0.0, self._due - time.monotonic()) if self._rate and self._record.rows else 0.0

    def _take_turn(self) -> None:
        if not self._holds_turn:
            self._turns.take()
            self._holds_turn, self._turn_since = True, time.monotonic()

    def _give_turn(self) -> None:
        if self._holds_turn:
            self._holds_turn = False
            self._turns.give()


def compiling_text() -> str:
    """Return what to say while kernels are compiled; "" when none is."""
    return compiling.text()
