"""Transactions: one way to write and one way to read, on SQLite and on PostgreSQL."""

import fcntl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import IO, Any

from gevent import monkey
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session

from tracker.store.waiting import PatientConnection

READER_ROLE = "tracker_reader"
"""The PostgreSQL role whose row-level security policies show a reader its tenants only."""

EVERY_TENANT = ("*",)
"""For `Database.read`: the rows of all tenants. To look each row's up among many takes its time."""

_READ_AS = text(
    "SELECT set_config('tracker.tenants', :tenants, true), set_config('work_mem', :memory, true)"
)
_SORT_MEMORY = "32MB"
"""For a metric's sorts and sums on PostgreSQL, whose 4 MB send 100,000 sessions to the disk."""

_SQLITE_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # a commit survives loss of power, which 202 promises
    "foreign_keys = ON",
    "secure_delete = ON",  # erased means overwritten
    "busy_timeout = 10000",
    "cache_size = -24576",  # KiB; more made nothing quicker, and a million events fill it
    "wal_autocheckpoint = 16000",  # pages; hot pages are copied back less often
)

_TURN_SECONDS = 10
"""How long a transaction waits for those of other processes before it fails."""

_POLL_SECONDS = 0.0005


class Database:
    """The two engines of one database: `writer` for `write()`, `reader` for `read()`."""

    def __init__(self, reader: Engine, writer: Engine) -> None:
        self.reader = reader
        self.writer = writer
        self._first = monkey.get_original("threading", "Lock")()
        self._connected = False
        if self.is_sqlite:
            _prepare_sqlite(reader, begin="BEGIN", pragmas=(*_SQLITE_PRAGMAS, "query_only = ON"))
            _prepare_sqlite(writer, begin="BEGIN IMMEDIATE", pragmas=_SQLITE_PRAGMAS)
        elif monkey.is_module_patched("select"):
            _wait_patiently(reader)
            _wait_patiently(writer)

    @property
    def is_sqlite(self) -> bool:
        return self.writer.dialect.name == "sqlite"

    def connect_first(self) -> None:
        """Does what SQLAlchemy does at an engine's first connection, in one thread.

        Threads that did it at once would wait for each other at a lock of gevent's, and one that
        waits there for a thread of another loop may wait for ever. So native threads come by here.
        """
        with self._first:
            if not self._connected:
                for engine in (self.reader, self.writer):
                    engine.connect().close()
                self._connected = True

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction: committed at the end of the block, rolled back by an exception."""
        with self._writers_turn(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self, tenants: Sequence[str] | None) -> Iterator[Session]:
        """A read transaction that sees the rows of `tenants` only; None sees everything.

        On PostgreSQL the tenants are enforced by row-level security; on SQLite by the
        metrics' own filters alone. EVERY_TENANT is for those who may read them all. None is for
        logins, settings and jobs, never for a metric.
        """
        with Session(self.reader) as session:
            if tenants is not None and not self.is_sqlite:
                session.execute(text(f"SET LOCAL ROLE {READER_ROLE}"))
                session.execute(_READ_AS, {"tenants": ",".join(tenants), "memory": _SORT_MEMORY})
            yield session

    def learn_what_it_holds(self) -> None:
        """Has PostgreSQL look at what came in at once: by itself it does a minute later.

        Until then it guesses, and goes on as it guessed for tables that were empty.
        """
        if not self.is_sqlite:
            with self.write() as connection:
                connection.execute(text("ANALYZE"))

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read transaction that sees one moment of everything, and holds no writer up."""
        with self.reader.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            yield connection

    def _writers_turn(self) -> Any:
        # SQLite's own wait for another writer sleeps and polls; a file lock queues.
        if not self.is_sqlite:
            return nullcontext()
        return _file_lock(f"{self.writer.url.database}.lock")


@contextmanager
def _file_lock(path: str) -> Iterator[None]:
    with open(path, "ab") as file:
        started = time.monotonic()
        while not _locked(file):
            if time.monotonic() - started > _TURN_SECONDS:
                raise TimeoutError("another process holds the database")
            time.sleep(_POLL_SECONDS)  # gives way under gevent: requests are read meanwhile
        yield


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait_patiently(engine: Engine) -> None:
    @event.listens_for(engine, "do_connect")
    def connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> PatientConnection:
        return PatientConnection.connect(*arguments, **options)


def _lower(value: Any) -> str | None:
    return None if value is None else str(value).lower()


def _prepare_sqlite(engine: Engine, begin: str, pragmas: Sequence[str]) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN, not the driver
        # SQLite's own knows ASCII only: a search for what is not would miss its very words.
        connection.create_function("lower", 1, _lower, deterministic=True)
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)
