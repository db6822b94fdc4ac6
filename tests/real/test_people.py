"""/people over the real data, against the raw lines counted anew."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import pytest

from tests.real.conftest import PERIODS, SPAN, within
from tracker.catalog.text import normal_query

Lines = list[dict[str, Any]]
Period = tuple[date, date]


def by_session(lines: Lines, period: Period) -> dict[str, Lines]:
    sessions: dict[str, Lines] = defaultdict(list)
    for line in within(lines, period):
        if line.get("session_id"):
            sessions[line["session_id"]].append(line)
    return sessions


def identities(lines: Lines) -> dict[str, dict[str, Any]]:
    return {line["session_id"]: line for line in lines if "event_type" not in line}


def types(events: Lines) -> list[str]:
    return [line["event_type"] for line in events]


def told(events: Lines, pick: Any) -> str:
    return f"{pick(line['at'] for line in events):%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize("period", PERIODS)
def test_sessions_are_counted(panel: Any, lines: Lines, period: Period) -> None:
    known = identities(lines)
    sessions = by_session(lines, period)
    expected = [
        {
            "session_id": session,
            "email": known.get(session, {}).get("email"),
            "user_id": known.get(session, {}).get("user_id"),
            "first_seen": told(events, min),
            "last_seen": told(events, max),
            "events": len(events),
            "searches": types(events).count("sage_query"),
            "clicks": types(events).count("card_click"),
        }
        for session, events in sorted(sessions.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    assert panel("/people/sessions", period) == expected


@pytest.mark.parametrize("period", PERIODS)
def test_the_funnel_is_counted(panel: Any, lines: Lines, period: Period) -> None:
    known = identities(lines)
    sessions = by_session(lines, period)
    engaged = {
        session
        for session, events in sessions.items()
        if {"sage_query", "filter_change"} & set(types(events))
    }
    clicked = {session for session in engaged if "card_click" in types(sessions[session])}
    identified = clicked & known.keys()
    counts = [len(sessions), len(engaged), len(clicked), len(identified)]
    rows = panel("/people/funnel", period)
    assert [row["sessions"] for row in rows] == counts
    assert [row["share"] for row in rows] == [pytest.approx(n / counts[0]) for n in counts]


def test_weeks_are_counted(panel: Any, lines: Lines) -> None:
    def monday(day: date) -> date:
        return day - timedelta(days=day.weekday())

    weeks = {
        session: sorted({monday(line["day"]) for line in events})
        for session, events in by_session(lines, SPAN).items()
    }
    rows = panel("/people/returns", SPAN)
    assert rows
    for row in rows:
        first = date.fromisoformat(row["first_week"])
        week = first + timedelta(weeks=row["weeks_later"])
        new = [active for active in weeks.values() if active[0] == first]
        assert row["sessions"] == len(new)
        assert row["returned"] == sum(week in active for active in new)


def test_numbers_lead_to_the_sessions_behind_them(panel: Any, lines: Lines) -> None:
    period = PERIODS[1]
    events = within(lines, period)

    def expected(holds: Any) -> set[str]:
        return {line["session_id"] for line in events if holds(line)}

    def found(**filters: str) -> set[str]:
        return {row["session_id"] for row in panel("/people/sessions", period, **filters)}

    top = panel("/sage/top-queries", period)[0]
    asked = found(query=top["query"], zero="1")
    assert asked == expected(
        lambda line: (
            line["event_type"] == "sage_query"
            and normal_query(line["payload"]["query_text"]) == top["query"]
            and line["payload"]["result_count"] == 0
        )
    )
    value = panel("/filters/values", period)[0]
    assert found(filter=value["filter"], value=value["value"]) == expected(
        lambda line: (
            line["event_type"] == "filter_change"
            and line["payload"]["filter"] == value["filter"]
            and f'"{line["payload"]["value"]}"' == value["value"]
        )
    )
    expert = panel("/experts/exposure", period)[0]["expert_id"]
    assert found(expert_id=expert) == expected(
        lambda line: line["event_type"] == "card_click" and line["payload"]["expert_id"] == expert
    )


def test_a_timeline_tells_every_event_in_order(panel: Any, lines: Lines) -> None:
    known = identities(lines)
    session, events = next(
        (session, events)
        for session, events in sorted(by_session(lines, SPAN).items())
        if known.get(session, {}).get("email") and "create_trip_attempted" in types(events)
    )
    email = known[session]["email"]
    assert sum(link.get("email") == email for link in known.values()) == 1
    for path in (f"/people/session/{session}", f"/people/person/{email}"):
        rows = panel(f"{path}/timeline", SPAN)
        assert rows.pop()["event_type"] == "identified"  # linked when the file was imported
        times = [row["occurred_at"] for row in rows]
        assert times == sorted(times)
        assert sorted(row["event_type"] for row in rows) == sorted(types(events))
        assert {row["email"] for row in rows} == {email}
