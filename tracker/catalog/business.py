"""What happens in the product, tenant by tenant. Servers only; unknown keys are refused."""

from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from tracker.catalog.base import BUSINESS_PAYLOAD_LIMIT, Columns, EventType
from tracker.catalog.text import redact

Name = Annotated[str, Field(min_length=1, max_length=200)]
Url = Annotated[str, Field(min_length=1, max_length=2000)]
Number = Annotated[float, Field(ge=0, le=1e15)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]

SUBJECT_LIMIT = 500
"""Characters of the column that starts and outcomes are paired by."""


class Business(EventType):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    writer: ClassVar[Literal["browser", "server"]] = "server"
    payload_limit: ClassVar[int] = BUSINESS_PAYLOAD_LIMIT
    free_text: ClassVar[tuple[str, ...]] = ()
    """Fields that people or programs write words into."""

    @classmethod
    def redacted(cls, sent: dict[str, Any], phone_region: str) -> dict[str, Any]:
        """As sent, but for undefined values and for personal data in free text."""
        fields = cls.model_fields
        kept = {
            key: value
            for key, value in sent.items()
            if value is not None or key not in fields or fields[key].is_required()
        }
        for name in cls.free_text:
            if isinstance(kept.get(name), str):
                kept[name] = redact(kept[name], phone_region)
        return kept


class OfConversation(Business):
    """An event of one conversation, which is settled as a whole, and kept or left out as one."""

    samplable: ClassVar[bool] = True

    conversationId: Name

    def columns(self) -> Columns:
        return {"subject": self.conversationId}

    def sample_key(self) -> str:
        return self.conversationId


class ConversationStarted(OfConversation):
    """Someone began to talk to the tenant's assistant."""

    name: ClassVar[str] = "conversation_started"
    domain: ClassVar[str] = "Conversation"
    example: ClassVar[dict[str, Any]] = {"sessionId": "s_1f9c", "conversationId": "c_7041"}

    sessionId: Name


class MessageSent(OfConversation):
    """A message of a conversation, from the user or the assistant. May be sampled."""

    name: ClassVar[str] = "message_sent"
    domain: ClassVar[str] = "Conversation"
    example: ClassVar[dict[str, Any]] = {
        "conversationId": "c_7041",
        "role": "assistant",
        "confidence": 0.82,
    }

    role: Literal["user", "assistant"]
    confidence: Annotated[float, Field(ge=0, le=1)] | None = None


class EscalationTriggered(OfConversation):
    """A conversation was handed to a person, and why."""

    name: ClassVar[str] = "escalation_triggered"
    domain: ClassVar[str] = "Escalation"
    example: ClassVar[dict[str, Any]] = {
        "conversationId": "c_7041",
        "reason": "low_confidence",
        "integrationId": "zendesk_1",
    }
    free_text: ClassVar[tuple[str, ...]] = ("reason",)
    # A conversation that is kept without its escalation would count as never escalated.
    samplable: ClassVar[bool] = False

    reason: Name
    integrationId: Name | None = None


class PlanUpdated(Business):
    """A tenant changed its plan, or the plan's status changed."""

    name: ClassVar[str] = "plan_updated"
    domain: ClassVar[str] = "Billing"
    example: ClassVar[dict[str, Any]] = {
        "previousPlan": "starter",
        "newPlan": "team",
        "status": "active",
    }

    previousPlan: Name | None
    newPlan: Name | None
    status: Name


class CheckoutCompleted(Business):
    """A tenant finished a checkout."""

    name: ClassVar[str] = "checkout_completed"
    domain: ClassVar[str] = "Billing"
    example: ClassVar[dict[str, Any]] = {"plan": "team", "stripeSessionId": "cs_test_81f2"}

    plan: Name
    stripeSessionId: Name


class OfSource(Business):
    """An event of one source of documents; a start is paired with its outcome."""

    sourceType: Name
    url: Url

    def columns(self) -> Columns:
        subject = f"{self.sourceType} {self.url}"
        if len(subject) > SUBJECT_LIMIT:  # signed URLs begin alike and differ at the very end
            digest = blake2b(subject.encode(), digest_size=20).hexdigest()
            subject = subject[: SUBJECT_LIMIT - len(digest)] + digest
        return {"subject": subject}


class IngestStarted(OfSource):
    """The product began to read a source of documents."""

    name: ClassVar[str] = "ingest_started"
    domain: ClassVar[str] = "Ingestion"
    example: ClassVar[dict[str, Any]] = {"sourceType": "website", "url": "https://example.com/help"}


class IngestCompleted(OfSource):
    """A source of documents was read."""

    name: ClassVar[str] = "ingest_completed"
    domain: ClassVar[str] = "Ingestion"
    example: ClassVar[dict[str, Any]] = {
        "sourceType": "website",
        "url": "https://example.com/help",
        "docs": 42,
        "chunks": 913,
    }

    docs: Count
    chunks: Count


class IngestFailed(OfSource):
    """A source of documents could not be read, and why."""

    name: ClassVar[str] = "ingest_failed"
    domain: ClassVar[str] = "Ingestion"
    example: ClassVar[dict[str, Any]] = {
        "sourceType": "website",
        "url": "https://example.com/help",
        "errorCode": "HTTP_403",
    }
    free_text: ClassVar[tuple[str, ...]] = ("errorCode",)

    errorCode: Name


class IntegrationSucceeded(Business):
    """A call to a tenant's integration worked."""

    name: ClassVar[str] = "integration_succeeded"
    domain: ClassVar[str] = "Integrations"
    example: ClassVar[dict[str, Any]] = {"integrationId": "zendesk_1", "type": "ticketing"}
    samplable: ClassVar[bool] = True

    integrationId: Name
    type: Name


class IntegrationFailed(Business):
    """A call to a tenant's integration failed, and why."""

    name: ClassVar[str] = "integration_failed"
    domain: ClassVar[str] = "Integrations"
    example: ClassVar[dict[str, Any]] = {
        "integrationId": "zendesk_1",
        "type": "ticketing",
        "errorCode": "AUTH_EXPIRED",
    }
    free_text: ClassVar[tuple[str, ...]] = ("errorCode",)
    samplable: ClassVar[bool] = True

    integrationId: Name
    type: Name
    errorCode: Name


class QuotaExceeded(Business):
    """A tenant asked for more than its plan allows and was turned away."""

    name: ClassVar[str] = "quota_exceeded"
    domain: ClassVar[str] = "Limits"
    example: ClassVar[dict[str, Any]] = {"quotaType": "messages", "limit": 1000, "attempted": 1001}
    samplable: ClassVar[bool] = True

    quotaType: Name
    limit: Number
    attempted: Number


TYPES = (
    ConversationStarted,
    MessageSent,
    EscalationTriggered,
    PlanUpdated,
    CheckoutCompleted,
    IngestStarted,
    IngestCompleted,
    IngestFailed,
    IntegrationSucceeded,
    IntegrationFailed,
    QuotaExceeded,
)
