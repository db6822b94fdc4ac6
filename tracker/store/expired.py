"""What has expired: of everyone, and of the tenants that chose to keep less."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from tracker.model import (
    Delivery,
    Destination,
    Event,
    Identity,
    IngestWarning,
    SessionDay,
    Settled,
    Tenant,
    TripAttempt,
)
from tracker.store.settings import shorter_retentions

IDENTITIES, SESSION_DAYS = Identity.__table__, SessionDay.__table__


@dataclass(frozen=True)
class Cutoff:
    """What is expired: days before `day`, and what happened or was written before `moment`.

    Of these `tenants`, or of all when none is named.
    """

    day: date
    moment: datetime
    tenants: tuple[str, ...] = ()

    def covers(self, tenant_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a row is of these tenants; where all are meant, of one or of none."""
        return tenant_id.in_(self.tenants) if self.tenants else true()


def cutoffs(session: Session, now: datetime, zone: ZoneInfo, retention_days: int) -> list[Cutoff]:
    """What is expired for all tenants, then for those that chose to keep less."""
    everyone = cutoff(now, zone, retention_days)
    shorter = [
        replace(cutoff(now, zone, days), tenants=tenants)
        for days, tenants in shorter_retentions(session, retention_days).items()
    ]
    return [everyone, *shorter]


def cutoff(now: datetime, zone: ZoneInfo, retention_days: int) -> Cutoff:
    """A day expires when all of it is older than the retention."""
    day = now.astimezone(zone).date() - timedelta(days=retention_days)
    return Cutoff(day, datetime.combine(day, datetime.min.time(), zone))


@dataclass(frozen=True)
class Aged:
    """The rows of a table that go by their age alone.

    They are found owner by owner, the oldest first: so an index leads to them, however much else
    the table holds.
    """

    table: Table
    owners: Select[Any]
    owner: ColumnElement[Any]
    age: ColumnElement[Any]
    before: date | datetime
    copied: ColumnElement[bool] | None = None
    """Whether it goes with a row that it is a copy of."""

    def oldest(self, owner: str, limit: int) -> Select[Any]:
        """The keys of some of an owner's."""
        aged = and_(self.owner == owner, self.age < self.before)
        return select(*self.table.primary_key).where(aged).order_by(self.age).limit(limit)

    @property
    def condition(self) -> ColumnElement[bool]:
        aged = self.age < self.before
        goes = aged if self.copied is None else or_(aged, self.copied)
        return and_(self.owner.in_(self.owners), goes)


def by_age(expired: Cutoff) -> Iterator[Aged]:
    """All rows that go by their age."""
    tenants = select(Tenant.id).where(expired.covers(Tenant.__table__.c.id))
    # What has been settled stays counted; without this it would be taken back.
    for model in (Settled, Event, TripAttempt, IngestWarning):
        table = model.__table__
        is_event = model is Event
        age = table.c.occurred_at if is_event else table.c.day
        before = expired.moment if is_event else expired.day
        yield Aged(table, tenants, table.c.tenant_id, age, before)
    owners = Destination.__table__
    destinations = select(owners.c.id).where(expired.covers(owners.c.tenant_id))
    sent = Delivery.__table__
    event = Event.__table__.c
    copied = exists().where(
        event.tenant_id == sent.c.tenant_id,
        cast(event.id, String) == sent.c.message_id,
        expired.covers(event.tenant_id),
        event.occurred_at < expired.moment,
    )
    age = sent.c.created_at
    yield Aged(sent, destinations, sent.c.destination_id, age, expired.moment, copied)


def would_expire(session: Session, *expired: Cutoff) -> dict[str, int]:
    """How many rows of each table would go now; of those that name somebody, the identities."""
    found: dict[str, int] = {}
    for same in zip(*map(by_age, expired), strict=True):
        found[same[0].table.name] = _count(session, same[0].table, [one.condition for one in same])
    found[IDENTITIES.name] = _count(session, IDENTITIES, [*map(has_no_day_left, expired)])
    return found


def _count(session: Session, table: Table, conditions: Sequence[ColumnElement[bool]]) -> int:
    rows = select(func.count()).select_from(table).where(or_(*conditions))
    return int(session.execute(rows).scalar_one())


def has_no_day_left(expired: Cutoff) -> ColumnElement[bool]:
    """Whether an identity is of a session that has no day left, or has never had an event."""
    days = exists().where(*_of_its_session(SESSION_DAYS))
    lasting = exists().where(*_of_its_session(SESSION_DAYS), SESSION_DAYS.c.day >= expired.day)
    return and_(expired.covers(IDENTITIES.c.tenant_id), ~lasting, or_(days, left_behind(expired)))


def left_behind(expired: Cutoff) -> ColumnElement[bool]:
    """Whether an identity's session never had an event, and was linked before events expire."""
    return and_(
        expired.covers(IDENTITIES.c.tenant_id),
        IDENTITIES.c.linked_at < expired.moment,
        ~exists().where(*_of_its_session(SESSION_DAYS)),
        ~exists().where(*_of_its_session(Event.__table__)),
    )


def _of_its_session(table: Table) -> tuple[ColumnElement[bool], ...]:
    """That a row is of an identity's session."""
    return tuple(table.c[name] == IDENTITIES.c[name] for name in ("tenant_id", "session_id"))
