"""What it takes to forget: one person among many, and everybody after their time."""

import json
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from bench import load
from bench.events import single_requests
from bench.servers import connected, database, flask, running, serving
from bench.table import Row

EMAIL = "bench@example.com"
TENANT = "sample-marketplace"
OF_ONE, SESSIONS = 10_000, 40
ROUNDS, SECONDS = 3, 10


def erasing(kind: str, url: str, events: int) -> Iterator[Row]:
    """`flask privacy erase` of somebody with 10,000 events, whole process."""
    with tempfile.NamedTemporaryFile("w", suffix=".ndjson") as file:
        for line in _events_of_one(_asked(url)):
            file.write(json.dumps(line) + "\n")
        file.flush()
        flask(url, "events", "import", file.name, "--tenant", TENANT)
    began = time.perf_counter()
    said = flask(url, "privacy", "erase", "--email", EMAIL).strip()
    seconds = time.perf_counter() - began
    what = f"erasing a person with {OF_ONE:,} of {events:,} events, {kind}"
    yield Row(what, f"{seconds:.1f} s", "<= 5 s", said)


def _asked(url: str) -> list[str]:
    """What the most sessions ask, so that the person shares rows with many."""
    popular = text(
        "SELECT query FROM daily_queries WHERE tenant_id = :tenant"
        " GROUP BY query ORDER BY sum(searches) DESC, query LIMIT 400"
    )
    with connected(url) as connection:
        return list(connection.execute(popular, {"tenant": TENANT}).scalars())


def _events_of_one(queries: list[str]) -> Iterator[dict[str, Any]]:
    """Searches, clicks, filters and failed trips of 40 sessions over 85 days, then who it was."""
    rng = random.Random(1)
    now = datetime.now(UTC)
    sessions = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(SESSIONS)]
    for number in range(OF_ONE):
        moment = now - timedelta(minutes=rng.randrange(85 * 24 * 60))
        yield {
            "session_id": rng.choice(sessions),
            "occurred_at": moment.isoformat(),
            **_what(rng, number, queries),
        }
    yield from ({"session_id": session, "email": EMAIL} for session in sessions)


def _what(rng: random.Random, number: int, queries: list[str]) -> dict[str, Any]:
    kind = number % 5
    if kind == 0:
        click = {"expert_id": "expert-1", "context": "sage_panel", "position": 1}
        return {"event_type": "card_click", "payload": click}
    if kind == 1:
        change = {"filter": "topic", "value": f"t{rng.randrange(30)}", "result_count": 3}
        return {"event_type": "filter_change", "payload": change}
    if kind == 2:
        failed = {"error_code": "TIMEOUT", "duration_ms": 100}
        name = "create_trip_failed"
        return {"event_type": name, "request_id": f"bench-{number}", "payload": failed}
    found = [] if rng.random() < 0.2 else ["expert-1", "expert-2"]
    search = {
        "query_text": rng.choice(queries),
        "function_called": "search_experts",
        "result_count": len(found),
        "expert_ids": found,
    }
    return {"event_type": "sage_query", "payload": search}


def expiring(kind: str, url: str) -> Iterator[Row]:
    """Single events alone and beside the expiry of nearly all that is held, in turn."""
    request = single_requests()
    ratios = []
    with serving("wsgi:app", url, TRACKER_WORKER="external") as server:
        load.run(server.port, request, seconds=2)  # what is made once is made now
        held = _held(url)
        for _ in range(ROUNDS):
            alone = load.run(server.port, request, seconds=SECONDS)
            flask(url, "rollups", "settle")  # or expiry would begin with that
            with running(url, "retention", "run", TRACKER_RETENTION_DAYS="30"):
                time.sleep(5)  # it starts
                before = _held(url)
                beside = load.run(server.port, request, seconds=SECONDS)
                rate = (before - _held(url)) / SECONDS
            ratios.append(beside.per_second / alone.per_second)
    yield Row(
        f"single events while {held:,} old rows expire, {kind}",
        f"{statistics.median(ratios):.2f}",
        ">= 0.80",
        f"{beside.per_second:,.0f}/s of {alone.per_second:,.0f}/s alone; {rate:,.0f} rows/s expire",
    )


def _held(url: str) -> int:
    """Raw rows of the samples, which are nearly all expired."""
    tables = ("events", "settled", "trip_creation_attempts")
    counts = (f"SELECT count(*) FROM {one} WHERE tenant_id LIKE 'sample-%'" for one in tables)
    with connected(url) as connection:
        return sum(connection.execute(text(count)).scalar_one() for count in counts)


def rows(kinds=("sqlite", "postgresql"), events: int = 1_000_000) -> Iterator[Row]:
    """Every figure of privacy."""
    for kind in kinds:
        with database(kind) as url:
            flask(url, "demo", "load", "--events", str(events))
            yield from erasing(kind, url, events)
            yield from expiring(kind, url)
