"""Reading the audit log."""

from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from tracker.model import AuditEntry
from tracker.store.access import IS_UUID


def entries(
    session: Connection | Session, limit: int, before: str = "", tenant_id: str = ""
) -> list[Any]:
    """The newest entries, from behind the entry `before` on; of one tenant when it is named.

    Ids are ordered by time, so a page stays what it is while new entries come in.
    """
    statement = select(AuditEntry.__table__).order_by(AuditEntry.id.desc()).limit(limit)
    if IS_UUID(before):
        statement = statement.where(AuditEntry.id < before)
    if tenant_id:
        statement = statement.where(AuditEntry.tenant_id == tenant_id)
    return list(session.execute(statement))
