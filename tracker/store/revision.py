"""Which migration the database is at, and which one this code needs."""

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from tracker.config import ROOT
from tracker.store.access import AccessError, require_tenant
from tracker.store.database import Database


def misfit(database: Database, default_tenant: str) -> str | None:
    """Why this release can't work with the database; None when it can."""
    try:
        with database.reader.connect() as connection:
            if revision_of(connection) != newest_revision():
                return "the database is not migrated: run flask db upgrade"
            require_tenant(connection, default_tenant)
    except AccessError:
        return "TRACKER_DEFAULT_TENANT is no tenant yet: run flask db upgrade"
    except (SQLAlchemyError, OSError):
        return "the database does not answer or is not migrated"
    return None


def revision_of(connection: Connection) -> str:
    """The migration the database is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


@cache
def newest_revision() -> str:
    """The migration this code needs."""
    return str(ScriptDirectory(str(ROOT / "migrations")).get_current_head())
