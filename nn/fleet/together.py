"""Members whose engines step at once, where a backend has `train_fleet` (engine.Backend); each stays a `fit` of its own."""
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..backends import backend_named
from ..engine import Engine
from ..fitting.run import TrainingRun
from ..shared.codes import Log, Plan


def stepping(name: str) -> "Together | None":
    """Return how members of a fleet on this backend step: `Together`, or None if each does so by itself."""
    train_fleet = getattr(backend_named(name), "train_fleet", None)
    return None if train_fleet is None else Together(train_fleet)


class Together:
    """The meeting place of all members in training: whoever comes last takes the steps of all.

    A member's result does not depend on who else is there, so it does not matter that members come and go.
    """

    def __init__(self, train_fleet: Callable[..., Any]) -> None:
        self._train_fleet = train_fleet
        self._changed = threading.Condition()
        self._members = 0
        self._waiting: list[_Ticket] = []

    @contextlib.contextmanager
    def member(self, run: TrainingRun) -> Iterator[None]:
        """Let the engine of this run, in this thread, step with the others' meanwhile."""
        with self._changed:
            self._members += 1
        run.engine = _Member(run.engine, self)
        try:
            yield
        finally:
            with self._changed:
                self._members -= 1
                self._go_if_all_wait()

    def steps(self, engine: Engine, plan: Plan, log: Log) -> int:
        """Return how many updates of a plan were taken, once they are."""
        ticket = _Ticket(engine, plan, log)
        with self._changed:
            self._waiting.append(ticket)
            self._go_if_all_wait()
            self._changed.wait_for(lambda: ticket.done)
        if ticket.error is not None:
            raise ticket.error
        return ticket.taken

    def _go_if_all_wait(self) -> None:
        if not self._waiting or len(self._waiting) < self._members:
            return
        tickets, self._waiting = self._waiting, []
        try:
            taken = self._train_fleet([t.engine for t in tickets], [t.plan for t in tickets], [t.log for t in tickets])
            for ticket, updates in zip(tickets, taken, strict=True):
                ticket.taken = updates
        except Exception as error:  # each member's thread raises it; one of them ends the fleet
            for ticket in tickets:
                ticket.error = error
        for ticket in tickets:
            ticket.done = True
        self._changed.notify_all()


class _Ticket:
    """What one member waits for."""

    def __init__(self, engine: Engine, plan: Plan, log: Log) -> None:
        self.engine, self.plan, self.log = engine, plan, log
        self.done, self.taken = False, 0
        self.error: Exception | None = None


class _Member:
    """An engine that steps with others."""

    def __init__(self, engine: Engine, together: Together) -> None:
        self._engine, self._together = engine, together

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def steps(self, plan: Plan, log: Log) -> int:
        """See engine.Engine."""
        return self._together.steps(self._engine, plan, log)
