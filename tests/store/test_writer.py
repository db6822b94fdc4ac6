"""Group commit: what is acknowledged is stored, whatever becomes of the others."""

import fcntl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, delete
from sqlalchemy.exc import OperationalError

from tests.conftest import SESSION, dispose, make_app
from tests.ingest.sending import CLICK, event_of, rows, stored, value, with_id
from tracker.catalog.parsing import Row, Terms, parse
from tracker.model import Identity
from tracker.store import writer as writing
from tracker.store.linking import Link
from tracker.store.writer import Overloaded, Work, Writer

GATHER = 0.2


def row_of(app: Flask, event: dict[str, Any]) -> Row:
    now, calendar = datetime.now(UTC), app.extensions["calendar"]
    return parse(event, Terms(now, calendar, timedelta(days=90), "default", with_key=True))


@pytest.fixture
def writer(app: Flask) -> Writer:
    """A writer that gathers long enough for threads to meet in one group."""
    return Writer(app.extensions["database"], gather=GATHER)


def test_works_that_arrive_together_are_each_told_of_their_own(app: Flask, writer: Writer) -> None:
    known = with_id(CLICK)
    writer.submit(Work(rows=[row_of(app, known)]))
    works = [
        Work(rows=[row_of(app, CLICK), row_of(app, CLICK)]),
        Work(rows=[row_of(app, known)]),
        Work(links=[Link("default", SESSION, "ada@example.com", None, datetime.now(UTC))]),
        Work(sampled=[row_of(app, CLICK)]),
    ]
    with ThreadPoolExecutor(len(works)) as pool:
        list(pool.map(writer.submit, works))
    assert [(work.accepted, work.duplicates, len(work.linked)) for work in works] == [
        (2, 0, 0),
        (0, 1, 0),
        (0, 0, 1),
        (0, 0, 0),
    ]
    assert stored(app) == 3


def test_a_work_that_can_t_be_stored_does_not_take_others_with_it(
    app: Flask, writer: Writer
) -> None:
    broken = Work(rows=[row_of(app, CLICK) | {"tenant_id": None}])
    sound = [Work(rows=[row_of(app, CLICK)]) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(writer.submit, work) for work in [broken, *sound]]
    assert isinstance(futures[0].exception(), Exception)
    assert [future.exception() for future in futures[1:]] == [None, None, None]
    assert stored(app) == 3


class Deadlock(Exception):
    sqlstate = "40P01"


def test_a_try_that_is_rolled_back_leaves_no_owner_for_the_next(
    app: Flask, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.submit(
        Work(links=[Link("default", SESSION, "ada@example.com", None, datetime.now(UTC))])
    )
    write, tries = writing.write, []

    def beaten_once(connection: Connection, *what: Any) -> None:
        tries.append(what)
        if len(tries) > 1:  # meanwhile she was erased
            connection.execute(delete(Identity))
        write(connection, *what)
        if len(tries) == 1:
            raise OperationalError("", {}, Deadlock())

    monkeypatch.setattr(writing, "write", beaten_once)
    writer.submit(Work(rows=[row_of(app, CLICK)]))
    assert len(tries) == 2
    assert value(app, "SELECT email FROM events") is None


class Ending(list[Row]):
    """Rows that end the thread that writes them, as a signal may."""

    def __iter__(self) -> Iterator[Row]:
        raise SystemExit


def test_nothing_is_acknowledged_when_the_one_that_writes_is_ended(
    app: Flask,
) -> None:
    writer = Writer(app.extensions["database"], gather=1)  # all four meet, however busy it is
    works = [Work(rows=Ending()), *(Work(rows=[row_of(app, CLICK)]) for _ in range(3))]

    def submit(work: Work) -> object:
        try:
            return writer.submit(work)
        except (Overloaded, SystemExit) as ended:
            return type(ended)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(submit, works))
    acknowledged = sum(isinstance(answer, Work) for answer in answers)
    assert acknowledged == stored(app)
    assert acknowledged < 3
    writer.submit(Work(rows=[row_of(app, CLICK)]))
    assert stored(app) == acknowledged + 1


def test_a_full_queue_is_a_503_and_takes_in_again_when_there_is_room(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "QUEUE_EVENTS", 10)
    answer = client.post("/api/events", json={"events": [CLICK] * 11})
    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "overloaded"
    assert int(answer.headers["Retry-After"]) >= 1
    assert stored(app) == 0
    assert client.post("/api/events", json={"events": [CLICK] * 10}).status_code == 202
    assert stored(app) == 10


def test_a_database_that_another_process_holds_for_long_is_a_503(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.store.database._TURN_SECONDS", 0.3)
    app = make_app(sqlite_database, {})
    assert app.test_client().post("/api/events", json=CLICK).status_code == 202
    with open(sqlite_database.removeprefix("sqlite:///") + ".lock", "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert app.test_client().post("/api/events", json=CLICK).status_code == 503
    assert app.test_client().post("/api/events", json=CLICK).status_code == 202
    assert stored(app) == 2
    dispose(app)


def test_one_transaction_does_not_grow_without_bound(
    app: Flask, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "TRANSACTION_EVENTS", 5)
    works = [Work(rows=[row_of(app, CLICK) for _ in range(4)]) for _ in range(4)]
    works.append(Work(rows=[row_of(app, CLICK) for _ in range(20)]))
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(writer.submit, works))
    assert stored(app) == 36


def test_writers_of_different_processes_lose_no_counts(app: Flask) -> None:
    writers = [Writer(app.extensions["database"]) for _ in range(3)]
    trips = [
        event_of(name, request_id=f"r{n % 5}")
        for n in range(20)
        for name in ("create_trip_attempted", "create_trip_succeeded")
    ]
    events = [*trips, *[CLICK] * 20]

    def send(n: int) -> int:
        return writers[n % 3].submit(Work(rows=[row_of(app, events[n])])).accepted

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(send, range(len(events)))) == 60
    assert value(app, "SELECT sum(events) FROM daily_events") == 60
    counted = "SELECT sum(attempts) FROM daily_trips WHERE status = :status"
    assert value(app, counted, status="success") == 5
    assert not value(app, counted, status="pending")
    assert rows(app, "SELECT DISTINCT status FROM trip_creation_attempts") == [("success",)]
