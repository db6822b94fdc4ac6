"""How fast events are taken in, against yardsticks of the same run."""

import sqlite3
import statistics
import threading
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from sqlalchemy import create_engine, select

from bench import load
from bench.events import batch_requests, single_requests
from bench.servers import Server, database, flask, serving
from bench.table import Row
from tracker.model import Base
from tracker.store import bulk

ROUNDS = 3
SECONDS = 6
SENDERS = {4: "four senders", 1: "one sender"}
"""Of batches, by how many there are at once."""


def single_events(kind: str) -> Iterator[Row]:
    """Single POSTs over 64 connections: ours, an empty view and the naive one, in turn."""
    request = single_requests()
    ratios, naive_ratios, p99 = [], [], []
    with database(kind) as url, database(kind) as other:
        for _ in range(ROUNDS):
            ours = _loaded("wsgi:app", url, request)
            empty = _loaded("bench.yardsticks:empty", url, request)
            naive = _loaded("bench.yardsticks:naive", other, request)
            ratios.append(ours.per_second / empty.per_second)
            naive_ratios.append(ours.per_second / naive.per_second)
            p99.append(ours.percentile(0.99) / empty.percentile(0.99))
    speed = f"{ours.per_second:,.0f}/s of {empty.per_second:,.0f}/s"
    yield Row(f"single events, {kind}", f"{statistics.median(ratios):.2f}", ">= 0.50", speed)
    yield Row(
        f"... p99 against the empty view's, {kind}",
        f"{statistics.median(p99):.1f}",
        "<= 5",
        f"{ours.percentile(0.99):.0f} ms",
    )
    yield Row(
        f"... against one commit per request, {kind}",
        f"{statistics.median(naive_ratios):.1f}",
        ">= 3",
        f"{naive.per_second:,.0f}/s",
    )
    yield Row(f"... answers other than 202, {kind}", str(ours.errors(202)), "0", "")


def empty_view() -> float:
    """Requests a second that the empty view answers: how fast this machine is now."""
    with database("sqlite") as url:
        return _loaded("bench.yardsticks:empty", url, single_requests()).per_second


def _loaded(app: str, url: str, request, seconds: float = SECONDS) -> load.Load:
    with serving(app, url) as server:
        load.run(server.port, request, seconds=1)  # what is made once is made now
        return load.run(server.port, request, seconds=seconds)


def under_reading(kind: str) -> Iterator[Row]:
    """Single POSTs while an operator loads the heaviest page over and over."""
    request = single_requests()
    with database(kind) as url:
        flask(url, "demo", "load", "--events", "100000")
        empty = _loaded("bench.yardsticks:empty", url, request)
        with serving("wsgi:app", url) as server:
            load.run(server.port, request, seconds=1)
            with _an_operator(server) as loads:
                ours = load.run(server.port, request, seconds=SECONDS)
    yield Row(
        f"single events while a page loads over and over, {kind}",
        f"{ours.per_second / empty.per_second:.2f}",
        ">= 0.40",
        f"{ours.per_second:,.0f}/s, {len(loads)} page loads",
    )
    yield Row(f"... p99, {kind}", f"{ours.percentile(0.99):.0f} ms", "<= 250 ms", "")


@contextmanager
def _an_operator(server: Server) -> Iterator[list[float]]:
    """Loads the experts page of the sample marketplace in a thread until the block ends."""
    from bench.pages import logged_in

    page = logged_in(server.port)
    loads: list[float] = []
    done = threading.Event()

    def reload() -> None:
        while not done.is_set():
            began = time.perf_counter()
            page("/experts?period=90d&tenant=sample-marketplace")
            loads.append(time.perf_counter() - began)

    thread = threading.Thread(target=reload)
    thread.start()
    yield loads
    done.set()
    thread.join()


def batches(kind: str) -> Iterator[Row]:
    """Batches of 500 over HTTP against a raw bulk insert of what they left in the tables.

    Of several senders at once one's events are parsed while another's are written, as the 64
    connections' single ones are; a lone sender waits for each step in turn.
    """
    first, *groups = (batch_requests(number) for number in (4, *[56] * len(SENDERS)))
    with database(kind) as url, database(kind) as copy:
        with serving("wsgi:app", url) as server:
            _send(server.port, first)
            ours = {
                senders: _sent_by(senders, server.port, requests)
                for senders, requests in zip(SENDERS, groups, strict=True)
            }
        raw = _raw_insert(url, copy)
    for senders, rate in ours.items():
        yield Row(
            f"batches of 500 against a raw bulk insert, {kind}, {SENDERS[senders]}",
            f"{rate / raw:.2f}",
            ">= 0.5",
            f"{rate:,.0f} events/s of {raw:,.0f}",
        )


def _sent_by(senders: int, port: int, requests: list[bytes]) -> float:
    """Events a second that are taken in of so many senders."""
    began = time.perf_counter()
    with ThreadPoolExecutor(senders) as pool:
        list(pool.map(lambda n: _send(port, requests[n::senders]), range(senders)))
    return 500 * len(requests) / (time.perf_counter() - began)


def _send(port: int, requests: list[bytes]) -> None:
    for request in requests:
        _, _, body = request.partition(b"\r\n\r\n")
        call = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/events", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(call) as answer:
            if answer.status != 202:
                raise RuntimeError(f"a batch was answered {answer.status}")


def _raw_insert(url: str, copy: str) -> float:
    """Events a second that the driver alone writes: the same rows, tables and indexes."""
    full = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    tables = [
        t
        for t in Base.metadata.sorted_tables
        if t.name not in ("tenants", "operators", "audit_log", "daily_salts")
    ]
    with full.connect() as connection:
        rows = {t: [dict(r._mapping) for r in connection.execute(select(t))] for t in tables}
    events = len(rows[Base.metadata.tables["events"]])
    began = _insert(copy, rows)
    return events / (time.perf_counter() - began)


def _insert(url: str, rows) -> float:
    """Inserts everything in transactions of 500 events' worth; returns when it began."""
    shares = [(t, listed) for t, listed in rows.items() if listed]
    parts = max(1, len(rows[Base.metadata.tables["events"]]) // 500)
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON"):
            connection.execute(f"PRAGMA {pragma}")
        prepared = [
            (bulk._sqlite_statement(t), list(bulk.sqlite_tuples(t, listed))) for t, listed in shares
        ]
        began = time.perf_counter()
        for part in range(parts):
            connection.execute("BEGIN IMMEDIATE")
            for sql, tuples in prepared:
                connection.executemany(sql, tuples[part::parts])
            connection.execute("COMMIT")
        return began
    connection = psycopg.connect(url)
    prepared = [
        (_values_statement(t), [tuple(_adapted(t, r)) for r in listed]) for t, listed in shares
    ]
    began = time.perf_counter()
    for part in range(parts):
        with connection.transaction(), connection.cursor() as cursor:
            for sql, tuples in prepared:
                cursor.executemany(sql, tuples[part::parts])
    return began


def _values_statement(table) -> str:
    marks = ", ".join(["%s"] * len(table.columns))
    return f"INSERT INTO {table.name} ({', '.join(table.columns.keys())}) VALUES ({marks})"


def _adapted(table, row):
    for column in table.columns:
        yield bulk._json(row[column.name]) if bulk._is_json(column) else row[column.name]


def memory() -> Iterator[Row]:
    """Memory of the web processes after 200,000 events, and its growth in the second half."""
    requests = batch_requests(200)
    with database("sqlite") as url, serving("wsgi:app", url) as server:
        _send(server.port, requests)
        half = max(server.workers_memory())
        _send(server.port, batch_requests(200))
        full = max(server.workers_memory())
    yield Row(
        "memory of a web process after 200,000 events",
        f"{full:.0f} MB",
        "<= 150 MB",
        f"{full - half:+.0f} MB in the second half",
    )


def importing() -> Iterator[Row]:
    """`flask events import` of a simulated file, whole process."""
    import json
    import tempfile

    with database("sqlite") as url, tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
        from bench.events import one_event

        for _ in range(100_000):
            file.write(json.dumps(one_event()) + "\n")
        file.flush()
        began = time.perf_counter()
        flask(url, "events", "import", file.name)
        rate = 100_000 / (time.perf_counter() - began)
    yield Row("events imported, SQLite", f"{rate:,.0f}/s", ">= 8,000/s", "whole process")


def rows() -> Iterator[Row]:
    """Every figure of ingestion."""
    for kind in ("sqlite", "postgresql"):
        yield from single_events(kind)
        yield from under_reading(kind)
        yield from batches(kind)
    yield from memory()
    yield from importing()
