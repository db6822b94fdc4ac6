"""Who came: sessions, how far they got, and whether they came back."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from tracker.metrics.busiest import busiest
from tracker.metrics.condition import Condition, Sessions
from tracker.metrics.listing import listing
from tracker.metrics.once import once
from tracker.metrics.people_days import STEPS
from tracker.metrics.people_filters import conditions, number_of
from tracker.metrics.ratio import ratio
from tracker.metrics.rollups import once_each
from tracker.metrics.scope import Listing, Scope
from tracker.model import DailyUniques, Identity, SessionDay
from tracker.model.rollups import NEVER

_MOST_KEYS = 500
"""Of more sessions than this the database is asked about all rather than about each."""

_FEW = 5_000
"""Sessions that are added up as quickly as the busiest of them are looked for."""

_MOST_LOOKED_AT = 1_000
"""Busy sessions to expect to look at for a slice, above which adding up all is cheaper."""

_SHORTEST = timedelta(weeks=7)
"""Over less time than this nobody can be seen to come back."""


class Visitors(NamedTuple):
    """One row: the sessions of the period, and what is known of them."""

    sessions: int
    identified_sessions: int
    identified_rate: float | None
    returning_sessions: int
    returning_rate: float | None


class Step(NamedTuple):
    """How many sessions got as far as this."""

    step: str
    sessions: int
    share: float | None


class SessionRow(NamedTuple):
    """What one session did in the period, and whose it is."""

    session_id: str
    email: str | None
    user_id: str | None
    first_seen: datetime
    last_seen: datetime
    events: int
    searches: int
    clicks: int


class Return(NamedTuple):
    """Of the sessions that first came in one week, those that came in a later one."""

    first_week: date
    weeks_later: int
    sessions: int
    returned: int
    share: float | None

    @property
    def monday(self) -> date:
        """The later week's first day."""
        return self.first_week + timedelta(weeks=self.weeks_later)

    @property
    def sunday(self) -> date:
        """The later week's last day."""
        return self.monday + timedelta(days=6)


@once
def visitors(session: Session, scope: Scope) -> list[Visitors]:
    """The sessions with an event in the period; each counts once.

    Identified are those with an e-mail address or a user, however late it was linked.
    Returning are those with an event before the period, as far back as events are held. Both
    rates are over all sessions; without one there is none. Source: daily_uniques.
    """
    again = func.sum(DailyUniques.members).filter(DailyUniques.prev_day > NEVER)
    counts = session.execute(_distinct(scope, ("session",)).add_columns(again)).first()
    _, sessions, identified, returning = counts or ("", 0, 0, 0)
    row = (int(sessions), int(identified), int(returning or 0))
    return [Visitors(row[0], row[1], ratio(row[1], row[0]), row[2], ratio(row[2], row[0]))]


def _distinct(scope: Scope, kinds: Collection[str]) -> Select[*tuple[Any, ...]]:
    """Kind, distinct members and identified ones of the period: on their first day in it."""
    members, identified = func.sum(DailyUniques.members), func.sum(DailyUniques.identified)
    statement = (
        select(DailyUniques.kind, members, identified)
        .where(DailyUniques.kind.in_(kinds), DailyUniques.key == "")
        .group_by(DailyUniques.kind)
    )
    return once_each(statement, scope)


def funnel(session: Session, scope: Scope) -> list[Step]:
    """How far the period's sessions got; each step contains the next.

    Sessions that had any event; of those, that set a filter or searched; of those, that
    clicked a card, in the period and in whatever order; of those, that were identified by an
    e-mail address or a user, however late. The share is of the first step.
    Source: daily_uniques.
    """
    kinds = ("session", "engaged", "clicked", "active")
    counts = {
        kind: (int(members), int(identified))
        for kind, members, identified in session.execute(_distinct(scope, kinds))
    }
    came, engaged, clicked, active = (counts.get(kind, (0, 0)) for kind in kinds)
    # Whoever did both is in `engaged` and in `clicked`, but once in `active`
    both, known = (engaged[n] + clicked[n] - active[n] for n in (0, 1))
    sessions = (came[0], engaged[0], both, known)
    return [Step(step, n, ratio(n, came[0])) for step, n in zip(STEPS, sessions, strict=True)]


def sessions(session: Session, scope: Scope) -> Listing[SessionRow]:
    """The sessions with an event in the period, and what they did in it, most events first.

    First and last seen, events, searches and clicks are those of the period's days. The e-mail
    address and user are what the session was linked to, whenever that was. A session is one
    browser, until its storage is cleared. Source: session_days, identities; their number where
    nothing or one thing is asked of them: daily_uniques.
    """
    wanted = conditions(scope)
    found = _busiest(session, scope, wanted)
    if found is None:
        order = ("-events", "session_id", "tenant_id")
        statement = _sessions(scope, [_found_by(session, one) for one in wanted])
        found = listing(session, scope, statement, lambda *row: row, order=order)
    owners = _owners(session, scope, [row[1] for row in found.rows])
    nobody = (None, None)
    return Listing(
        [
            SessionRow(row[1], *owners.get(row[:2], nobody), *row[2:4], *map(int, row[4:]))
            for row in found.rows
        ],
        found.total,
    )


def _busiest(
    session: Session, scope: Scope, wanted: Sequence[Condition]
) -> Listing[tuple[Any, ...]] | None:
    """The slice of the sessions by events, without adding up all; None when that must be."""
    holds = [condition.holds for condition in wanted if condition.holds is not None]
    if scope.sort not in ("", "-events") or len(holds) < len(wanted):
        return None
    everyone = visitors(session, scope)[0].sessions
    total = number_of(session, wanted) if wanted else everyone
    end = scope.offset + scope.limit
    if wanted and (total <= _FEW or end * everyone > _MOST_LOOKED_AT * total):
        return None
    top = busiest(session, scope, end, holds)
    if top is None:
        return None
    chosen = [row.session_id for row in top[scope.offset :]]
    rows = session.execute(_sessions(scope).where(SessionDay.session_id.in_(chosen))).all()
    places = {(row.tenant_id, row.session_id): n for n, row in enumerate(top[scope.offset :])}
    listed = sorted(
        (tuple(row) for row in rows if row[:2] in places), key=lambda row: places[row[:2]]
    )
    return Listing(listed, total)


def _found_by(session: Session, condition: Condition) -> Sessions:
    """All sessions that fulfil a condition, by the faster way."""
    if condition.few is not None and number_of(session, [condition]) <= _FEW:
        return condition.few
    return condition.sessions


def _sessions(scope: Scope, among: Sequence[Sessions] = ()) -> Select[*tuple[Any, ...]]:
    statement = (
        select(
            SessionDay.tenant_id,
            SessionDay.session_id,
            func.min(SessionDay.first_at).label("first_seen"),
            func.max(SessionDay.last_at).label("last_seen"),
            *(_total(name) for name in ("events", "searches", "clicks")),
        )
        .where(SessionDay.tenant_id.in_(scope.tenants))
        .where(SessionDay.day.between(scope.first, scope.last))
        .group_by(SessionDay.tenant_id, SessionDay.session_id)
        .having(func.sum(SessionDay.events) > 0)
    )
    for sessions in among:
        chosen = sessions.subquery()
        statement = statement.join(
            chosen,
            (chosen.c.tenant_id == SessionDay.tenant_id)
            & (chosen.c.session_id == SessionDay.session_id),
        )
    return statement


def _total(name: str) -> ColumnElement[Any]:
    return func.sum(getattr(SessionDay, name)).label(name)


def _owners(
    session: Session, scope: Scope, ids: Collection[str]
) -> dict[tuple[str, str], tuple[str | None, str | None]]:
    """The e-mail address and user of those sessions that have any, by tenant and session."""
    columns = (Identity.tenant_id, Identity.session_id, Identity.email, Identity.user_id)
    statement = select(*columns).where(Identity.tenant_id.in_(scope.tenants))
    if len(ids) <= _MOST_KEYS:
        statement = statement.where(Identity.session_id.in_(ids))
    return {(row[0], row[1]): (row[2], row[3]) for row in session.execute(statement)}


def returns(session: Session, scope: Scope) -> list[Return]:
    """Who came back: of the sessions that first came in a week, how many came in each later one.

    A week starts on Monday; a session belongs to the first week in which it had an event, as
    far back as events are held, and counts once in every later week with another event. The
    share is of the sessions of that first week. Weeks without a new session are left out. At
    least seven weeks, ending with the period; the last may not be over. Source: daily_uniques.
    """
    start = min(scope.first, scope.last - _SHORTEST)
    mondays = _mondays(start, scope.last)
    counts = _by_week(session, scope, mondays[0])
    return [
        Return(first, later, new, returned, returned / new)
        for n, first in enumerate(mondays)
        if (new := counts.get((first, first), 0))
        for later, week in enumerate(mondays[n + 1 :], start=1)
        for returned in [counts.get((first, week), 0)]
    ]


def _mondays(first: date, last: date) -> list[date]:
    monday = first - timedelta(days=first.weekday())
    return [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]


def _by_week(session: Session, scope: Scope, start: date) -> dict[tuple[date, date], int]:
    """Active sessions by their first week and the week, both from `start` on."""
    members = func.sum(DailyUniques.members)
    statement = (
        select(DailyUniques.key, DailyUniques.day, members)
        .where(DailyUniques.tenant_id.in_(scope.tenants), DailyUniques.kind == "week")
        .where(DailyUniques.day.between(start, scope.last))
        .where(DailyUniques.key >= start.isoformat())
        .group_by(DailyUniques.key, DailyUniques.day)
        .having(members > 0)
    )
    return {(date.fromisoformat(key), day): int(n) for key, day, n in session.execute(statement)}
