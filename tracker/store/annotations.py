"""Notes on days: written and deleted by operators, each change with its audit entry."""

from datetime import UTC, date, datetime

from sqlalchemy import Connection, delete, insert, select
from uuid_utils import uuid7

from tracker.model import Annotation
from tracker.store.access import IS_UUID, audit, require_tenant

LONGEST = 200
EARLIEST, LATEST = date(2000, 1, 1), date(2999, 12, 31)

ANNOTATIONS = Annotation.__table__


class AnnotationError(ValueError):
    """A note that can't be kept; the message is a sentence for whoever wrote it."""


def annotate(connection: Connection, tenant_id: str, day: date, text: str, author: str) -> str:
    """Keeps a note on a day of a tenant; returns its id."""
    words = " ".join(text.split())
    if not words or len(words) > LONGEST:
        raise AnnotationError(f"A note has 1 to {LONGEST} characters.")
    if not EARLIEST <= day <= LATEST:
        raise AnnotationError(f"The day must be between {EARLIEST} and {LATEST}.")
    require_tenant(connection, tenant_id)
    note_id = str(uuid7())
    connection.execute(
        insert(ANNOTATIONS).values(
            id=note_id,
            tenant_id=tenant_id,
            day=day,
            text=words,
            author=author,
            created_at=datetime.now(UTC),
        )
    )
    detail = {"annotation": note_id, "day": day.isoformat()}
    audit(connection, author, "annotation.create", tenant_id, **detail)
    return note_id


def delete_annotation(connection: Connection, tenant_id: str, note_id: str, actor: str) -> None:
    """Takes a tenant's note away. AnnotationError when it has no such note."""
    if not IS_UUID(note_id):
        raise AnnotationError("There is no such note any more.")
    one = (ANNOTATIONS.c.tenant_id == tenant_id, ANNOTATIONS.c.id == note_id)
    day = connection.execute(select(ANNOTATIONS.c.day).where(*one).with_for_update()).scalar()
    if day is None:
        raise AnnotationError("There is no such note any more.")
    connection.execute(delete(ANNOTATIONS).where(*one))
    detail = {"annotation": note_id, "day": day.isoformat()}
    audit(connection, actor, "annotation.delete", tenant_id, **detail)
