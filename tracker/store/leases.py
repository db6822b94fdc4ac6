"""Leases: of all processes that could do a job, one does it."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from tracker.model import Lease
from tracker.store import bulk

LEASES = Lease.__table__
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def hold(connection: Connection, name: str, holder: str, now: datetime, lasting: timedelta) -> bool:
    """Takes or renews a lease; False while another holder's has not run out."""
    bulk.upsert(connection, LEASES, [{"name": name, "holder": "", "expires_at": _LONG_AGO}], {})
    taken = connection.execute(
        update(LEASES)
        .where(LEASES.c.name == name, or_(LEASES.c.holder == holder, LEASES.c.expires_at < now))
        .values(holder=holder, expires_at=now + lasting)
    )
    return taken.rowcount == 1


def anyone_holds(session: Session, now: datetime) -> bool:
    """Whether the clock runs anywhere: some lease has not run out."""
    return session.scalar(select(exists().where(LEASES.c.expires_at > now))) or False


def release(connection: Connection, holder: str) -> None:
    """Gives up every lease of a holder, so that others need not wait for them to run out."""
    connection.execute(delete(LEASES).where(LEASES.c.holder == holder))
