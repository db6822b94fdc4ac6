"""Group commit: requests that arrive together share one transaction.

The first request to find no one writing leads: it gathers for a moment, writes what
everyone brought, wakes them, and hands the lead to the next one waiting. There is no
thread to start, to watch or to fork around, and draining at shutdown is letting the
requests in hand finish. Under gevent the waiting is cooperative; elsewhere it blocks a thread.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InternalError, OperationalError, TimeoutError

from tracker.store import locks
from tracker.store.database import Database
from tracker.store.deltas import Deltas
from tracker.store.linking import AlreadyLinked, Known, Link, Linked, identities, link_all
from tracker.store.projections import EventRow
from tracker.store.recording import count_sampled, record
from tracker.store.uniques import SessionKey
from tracker.store.warnings import Warned, keep_warnings, warned_of

log = logging.getLogger(__name__)

GATHER_SECONDS = 0.002
GATHER_ROUNDS = 8
TRANSACTION_EVENTS = 2000
QUEUE_EVENTS = 20_000
PATIENCE_SECONDS = 10
SLOTS = 4
_ATTEMPTS = 3


class Overloaded(Exception):
    """The queue is full or the database is away; nothing is known to be stored."""


def _held() -> threading.Lock:
    """A lock that somebody else releases: it costs a tenth of an event that can be set."""
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class Work:
    """What one request wants written, and, once done, what came of it."""

    rows: Sequence[EventRow] = ()
    links: Sequence[Link] = ()
    warned: Sequence[Warned] = ()
    sampled: Sequence[EventRow] = ()
    accepted: int = 0
    duplicates: int = 0
    linked: list[Linked | AlreadyLinked] = field(default_factory=list)
    error: BaseException | None = None
    _leads: bool = False
    _taken: bool = False
    _turn: threading.Lock = field(default_factory=_held)
    """Released when the work is done, or when it is its turn to lead."""

    def __post_init__(self) -> None:
        self.size = max(1, len(self.rows) + len(self.links))


class Writer:
    """The one way into the log. Safe to call from any thread or greenlet."""

    def __init__(self, database: Database, gather: float = GATHER_SECONDS) -> None:
        self.write_group: Callable[[Sequence[Work]], None] = partial(_write_group, database)
        self.gather_seconds = gather
        self._queue: deque[Work] = deque()
        self._queued = 0
        self._busy = False
        self._lock = threading.Lock()

    def submit(self, work: Work) -> Work:
        """Returns when the work is committed; raises Overloaded when it may not be."""
        self.submit_all([work])
        if work.error is not None:
            raise work.error
        return work

    def submit_all(self, works: Sequence[Work]) -> None:
        """Returns when each of the works is committed or has its `error`."""
        for work in works:
            self._enqueue(work)
        for work in works:
            if work._leads or self._wait(work):
                self._lead(work)

    def _enqueue(self, work: Work) -> None:
        with self._lock:
            if self._queued + work.size > QUEUE_EVENTS:
                work.error = Overloaded("the queue is full")
                work._turn.release()
                return
            self._queue.append(work)
            self._queued += work.size
            if not self._busy:
                self._busy = work._leads = True

    def _wait(self, work: Work) -> bool:
        """Waits until the work is done (False) or it is its turn to lead (True)."""
        if work._turn.acquire(timeout=PATIENCE_SECONDS):
            return work._leads
        with self._lock:
            if work in self._queue and not work._leads:
                self._queue.remove(work)
                self._queued -= work.size
        if not work._leads:
            work.error = Overloaded("the database does not answer")
        return work._leads

    def _lead(self, work: Work) -> None:
        group: list[Work] = []
        try:
            self._gather_others()
            group = self._take()
            self.write_group(group)
        except BaseException:
            self._give_up(work, group)
            raise
        finally:
            self._hand_over()
            for done in group:
                if done is not work:
                    done._leads = False
                    done._turn.release()

    def _gather_others(self) -> None:
        """Waits a moment, and on while more keep coming: a busy loop reads them all first."""
        for _ in range(GATHER_ROUNDS):
            before = self._queued
            time.sleep(self.gather_seconds)
            if self._queued == before:
                return

    def _take(self) -> list[Work]:
        group: list[Work] = []
        with self._lock:
            events = 0
            while self._queue and (not group or events + self._queue[0].size <= TRANSACTION_EVENTS):
                work = self._queue.popleft()
                events += work.size
                group.append(work)
            self._queued -= events
        return group

    def _give_up(self, work: Work, group: Sequence[Work]) -> None:
        """Says of nobody's work that it is stored: whoever leads is told to end halfway."""
        for unfinished in group:
            unfinished.error = Overloaded("the process is ending")
        with self._lock:
            if work in self._queue:
                self._queue.remove(work)
                self._queued -= work.size

    def _hand_over(self) -> None:
        with self._lock:
            if self._queue:
                self._queue[0]._leads = True
                self._queue[0]._turn.release()
            else:
                self._busy = False


def slot() -> int:
    """The rollup slot of this process."""
    return os.getpid() % SLOTS


def _write_group(database: Database, group: Sequence[Work]) -> None:
    """Writes a group in one transaction; where that fails for what is in it, one by one."""
    error = _try(database, group)
    if error is None:
        return
    if isinstance(error, Overloaded) or len(group) == 1:
        for work in group:
            work.error = error
        return
    for work in group:
        work.error = _try(database, [work])


def _try(database: Database, group: Sequence[Work]) -> Exception | None:
    for attempt in range(_ATTEMPTS):
        try:
            with database.write() as connection:
                write(connection, group, slot() if not database.is_sqlite else 0)
            return None
        except (OperationalError, InternalError, TimeoutError, OSError) as error:
            if not _is_conflict(error) or attempt == _ATTEMPTS - 1:
                log.warning("not written: %s", type(error).__name__)
                return Overloaded(str(error))
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                return Overloaded(str(error))
            log.exception("not written")
            return error
    return None


def _is_conflict(error: Exception) -> bool:
    """Whether PostgreSQL gave up a transaction that can simply be tried again."""
    return getattr(getattr(error, "orig", None), "sqlstate", "") in ("40001", "40P01")


def write(connection: Connection, group: Sequence[Work], slot: int) -> None:
    """Does all of the work of a group in the connection's transaction."""
    deltas = Deltas()
    # Copies: a try that is rolled back must leave no owner in the rows of the next.
    rows_of = [[row.copy() for row in work.rows] for work in group]
    rows = [row for some in rows_of for row in some]
    links = [wanted for work in group for wanted in work.links]
    known = _lock(connection, rows, links)
    recorded = record(connection, rows, known, deltas)
    warned = [one for work in group for one in work.warned]
    linked = iter(link_all(connection, links, deltas) if links else ())
    for work, own in zip(group, rows_of, strict=True):
        work.accepted = sum(id(row) in recorded.stored for row in own)
        work.duplicates = len(own) - work.accepted
        work.linked = list(islice(linked, len(work.links)))
        for row in work.sampled:
            count_sampled(deltas, row, 1)
    warned += [warned_of(row, "already_linked") for row in recorded.conflicts]
    warned += [warned_of(row, "outcome_ignored") for row in recorded.beaten]
    keep_warnings(connection, warned, deltas)
    deltas.apply(connection, slot)


def _lock(
    connection: Connection, rows: Sequence[EventRow], links: Sequence[Link]
) -> dict[SessionKey, Known]:
    """Takes every lock the group needs, in the one order that can't deadlock.

    Returns whom the rows' sessions belong to, which can't change from here on.
    """
    sessions = {(row["tenant_id"], row["session_id"]) for row in rows if row["session_id"]}
    named = {key[1] for key in sessions} | {one.session_id for one in links}
    named |= {row[name] for row in rows for name in ("request_id", "subject") if row.get(name)}
    locks.join_writers(connection)
    locks.lock_sessions(connection, named)
    people = [*(row["email"] for row in rows), *(one.email for one in links)]
    known = identities(connection, sessions)
    people += [owner.email for owner in known.values()]
    locks.lock_people(connection, {email for email in people if email})
    return known
