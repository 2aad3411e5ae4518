"""Turns on the processor: however many runs there are, each gets as much of it as the others."""
import threading
from collections import deque


class Turns:
    """So many may compute at a time; whoever has waited longest is next.

    Parameters
    ----------
    slots : int
    """

    def __init__(self, slots: int) -> None:
        self._free = slots
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    def take(self) -> None:
        """Wait for a turn."""
        me = object()
        with self._changed:
            self._line.append(me)
            self._changed.wait_for(lambda: self._free > 0 and self._line[0] is me)
            self._line.popleft()
            self._free -= 1
            self._changed.notify_all()

    def give(self) -> None:
        """Give the turn back."""
        with self._changed:
            self._free += 1
            self._changed.notify_all()
