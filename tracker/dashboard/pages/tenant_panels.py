"""The panels of one tenant's page: conversations, documents, and what holds the tenant up."""

from tracker.dashboard.pages.business import DEFLECTION, PLANS, behind
from tracker.dashboard.panels import Chart, Column, Kind, Series, Table
from tracker.metrics import conversations, custom_events, ingestion, plans, reliability, sampling

CONVERSATIONS = (
    Chart(
        name="daily-conversations",
        title="Conversations by day",
        metric=conversations.daily_conversations,
        sampled=("conversation_started",),
        settled=True,
        unit="conversations",
        series=(Series("conversations", "Conversations", "people"),),
        empty="conversation_started",
    ),
    Chart(
        name="escalation-rate",
        title="Handed to a person, by the day the conversation started",
        metric=conversations.cohorts,
        sampled=("conversation_started", "escalation_triggered"),
        note=DEFLECTION + " Recent days may still rise.",
        settled=True,
        rate=True,
        series=(Series("escalation_rate", "Escalated", "bad"),),
        empty="escalation_triggered",
    ),
    Table(
        name="escalations",
        title="Why conversations were handed over",
        metric=conversations.escalations,
        sampled=("escalation_triggered",),
        half=True,
        link=behind("escalation_triggered", "{reason}"),
        columns=(
            Column("reason", "Reason"),
            Column("escalations", "Escalations", Kind.BAR),
            Column("share", "Share", n="of_escalations"),
        ),
        empty="escalation_triggered",
    ),
    Table(
        name="messages",
        title="Messages",
        metric=conversations.messages,
        sampled=("message_sent", "conversation_started"),
        half=True,
        link=behind("message_sent", "{role}"),
        columns=(
            Column("role", "Written by", words=(("user", "People"), ("assistant", "Assistant"))),
            Column("messages", "Messages", Kind.BAR),
            Column("per_conversation", "For each conversation", Kind.DECIMAL),
        ),
        empty="message_sent",
    ),
)

DOCUMENTS = (
    Table(
        name="ingestion",
        title="Documents read, by type of source",
        metric=ingestion.ingestion,
        settled=True,
        columns=(
            Column("source_type", "Source"),
            Column("started", "Started", Kind.BAR),
            Column("completed", "Completed", minor=True),
            Column("failed", "Failed", link=behind("ingest_failed", "{source_type}")),
            Column("docs", "Documents", minor=True),
            Column("chunks", "Chunks", minor=True),
            Column("p50_s", "Half within"),
            Column("p95_s", "95 % within"),
        ),
        empty="ingest_started",
    ),
    Chart(
        name="daily-ingestion",
        title="Documents read by day",
        metric=ingestion.daily_ingestion,
        half=True,
        unit="documents",
        series=(Series("docs", "Documents", "searches"),),
        empty="ingest_completed",
    ),
    Table(
        name="ingest-errors",
        title="Why reading failed",
        metric=ingestion.ingest_errors,
        half=True,
        link=behind("ingest_failed", "{error_code}"),
        columns=(
            Column("error_code", "Error", Kind.CODE),
            Column("source_type", "Source"),
            Column("failures", "Failures", Kind.BAR),
        ),
        empty="ingest_failed",
    ),
)

LIMITS = (
    Table(
        name="integrations",
        title="Integrations",
        metric=reliability.integrations,
        sampled=("integration_succeeded", "integration_failed"),
        link="/feed/{tenant}?q={integration_id}",
        columns=(
            Column("integration_id", "Integration"),
            Column("type", "Type", minor=True),
            Column(
                "succeeded",
                "Worked",
                Kind.BAR,
                link=behind("integration_succeeded", "{integration_id}"),
            ),
            Column("failed", "Failed", link=behind("integration_failed", "{integration_id}")),
            Column("success_rate", "Success", n="calls"),
            Column("top_error", "Most frequent error", Kind.CODE, minor=True),
        ),
        empty="integration_succeeded",
    ),
    Table(
        name="quotas",
        title="Limits run into",
        metric=reliability.quotas,
        sampled=("quota_exceeded",),
        half=True,
        link=behind("quota_exceeded", "{quota_type}"),
        columns=(
            Column("quota_type", "Limit"),
            Column("rejections", "Turned away", Kind.BAR),
            Column("days", "On days"),
            Column("last_day", "Last"),
        ),
        empty="quota_exceeded",
    ),
    PLANS,
    Table(
        name="checkouts",
        title="Checkouts",
        metric=plans.checkouts,
        half=True,
        link=behind("checkout_completed", "{plan}"),
        columns=(Column("plan", "Plan"), Column("checkouts", "Checkouts", Kind.BAR)),
        empty="checkout_completed",
    ),
    Table(
        name="custom-events",
        title="Custom events, outside the catalog",
        metric=custom_events.custom_events,
        sampled=(sampling.CUSTOM,),
        half=True,
        link="/feed/{tenant_id}?type={event_type}",
        columns=(
            Column("event_type", "Type", Kind.CODE),
            Column("events", "Events", Kind.BAR),
            Column("last_day", "Last"),
        ),
    ),
)
