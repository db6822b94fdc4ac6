"""Distinct counts that add up over days, for sessions and for people.

A member's active days d1 < d2 < ... count as (d1, never), (d2, d1), ... A change to the
days is the difference of what they count as before and after, whatever the order in
which events arrive. The caller holds the locks of the members it changes. Sessions also
count as (week, first week), under the kind `week`, for who came back.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Connection

from tracker.model import MemberDay, SessionDay
from tracker.model.rollups import NEVER
from tracker.model.state import QUIET
from tracker.store import bulk
from tracker.store.bulk import Upsert
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

_COUNTS = tuple(column.name for column in SESSION_DAYS.columns if not column.primary_key)

COUNTED_AS = {"sage_query": "searches", "filter_change": "filters", "card_click": "clicks"}


def days_by_facet(days: Days) -> dict[str, list[date]]:
    """A session's days by what they count under, by kind of daily_uniques.

    The sessions that are both engaged and clicked are those of `engaged` plus those of `clicked`
    less those of `active`.
    """
    found: dict[str, list[date]] = {"session": [], "engaged": [], "clicked": [], "active": []}
    for day, counts in days.items():
        engaged, clicked = counts["searches"] + counts["filters"] > 0, counts["clicks"] > 0
        if counts["events"] > 0:
            found["session"].append(day)
        if engaged:
            found["engaged"].append(day)
        if clicked:
            found["clicked"].append(day)
        if engaged or clicked:
            found["active"].append(day)
    return found


def chain(days: Iterable[date]) -> dict[date, date]:
    """Each active day with the one before it."""
    ordered = sorted(days)
    return dict(zip(ordered, [NEVER, *ordered], strict=False))


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
    was, now = chain(before), chain(after)
    for sign, links, others in ((1, now, was), (-1, was, now)):
        for day, previous in links.items():
            if others.get(day) != previous:
                row = (tenant_id, day, kind, key, previous)
                deltas.add("daily_uniques", row, members=sign, identified=sign if identified else 0)


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
) -> Upsert:
    """Counts new events into the days of their sessions; returns the days to be written."""
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
            {"tenant_id": session[0], "session_id": session[1], "day": day, **counts}
            for day, counts in after.items()
            if counts != before.get(day)
        ]
    return Upsert(SESSION_DAYS, changed, dict.fromkeys(_COUNTS, "replace"))


def session_days(connection: Connection, sessions: Iterable[SessionKey]) -> dict[SessionKey, Days]:
    """The active days of sessions, with what was done on each."""
    held: dict[SessionKey, Days] = defaultdict(dict)
    by = ("tenant_id", "session_id")
    columns = (*by, "day", *_COUNTS)
    for row in bulk.matching(connection, SESSION_DAYS, by, list(sessions), columns):
        held[row.tenant_id, row.session_id][row.day] = dict(zip(_COUNTS, row[3:], strict=True))
    return held


def count_event(days: Days, row: EventRow) -> None:
    """Counts an event into the days of its session."""
    at = row["occurred_at"]
    counts = days.get(row["day"])
    if counts is None:
        counts = days[row["day"]] = dict.fromkeys(_COUNTS, 0) | {"first_at": at, "last_at": at}
    counts["events"] += 1
    if column := COUNTED_AS.get(row["event_type"]):
        counts[column] += 1
    if at < counts["first_at"]:
        counts["first_at"] = at
    elif at > counts["last_at"]:
        counts["last_at"] = at


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
    was, now = days_by_facet(before), days_by_facet(after)
    if was == now:
        return
    for kind in now:
        if len(was[kind]) != len(now[kind]):  # days come or go, but do not turn into others
            count_change(deltas, session[0], kind, "", was[kind], now[kind], identified)
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
    changes: Mapping[MemberKey, Mapping[date, int]],
    identified: Callable[[SessionKey], bool],
    deltas: Deltas,
) -> None:
    """Adds events (or takes them away, where negative) to the days of members."""
    bulk.upsert_all(connection, [changed_members(connection, changes, identified, deltas)])


def changed_members(
    connection: Connection,
    changes: Mapping[MemberKey, Mapping[date, int]],
    identified: Callable[[SessionKey], bool],
    deltas: Deltas,
) -> Upsert:
    """Counts as `count_members` does, but for writing the days that it returns."""
    held: dict[MemberKey, dict[date, int]] = defaultdict(dict)
    by = ("tenant_id", "member", "kind", "key")
    for row in bulk.matching(connection, MEMBER_DAYS, by, list(changes)):
        held[row.tenant_id, row.member, row.kind, row.key][row.day] = row.events
    kept, gone = [], []
    for (tenant, who, kind, key), change in changes.items():
        before = held[tenant, who, kind, key]
        after = dict(before)
        for day, n in change.items():
            after[day] = after.get(day, 0) + n
            if after[day] > 0:
                place = {"tenant_id": tenant, "member": who, "kind": kind, "key": key}
                kept.append(place | {"day": day, "events": after[day]})
            else:
                del after[day]
                gone.append((tenant, who, kind, key, day))
        if before.keys() != after.keys():
            known = kind != "zero_email" and identified((tenant, who))
            count_change(deltas, tenant, kind, key, before, after, known)
    bulk.delete_keys(connection, MEMBER_DAYS, gone)
    return Upsert(MEMBER_DAYS, kept, {"events": "replace"})


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
        under = {(kind, ""): active for kind, active in days_by_facet(days).items()}
        for row in members[session]:
            under.setdefault((row.kind, row.key), []).append(row.day)
        for (kind, key), active in under.items():
            for day, previous in chain(active).items():
                deltas.add("daily_uniques", (tenant, day, kind, key, previous), identified=sign)
        for week, first in weeks(days):
            deltas.add("daily_uniques", week_key(tenant, week, first), identified=sign)
