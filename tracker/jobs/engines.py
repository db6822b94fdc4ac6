"""The clock's own connections, opened when needed and shared with no request."""

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from tracker.config import Settings
from tracker.store.database import Database


def own_database(settings: Settings) -> Database:
    """The database on engines without a pool: no lock is shared with the web's threads."""
    reader, writer = (
        create_engine(settings.database_url, poolclass=NullPool, hide_parameters=True)
        for _ in range(2)
    )
    return Database(reader=reader, writer=writer)
