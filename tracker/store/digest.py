"""The weekly digest on its way out: each week once, to every recipient, through the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import NAMESPACE_URL, uuid5

import orjson
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from tracker.model import Destination, Digest
from tracker.store import bulk
from tracker.store.access import audit
from tracker.store.deliveries import CLOCK, Message, enqueue

PURPOSE = "digest"
DIGESTS = Digest.__table__
DESTINATIONS = Destination.__table__


@dataclass(frozen=True)
class Mail:
    """A mail in its two forms."""

    subject: str
    text: str
    html: str


def is_sent(session: Session, week: date) -> bool:
    """Whether the digest of the week that begins on this Monday went out."""
    found = session.execute(select(DIGESTS.c.week).where(DIGESTS.c.week == week)).first()
    return found is not None


def send_digest(connection: Connection, week: date, recipients: Sequence[str], mail: Mail) -> bool:
    """Puts the week's digest into the outbox for every recipient; False if that was done before.

    The week is written down in the same transaction, so that it goes out once, whoever asks.
    """
    now = datetime.now(UTC)
    row = {"week": week, "recipients": len(recipients), "enqueued_at": now}
    if not bulk.insert_new(connection, DIGESTS, [row]):
        return False
    bulk.insert_new(connection, DESTINATIONS, [_destination(one, now) for one in recipients])
    body = orjson.dumps({"subject": mail.subject, "text": mail.text, "html": mail.html}).decode()
    message_id = f"digest-{week.isoformat()}"
    enqueue(
        connection,
        [Message(_id(one), None, f"{message_id}-{_id(one)}", PURPOSE, body) for one in recipients],
    )
    audit(connection, CLOCK, "digest.send", None, week=week.isoformat(), recipients=len(recipients))
    return True


def _destination(address: str, now: datetime) -> dict[str, object]:
    return {
        "id": _id(address),
        "tenant_id": None,
        "purpose": PURPOSE,
        "kind": "smtp",
        "name": "Weekly digest",
        "address": address,
        "sealed_secret": None,
        "event_types": [],
        "created_at": now,
    }


def _id(address: str) -> str:
    """One destination for each address, whenever it is named."""
    return str(uuid5(NAMESPACE_URL, f"digest/{address}"))
