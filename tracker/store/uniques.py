"""Distinct counts that add up over days, for sessions and for people.

A member's active days d1 < d2 < ... count as (d1, never), (d2, d1), ... A change to the
days is the difference of what they count as before and after, whatever the order in
which events arrive. The caller holds the locks of the members it changes. Sessions also
count as (week, first week), under the kind `week`, for who came back.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection

from tracker.model import MemberDay, SessionDay
from tracker.model.rollups import NEVER
from tracker.model.state import QUIET
from tracker.store import bulk
from tracker.store.deltas import Deltas
from tracker.store.projections import EventRow

_COARSE = 32
"""Events up to which bounds are powers of two."""

SessionKey = tuple[str, str]
"""Tenant and session id."""

MemberKey = tuple[str, str, str, str]
"""Tenant, member, kind and key: who was active under what."""

Days = dict[date, dict[str, Any]]

SESSION_DAYS = SessionDay.__table__
MEMBER_DAYS = MemberDay.__table__

FACETS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "session": lambda day: day["events"] > 0,
    "engaged": lambda day: day["searches"] + day["filters"] > 0,
    "clicked": lambda day: day["clicks"] > 0,
    "active": lambda day: day["searches"] + day["filters"] + day["clicks"] > 0,
}
"""What a session's day counts under, by kind of daily_uniques. The sessions that are both
engaged and clicked are those of `engaged` plus those of `clicked` less those of `active`."""

COUNTED_AS = {"sage_query": "searches", "filter_change": "filters", "card_click": "clicks"}


def chain(days: Iterable[date]) -> list[tuple[date, date]]:
    """Each active day with the one before it."""
    return [(day, previous) for previous, day in pairwise([NEVER, *sorted(days)])]


def count_change(
    deltas: Deltas,
    tenant_id: str,
    kind: str,
    key: str,
    before: Iterable[date],
    after: Iterable[date],
    identified: bool,
) -> None:
    """Adds the difference between two sets of active days of one member."""
    change = Counter(chain(after))
    change.subtract(chain(before))
    for (day, previous), n in change.items():
        if n:
            row = (tenant_id, day, kind, key, previous)
            deltas.add("daily_uniques", row, members=n, identified=n if identified else 0)


def weeks(days: Iterable[date]) -> list[tuple[date, date]]:
    """Each active week with the first one, as their Mondays."""
    mondays = sorted({day - timedelta(days=day.weekday()) for day in days})
    return [(monday, mondays[0]) for monday in mondays]


def week_key(tenant_id: str, week: date, first: date) -> tuple[Any, ...]:
    """The row of daily_uniques for the members of a first week who were active in a week."""
    return (tenant_id, week, "week", first.isoformat(), NEVER)


def count_sessions(
    connection: Connection,
    rows: Iterable[EventRow],
    identified: Callable[[SessionKey], bool],
    deltas: Deltas,
) -> None:
    """Counts new events into the days of their sessions."""
    by_session: dict[SessionKey, list[EventRow]] = defaultdict(list)
    for row in rows:
        if row["session_id"] and not row["is_bot"]:
            by_session[row["tenant_id"], row["session_id"]].append(row)
    held = session_days(connection, by_session)
    changed = []
    for session, events in by_session.items():
        before = held[session]
        after = {day: dict(counts) for day, counts in before.items()}
        for row in events:
            count_event(after, row)
        add_up(after)
        count_facets(deltas, session, before, after, identified(session))
        changed += [
            {"tenant_id": session[0], "session_id": session[1], "day": day} | counts
            for day, counts in after.items()
            if counts != before.get(day)
        ]
    others = [c.name for c in SESSION_DAYS.columns if not c.primary_key]
    bulk.upsert(connection, SESSION_DAYS, changed, dict.fromkeys(others, "replace"))


def session_days(connection: Connection, sessions: Iterable[SessionKey]) -> dict[SessionKey, Days]:
    """The active days of sessions, with what was done on each."""
    held: dict[SessionKey, Days] = defaultdict(dict)
    by = ("tenant_id", "session_id")
    for row in bulk.matching(connection, SESSION_DAYS, by, list(sessions)):
        counts = dict(row._mapping)
        session = (counts.pop("tenant_id"), counts.pop("session_id"))
        held[session][counts.pop("day")] = counts
    return held


def count_event(days: Days, row: EventRow) -> None:
    """Counts an event into the days of its session."""
    at = row["occurred_at"]
    counts = days.setdefault(
        row["day"],
        {"events": 0, "searches": 0, "filters": 0, "clicks": 0, "first_at": at, "last_at": at},
    )
    counts["events"] += 1
    if column := COUNTED_AS.get(row["event_type"]):
        counts[column] += 1
    counts["first_at"] = min(counts["first_at"], at)
    counts["last_at"] = max(counts["last_at"], at)


def add_up(days: Days) -> None:
    """Says on each of a session's days how many events it has on all of them at most."""
    total = sum(counts["events"] for counts in days.values())
    for counts in days.values():
        counts["at_most"] = bound(total)


def bound(events: int) -> int:
    """The bound under which a session of so many events is indexed; it moves seldom.

    A power of two up to 32, then an eighth of one at a time: the busiest are what is looked for,
    and few enough for that to cost no ingestion.
    """
    power = 1 << (events - 1).bit_length()
    if power <= _COARSE:
        return max(QUIET, power)
    step = power // 16
    return -(-events // step) * step


def count_facets(
    deltas: Deltas, session: SessionKey, before: Days, after: Days, identified: bool
) -> None:
    """Counts the change of one session's days under every facet."""
    for kind, holds in FACETS.items():
        was = [day for day, counts in before.items() if holds(counts)]
        now = [day for day, counts in after.items() if holds(counts)]
        if len(was) != len(now):  # days come or go, but do not turn into others
            count_change(deltas, session[0], kind, "", was, now, identified)
    if len(before) != len(after):
        count_weeks(deltas, session[0], before, after, identified)


def count_weeks(
    deltas: Deltas, tenant_id: str, before: Iterable[date], after: Iterable[date], identified: bool
) -> None:
    """Adds the difference between two sets of active days to who came back in which week."""
    for sign, days in ((-1, before), (1, after)):
        for week, first in weeks(days):
            row = week_key(tenant_id, week, first)
            deltas.add("daily_uniques", row, members=sign, identified=sign if identified else 0)


def memberships(row: EventRow) -> Iterator[tuple[MemberKey, date]]:
    """Who was active under what because of an event."""
    tenant, session, day = row["tenant_id"], row["session_id"], row["day"]
    if row["is_bot"]:
        return
    if row["event_type"] == "sage_query":
        if session:
            yield (tenant, session, "query", row["query"]), day
        if row["zero_results"]:
            yield from _in_vain(row)
    elif row["event_type"] == "filter_change" and session:
        yield (tenant, session, "filter", row["filter_name"]), day


def _in_vain(row: EventRow) -> Iterator[tuple[MemberKey, date]]:
    """Who searched in vain: for this query, and at all (under the key '')."""
    for key in (row["query"], ""):
        if row["session_id"]:
            yield (row["tenant_id"], row["session_id"], "zero", key), row["day"]
        if row["email"]:
            yield (row["tenant_id"], row["email"], "zero_email", key), row["day"]


def count_members(
    connection: Connection,
    changes: Mapping[MemberKey, Counter[date]],
    identified: Callable[[SessionKey], bool],
    deltas: Deltas,
) -> None:
    """Adds events (or takes them away, where negative) to the days of members."""
    held: dict[MemberKey, dict[date, int]] = defaultdict(dict)
    by = ("tenant_id", "member", "kind", "key")
    for row in bulk.matching(connection, MEMBER_DAYS, by, list(changes)):
        held[row.tenant_id, row.member, row.kind, row.key][row.day] = row.events
    kept, gone = [], []
    for member, change in changes.items():
        before = held[member]
        after = Counter(before)
        after.update(change)
        alive = {day: n for day, n in after.items() if n > 0}
        tenant, who, kind, key = member
        known = kind != "zero_email" and identified((tenant, who))
        if before.keys() != alive.keys():
            count_change(deltas, tenant, kind, key, before, alive, known)
        for day in change:
            if day in alive:
                kept.append(dict(zip(by, member, strict=True)) | {"day": day, "events": alive[day]})
            else:
                gone.append((*member, day))
    bulk.upsert(connection, MEMBER_DAYS, kept, {"events": "replace"})
    bulk.delete_keys(connection, MEMBER_DAYS, gone)


def count_as_identified(
    connection: Connection, sessions: Iterable[SessionKey], deltas: Deltas, sign: int = 1
) -> None:
    """Moves everything that sessions are counted under to identified."""
    wanted = sorted(sessions)
    members = defaultdict(list)
    for row in bulk.matching(connection, MEMBER_DAYS, ("tenant_id", "member"), wanted):
        members[row.tenant_id, row.member].append(row)
    for session, days in session_days(connection, wanted).items():
        tenant = session[0]
        under = {
            (kind, ""): [day for day, counts in days.items() if holds(counts)]
            for kind, holds in FACETS.items()
        }
        for row in members[session]:
            under.setdefault((row.kind, row.key), []).append(row.day)
        for (kind, key), active in under.items():
            for day, previous in chain(active):
                deltas.add("daily_uniques", (tenant, day, kind, key, previous), identified=sign)
        for week, first in weeks(days):
            deltas.add("daily_uniques", week_key(tenant, week, first), identified=sign)
