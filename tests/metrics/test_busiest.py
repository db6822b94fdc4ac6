"""The busiest sessions are the same whether all are added up or not."""

import random
from datetime import date
from typing import Any

import pytest
from flask import Flask

from tests.conftest import make_tenant, record
from tests.metrics.asking import asked, scope, search
from tracker.metrics import people
from tracker.metrics.busiest import busiest


def some_sessions(seed: int, sessions: int) -> list[dict[str, Any]]:
    """Sessions of 1 to 40 events over up to five days, in an order of no meaning."""
    chance = random.Random(seed)
    lines = []
    for n in range(sessions):
        session = f"{chance.randrange(16**8):08x}-0000-4000-8000-{n:012}"
        for _ in range(chance.randint(1, 40)):
            at = f"{chance.randint(1, 5):02} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}"
            lines.append(search(at, session))
    chance.shuffle(lines)
    return lines


@pytest.mark.parametrize(
    ("first", "last"), [(1, 5), (2, 4), (3, 3)], ids=["all days", "some days", "one day"]
)
def test_the_busiest_are_those_of_the_whole_list(app: Flask, first: int, last: int) -> None:
    record(app, *some_sessions(seed=first, sessions=120))
    period = {"first": date(2026, 11, first), "last": date(2026, 11, last)}
    whole = asked(app, people.sessions, sort="-events", limit=100_000, **period)
    with app.extensions["database"].read(("default",)) as session:
        top = busiest(session, scope(**period), 10)
    assert top is not None
    assert [(row.session_id, row.events) for row in top] == [(row[0], row[5]) for row in whole[:10]]
    assert asked(app, people.sessions, limit=10, offset=20, **period) == whole[20:30]


def test_many_sessions_with_as_many_events_are_added_up_instead(app: Flask) -> None:
    ids = [f"00000000-0000-4000-8000-{n:012}" for n in range(300)]
    record(app, *(search("02 09:00", session) for session in reversed(ids)))
    assert [row[0] for row in asked(app, people.sessions, limit=3)] == ids[:3]


def test_a_day_that_arrives_late_counts(app: Flask) -> None:
    early, late = (f"00000000-0000-4000-8000-{n:012}" for n in (1, 2))
    record(app, *(search(f"05 09:{n:02}", late) for n in range(3)))
    record(app, *(search(f"04 09:{n:02}", early) for n in range(4)))
    record(app, *(search(f"02 09:{n:02}", late) for n in range(2)))
    assert [row[0] for row in asked(app, people.sessions, limit=1)] == [late]


def test_the_busiest_of_several_tenants_are_merged(app: Flask) -> None:
    make_tenant(app, "other")
    one, two, three = (f"00000000-0000-4000-8000-{n:012}" for n in (1, 2, 3))
    record(app, search("02 09:00", one), *(search(f"03 09:0{n}", two) for n in range(3)))
    record(app, *(search(f"04 09:0{n}", three) for n in range(2)), tenant="other")
    rows = asked(app, people.sessions, tenants=("default", "other"), limit=2)
    assert [(row[0], row[5]) for row in rows] == [(two, 3), (three, 2)]
    with app.extensions["database"].read(("default", "other")) as session:
        listed = people.sessions(session, scope(tenants=("default", "other"), limit=2))
    assert listed.total == 3
