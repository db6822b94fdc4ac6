"""The day's random salt, shared by all processes through the database."""

import secrets
from datetime import UTC, date, datetime, timedelta
from ipaddress import IPv6Address

from sqlalchemy import Connection, delete, select

from tracker.model import DailySalt
from tracker.store import bulk
from tracker.store.database import Database

KEPT = timedelta(hours=48)


class Salts:
    """Today's salt; a process asks the database once a day."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: tuple[date, str] | None = None

    def today(self) -> str:
        """The salt of the current UTC day, made by whoever needs it first."""
        day = datetime.now(UTC).date()
        if self._known is None or self._known[0] != day:
            with self._database.write() as connection:
                self._known = (day, salt_of(connection, day))
        return self._known[1]


def salt_of(connection: Connection, day: date) -> str:
    """The salt of a day, made by whoever needs it first."""
    row = {"day": day, "salt": secrets.token_hex(32), "created_at": datetime.now(UTC)}
    bulk.upsert(connection, DailySalt.__table__, [row], {})
    return str(connection.execute(select(DailySalt.salt).where(DailySalt.day == day)).scalar_one())


def client_of(address: str) -> str:
    """What of an address tells clients apart: of IPv6 the first 64 bits.

    The other 64 everybody chooses for themselves, anew for each request if need be.
    """
    if ":" not in address:
        return address
    try:
        whole = IPv6Address(address.partition("%")[0])
    except ValueError:  # a proxy may send anything
        return address
    return str(whole.ipv4_mapped or int(whole) >> 64)


def delete_old_salts(connection: Connection) -> int:
    """Forgets salts older than 48 hours; returns how many."""
    old = datetime.now(UTC) - KEPT
    return connection.execute(delete(DailySalt).where(DailySalt.created_at < old)).rowcount
