"""The sessions behind a number: the same, in the same order, however they are found."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from flask import Flask

from tests.conftest import make_tenant, record
from tests.metrics.asking import asked, click, event, scope, search
from tracker.metrics import people
from tracker.metrics.people_days import STEPS
from tracker.metrics.people_filters import conditions, number_of

Line = dict[str, Any]
_SETTINGS = (("city", "Rome"), ("city", "Oslo"), ("rate", [50, 120]), ("language", "Dutch"))
CRAWLER = "Googlebot/2.1 (+http://www.google.com/bot.html)"


@pytest.fixture(autouse=True)
def _nobody_is_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walks the busy sessions although there are few, and a step at a time."""
    monkeypatch.setattr(people, "_FEW", 0)
    monkeypatch.setattr(people, "_MOST_LOOKED_AT", 1_000_000)
    monkeypatch.setattr("tracker.metrics.busiest._FIRST_LOOK", 7)


def an_event(chance: random.Random, at: str, session: str | None) -> Line:
    kind = chance.choice(("search", "search", "filter", "filter", "click", "trip"))
    if kind == "search":
        found = chance.choice(((), ("a", "b"), ("a", "b", "c")))
        return search(at, session, chance.choice(("chef", "tax adviser")), found)
    if kind == "filter":
        name, value = chance.choice(_SETTINGS)
        left = chance.choice((0, 3))
        return event("filter_change", at, session, filter=name, value=value, result_count=left)
    if kind == "click":
        return click(at, session, chance.choice("abc"))
    code = chance.choice(("TIMEOUT", "QUOTA"))
    request = f"r{chance.randrange(10**9)}"
    return event("create_trip_failed", at, session, error_code=code) | {"request_id": request}


def visits(seed: int, sessions: int) -> list[Line]:
    """Sessions of up to 60 events on up to five days, many with as many; and some of nobody."""
    chance = random.Random(seed)
    ids: list[str | None] = [
        f"{chance.randrange(16**8):08x}-0000-4000-8000-{n:012}" for n in range(sessions)
    ]
    lines = []
    for session in [*ids, None]:
        for _ in range(chance.choice((1, 6, 6, 20, 20, chance.randint(1, 60)))):
            at = f"{chance.randint(1, 5):02} {chance.randint(0, 23):02}:{chance.randint(0, 59):02}"
            lines.append(an_event(chance, at, session))
    chance.shuffle(lines)
    return lines


def field(line: Line, name: str) -> Any:
    return line["payload"].get(name)


def is_engaged(line: Line) -> bool:
    return line["event_type"] in ("sage_query", "filter_change")


def is_click(line: Line) -> bool:
    return bool(line["event_type"] == "card_click")


QUESTIONS: dict[str, tuple[dict[str, str], list[Callable[[Line], bool]]]] = {
    "searched it": ({"query": "chef"}, [lambda e: field(e, "query_text") == "chef"]),
    "searched it in vain": (
        {"query": "Chef?", "zero": "1"},
        [lambda e: field(e, "query_text") == "chef" and field(e, "result_count") == 0],
    ),
    "searched in vain": (
        {"zero": "1"},
        [lambda e: e["event_type"] == "sage_query" and field(e, "result_count") == 0],
    ),
    "searched it and found few": (
        {"query": "chef", "thin": "1"},
        [lambda e: field(e, "query_text") == "chef" and field(e, "result_count") in (1, 2)],
    ),
    "found few": (
        {"thin": "1"},
        [lambda e: e["event_type"] == "sage_query" and field(e, "result_count") in (1, 2)],
    ),
    "set the filter": ({"filter": "city"}, [lambda e: field(e, "filter") == "city"]),
    "set both": (
        {"filter": "city", "with": "rate"},
        [lambda e: field(e, "filter") == "city", lambda e: field(e, "filter") == "rate"],
    ),
    "set three": (
        {"with": "city + language + rate"},
        [
            lambda e: field(e, "filter") == "city",
            lambda e: field(e, "filter") == "language",
            lambda e: field(e, "filter") == "rate",
        ],
    ),
    "set the value": (
        {"filter": "city", "value": '"Oslo"'},
        [lambda e: field(e, "value") == "Oslo"],
    ),
    "set the filter in vain": (
        {"filter": "city", "dead_end": "1"},
        [lambda e: field(e, "filter") == "city" and field(e, "result_count") == 0],
    ),
    "set the value in vain": (
        {"filter": "city", "value": '"Oslo"', "dead_end": "1"},
        [lambda e: field(e, "value") == "Oslo" and field(e, "result_count") == 0],
    ),
    "set the value and another": (
        {"filter": "city", "value": '"Oslo"', "with": "rate"},
        [lambda e: field(e, "value") == "Oslo", lambda e: field(e, "filter") == "rate"],
    ),
    "clicked": ({"expert_id": "b"}, [lambda e: field(e, "expert_id") == "b"]),
    "failed": ({"error_code": "QUOTA"}, [lambda e: field(e, "error_code") == "QUOTA"]),
    "clicked and searched in vain": (
        {"expert_id": "b", "zero": "1"},
        [
            lambda e: field(e, "expert_id") == "b",
            lambda e: e["event_type"] == "sage_query" and field(e, "result_count") == 0,
        ],
    ),
    "searched or set a filter": ({"step": STEPS[1]}, [is_engaged]),
    "and clicked": ({"step": STEPS[2]}, [is_engaged, is_click]),
    "clicked and got that far": (
        {"step": STEPS[1], "expert_id": "b"},
        [is_engaged, lambda e: field(e, "expert_id") == "b"],
    ),
    "did anything": ({}, []),
}


def by_hand(
    lines: list[Line], first: int, last: int, did: list[Callable[[Line], bool]]
) -> list[tuple[str, int]]:
    """Sessions that did all of it in the period, and their events in it."""
    within = [
        line
        for line in lines
        if line.get("session_id")
        and first <= date.fromisoformat(line["occurred_at"][:10]).day <= last
    ]
    events = Counter(line["session_id"] for line in within)
    for one in did:
        who = {line["session_id"] for line in within if one(line)}
        events = Counter({session: n for session, n in events.items() if session in who})
    return sorted(events.items(), key=lambda item: (-item[1], item[0]))


def listed(app: Flask, first: int, last: int, **changes: Any) -> tuple[list[tuple[str, int]], int]:
    framed = scope(first=date(2026, 11, first), last=date(2026, 11, last), **changes)
    with app.extensions["database"].read(framed.tenants) as session:
        found = people.sessions(session, framed)
    return [(row.session_id, row.events) for row in found.rows], found.total


def test_who_is_behind_a_number_is_found_without_adding_up_everybody(app: Flask) -> None:
    lines = visits(seed=1, sessions=70)
    record(app, *lines)
    for name, (filters, did) in QUESTIONS.items():
        for first, last in ((1, 5), (2, 4), (3, 3)):
            expected = by_hand(lines, first, last, did)
            for limit, offset in ((5, 0), (5, 5), (2600, 0)):
                rows, total = listed(app, first, last, filters=filters, limit=limit, offset=offset)
                assert rows == expected[offset : offset + limit], (name, first, limit, offset)
                assert total == len(expected), (name, first)


@pytest.mark.parametrize("filters", [asked[0] for asked in QUESTIONS.values()])
def test_the_busiest_are_found_by_the_index(app: Flask, filters: dict[str, str]) -> None:
    record(app, *visits(seed=2, sessions=70))
    framed = scope(first=date(2026, 11, 1), last=date(2026, 11, 5), filters=filters, limit=3)
    with app.extensions["database"].read(framed.tenants) as session:
        wanted = conditions(framed)
        assert people._busiest(session, framed, wanted) is not None
        assert people._busiest(session, scope(filters=filters, sort="clicks"), wanted) is None


def test_the_known_are_those_that_are_linked_whenever_that_was(app: Flask) -> None:
    lines = visits(seed=4, sessions=40)
    sessions = sorted({line["session_id"] for line in lines if line.get("session_id")})
    named = set(sessions[::3])
    record(app, *lines, *({"session_id": one, "email": f"{one}@example.com"} for one in named))
    for first, last in ((1, 5), (3, 3)):
        for filters, did in (({}, []), QUESTIONS["searched it"]):
            expected = [one for one in by_hand(lines, first, last, did) if one[0] in named]
            chosen = filters | {"known": "1"}
            rows, total = listed(app, first, last, filters=chosen, limit=5)
            assert (rows, total) == (expected[:5], len(expected)), (first, filters)


def test_the_last_step_is_reached_by_the_known(app: Flask) -> None:
    lines = visits(seed=7, sessions=40)
    sessions = sorted({line["session_id"] for line in lines if line.get("session_id")})
    named = set(sessions[::3])
    record(app, *lines, *({"session_id": one, "email": f"{one}@example.com"} for one in named))
    for first, last in ((1, 5), (3, 3)):
        did = by_hand(lines, first, last, [is_engaged, is_click])
        expected = [one for one in did if one[0] in named]
        assert expected
        rows, total = listed(app, first, last, filters={"step": STEPS[3]}, limit=3)
        assert (rows, total) == (expected[:3], len(expected)), first


def test_who_had_come_before_is_found_by_their_earlier_days(app: Flask) -> None:
    lines = visits(seed=8, sessions=60)
    record(app, *lines)
    for first, last in ((2, 5), (3, 3)):
        earlier = dict(by_hand(lines, 1, first - 1, []))
        expected = [one for one in by_hand(lines, first, last, []) if one[0] in earlier]
        assert expected
        rows, total = listed(app, first, last, filters={"before": "1"}, limit=3)
        assert (rows, total) == (expected[:3], len(expected)), first
        period = {"first": date(2026, 11, first), "last": date(2026, 11, last)}
        assert asked(app, people.visitors, **period)[0][3] == total


def test_each_cell_of_those_who_come_back_leads_to_its_sessions(app: Flask) -> None:
    lines = visits(seed=9, sessions=60)
    for line in lines:  # from Sunday the first to Saturday the 28th
        at = date.fromisoformat(line["occurred_at"][:10])
        week = random.Random(str(line.get("session_id"))).randrange(4) * (at.day % 3) % 4
        line["occurred_at"] = f"2026-11-{at.day + 7 * week:02}" + line["occurred_at"][10:]
    record(app, *lines)
    month = {"first": date(2026, 11, 1), "last": date(2026, 11, 30)}
    cells = [people.Return(*row) for row in asked(app, people.returns, **month)]
    assert sum(cell.returned for cell in cells) > 10
    for cell in cells:
        week = {"first_week": cell.first_week.isoformat()}
        for last in {cell.sunday, cell.monday + (cell.sunday - cell.monday) / 2}:  # or a part
            later = {"first": cell.monday, "last": last}
            rows = asked(app, people.sessions, **later, limit=1000, filters=week)
            framed = scope(**later, limit=1, filters=week)
            with app.extensions["database"].read(framed.tenants) as session:
                assert people.sessions(session, framed).total == len(rows), cell
            assert last < cell.sunday or len(rows) == cell.returned, cell
    for no_week in ("soon", "9999-12-27"):
        assert asked(app, people.sessions, filters={"first_week": no_week}) == []
    week = scope(first=date(2026, 11, 9), last=date(2026, 11, 15))
    for first_day in ("2026-11-02", "2026-11-04"):  # a Monday, and what only an address can name
        framed = replace(week, filters={"first_week": first_day}, limit=1000)
        with app.extensions["database"].read(framed.tenants) as session:
            found = people.sessions(session, framed).rows
            assert found
            assert number_of(session, conditions(framed)) == len(found), first_day


def test_those_who_are_few_are_added_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "_FEW", 5_000)
    lines = visits(seed=3, sessions=30)
    record(app, *lines)
    for name, (filters, did) in QUESTIONS.items():
        rows, total = listed(app, 1, 5, filters=filters, limit=100)
        assert (rows, total) == (by_hand(lines, 1, 5, did), len(rows)), name


def test_a_bot_is_behind_no_number(app: Flask) -> None:
    lines = visits(seed=4, sessions=20)
    record(app, *lines)
    client = app.test_client()
    bot = [line | {"session_id": "b" * 8 + "-0000-4000-8000-000000000000"} for line in lines]
    browsers = [line for line in bot if not line["event_type"].startswith("create_trip_")]
    for n in range(0, len(browsers), 400):
        answer = client.post(
            "/api/events",
            json={"events": browsers[n : n + 400]},
            headers={"User-Agent": CRAWLER},
        )
        assert answer.status_code == 202
    for name, (filters, did) in QUESTIONS.items():
        rows, total = listed(app, 1, 5, filters=filters, limit=4)
        expected = by_hand(lines, 1, 5, did)
        assert (rows, total) == (expected[:4], len(expected)), name


def test_the_busiest_of_two_tenants_are_merged(app: Flask) -> None:
    make_tenant(app, "other")
    here, there = visits(seed=5, sessions=30), visits(seed=6, sessions=30)
    record(app, *here)
    record(app, *there, tenant="other")
    for name, (filters, did) in QUESTIONS.items():
        expected = by_hand(here + there, 1, 5, did)
        rows, total = listed(app, 1, 5, filters=filters, limit=8, tenants=("default", "other"))
        assert (rows, total) == (expected[:8], len(expected)), name
        assert listed(app, 1, 5, filters=filters, limit=8)[0] == by_hand(here, 1, 5, did)[:8]


def test_columns_are_those_of_the_whole_list(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    record(app, *visits(seed=7, sessions=40))
    quick = asked(app, people.sessions, filters={"filter": "city"}, limit=10)
    monkeypatch.setattr(people, "_busiest", lambda *_: None)
    assert asked(app, people.sessions, filters={"filter": "city"}, limit=10) == quick
