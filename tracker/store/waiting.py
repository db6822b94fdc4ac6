"""How a connection waits for PostgreSQL when gevent runs the process.

psycopg gives way to gevent's loop at every answer it waits for. A transaction of fifteen short
statements then takes as long as fifteen turns of a busy loop, during which nobody's events are
stored. So a connection waits in place for a moment, which nearly every answer is within; only a
long wait (a lock, a database that is away) gives way, so that the loop can still answer.
"""

import select
from typing import Any

import psycopg
from gevent import monkey
from psycopg.waiting import Ready, Wait

IN_PLACE_MILLISECONDS = 250
GIVING_WAY_SECONDS = 30
"""After this without an answer the database counts as away, whatever state it is in."""

_poll_in_place = monkey.get_original("select", "poll")
_EVENTS = {
    Wait.R: select.POLLIN,
    Wait.W: select.POLLOUT,
    Wait.RW: select.POLLIN | select.POLLOUT,
}


class PatientConnection(psycopg.Connection[Any]):
    """A connection that waits in place first."""

    def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
        """Runs one of psycopg's protocol generators to its end; returns its result."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(_ready(self.pgconn.socket, wanted))
        except StopIteration as done:
            return done.value
        except TimeoutError:
            self.close()  # an answer that comes later must not be taken for the next one's
            raise psycopg.OperationalError("the database does not answer") from None


def _ready(socket: int, wanted: Wait) -> Ready:
    found = _polled(_poll_in_place(), socket, wanted, IN_PLACE_MILLISECONDS)
    if not found:
        found = _polled(select.poll(), socket, wanted, 1000 * GIVING_WAY_SECONDS)
    if not found:
        raise TimeoutError
    # an error on the socket is for libpq to find when it reads
    readable = Ready.R if found & ~select.POLLOUT else Ready.NONE
    return Ready(readable | (Ready.W if found & select.POLLOUT else Ready.NONE))


def _polled(poll: Any, socket: int, wanted: Wait, milliseconds: int) -> int:
    poll.register(socket, _EVENTS[wanted])
    return sum(events for _, events in poll.poll(milliseconds))
