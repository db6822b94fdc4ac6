"""Which migration the database is at, and which one this code needs."""

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from tracker.config import ROOT


def revision_of(connection: Connection) -> str:
    """The migration the database is at."""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar())


@cache
def newest_revision() -> str:
    """The migration this code needs."""
    return str(ScriptDirectory(str(ROOT / "migrations")).get_current_head())
