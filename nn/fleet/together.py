"""Members whose engines step at once, where a backend has `train_fleet` (engine.Backend); each stays a `fit` of its own."""
import contextlib
import threading

from ..backends import backend_named


def stepping(name):
    """Return how members of a fleet on this backend step: `Together`, or None if each does so by itself."""
    train_fleet = getattr(backend_named(name), "train_fleet", None)
    return None if train_fleet is None else Together(train_fleet)


class Together:
    """The meeting place of all members in training: whoever comes last takes the steps of all.

    A member's result does not depend on who else is there, so it does not matter that members come and go.
    """

    def __init__(self, train_fleet):
        self._train_fleet = train_fleet
        self._changed = threading.Condition()
        self._members, self._waiting = 0, []

    @contextlib.contextmanager
    def member(self, run):
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

    def steps(self, engine, plan, log):
        """Return how many updates of a plan were taken, once they are."""
        ticket = _Ticket(engine, plan, log)
        with self._changed:
            self._waiting.append(ticket)
            self._go_if_all_wait()
            self._changed.wait_for(lambda: ticket.done)
        if ticket.error is not None:
            raise ticket.error
        return ticket.taken

    def _go_if_all_wait(self):
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

    def __init__(self, engine, plan, log):
        self.engine, self.plan, self.log = engine, plan, log
        self.done, self.taken, self.error = False, 0, None


class _Member:
    """An engine that steps with others."""

    def __init__(self, engine, together):
        self._engine, self._together = engine, together

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def steps(self, plan, log):
        """See engine.Engine."""
        return self._together.steps(self._engine, plan, log)
