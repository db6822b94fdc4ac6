"""What a request to link a session says, or every reason why it can't be followed."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tracker.catalog.envelope import Email, OptionalUuid, ShortText
from tracker.catalog.faults import NO_NUL, faults_of
from tracker.catalog.parsing import Refusal


class LinkRequest(BaseModel):
    """The body of the link call."""

    model_config = ConfigDict(extra="forbid")

    session_id: OptionalUuid
    email: Email = None
    user_id: ShortText | None = None


def parse_link(sent: Any, with_key: bool) -> LinkRequest:
    """The request; raises Refusal with everything that is wrong with it."""
    faults, asked = [], None
    try:
        asked = LinkRequest.model_validate(sent)
    except ValidationError as error:
        faults = faults_of(error, "")
    faults += _combination_faults(sent if isinstance(sent, dict) else {}, with_key, bool(faults))
    if faults or asked is None:
        raise Refusal("invalid_link", tuple(faults))
    return asked


def _combination_faults(
    sent: dict[str, Any], with_key: bool, faulty: bool
) -> list[tuple[str, str]]:
    faults = []
    if "session_id" in sent and sent["session_id"] is None:
        faults.append(("session_id", "is required"))
    if not with_key and sent.get("user_id") is not None:
        faults.append(("user_id", "is accepted with a server key only"))
    elif not faulty and sent.get("email") is None and sent.get("user_id") is None:
        faults.append(("email", "is required"))
    if "\0" in str(sent.get("user_id")):
        faults.append(("user_id", NO_NUL))
    return faults
