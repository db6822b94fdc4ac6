"""Who waits for whom while writing.

SQLite has one writer at a time and needs none of this. On PostgreSQL writers run side by
side: those that touch the same session, request or person wait for each other, in one order
so that no two wait for each other; and `barrier` waits for all of them.
"""

import zlib
from collections.abc import Iterable

from sqlalchemy import Connection, text

_BARRIER, _SESSIONS, _PEOPLE, _DEMANDS, _MIGRATIONS = 730, 731, 732, 733, 734
_JOIN = f"SELECT pg_advisory_xact_lock_shared({_BARRIER}, 0), " + ", ".join(
    f"set_config('enable_{way}', 'off', true)" for way in ("seqscan", "hashjoin", "mergejoin")
)
_BUCKETS = 1 << 14  # bounds the locks held, which PostgreSQL keeps in shared memory


def join_writers(connection: Connection) -> None:
    """Waits while someone holds the barrier. Comes first in a transaction that writes by keys.

    Until PostgreSQL has counted a young table it takes it for empty, and would read all of it
    for each look-up of a few keys; so it is told to look them up.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(_JOIN))


def barrier(connection: Connection) -> None:
    """Keeps every other writer out until the end of the transaction."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_BARRIER}, 0)"))


def lock_migrations(connection: Connection) -> None:
    """Lets one migrate at a time. The next one finds nothing left to do."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATIONS}, 0)"))


def lock_sessions(connection: Connection, names: Iterable[str]) -> None:
    """Locks sessions and requests by id. Comes before `lock_people`."""
    _lock(connection, _SESSIONS, names)


def lock_people(connection: Connection, emails: Iterable[str]) -> None:
    """Locks people by e-mail address."""
    _lock(connection, _PEOPLE, emails)


def lock_demands(connection: Connection, tenant_id: str) -> None:
    """Locks a tenant's demand ledger. Comes after all other locks."""
    _lock(connection, _DEMANDS, [tenant_id])


def _lock(connection: Connection, group: int, names: Iterable[str]) -> None:
    if connection.dialect.name != "postgresql":
        return
    buckets = sorted({zlib.crc32(name.encode()) % _BUCKETS for name in names})
    if buckets:
        connection.execute(
            text(
                "SELECT pg_advisory_xact_lock(:group, bucket)"
                " FROM unnest(CAST(:buckets AS integer[])) AS bucket"
            ),
            {"group": group, "buckets": buckets},
        )
