"""/business/<tenant>: one tenant's conversations, documents, integrations, limits and plans."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask
from tracker.dashboard.formats import rate
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.pages.business import DEFLECTION
from tracker.dashboard.pages.feed import ACTIVITY
from tracker.dashboard.panels import Chart, Column, Kind, Series, Stat, Stats, Table
from tracker.dashboard.wording import count, moved
from tracker.metrics import business, conversations, custom_events, ingestion, plans, reliability
from tracker.metrics.scope import Scope

_FLAKY = 0.9
"""An integration that works less often than this, over enough calls, is called out."""

_ENOUGH = 20


def opening(session: Session, scope: Scope) -> Sentence:
    """How many conversations there were, how many needed a person, and what does not work."""
    now = ask(business.totals, session, scope)[0]
    if not now.tenants:
        return say("This tenant sent no business event in this period.")
    before = ask(business.totals, session, scope.previous())[0]
    if now.escalation_rate is None:
        first = say("There were no conversations.")
    else:
        first = say(
            "There {was} {n}, {rate} of them handed to a person{trend}.",
            was="was" if now.conversations == 1 else "were",
            n=Linked(count(now.conversations, "conversation"), "#daily-conversations"),
            rate=Linked(rate(now.escalation_rate), "#escalations"),
            trend=moved(now.escalation_rate, before.escalation_rate),
        )
    return Sentence((*first.parts, " ", *_trouble(session, scope, now).parts))


def _trouble(session: Session, scope: Scope, now: business.Totals) -> Sentence:
    """The first of what is going wrong: an integration, ingestion, a limit."""
    for row in ask(reliability.integrations, session, scope):
        works = row.success_rate
        if row.succeeded + row.failed >= _ENOUGH and works is not None and works < _FLAKY:
            return say(
                "The integration {name} works only {rate} of the time{why}.",
                name=Linked(row.integration_id, "#integrations"),
                rate=rate(works),
                why=f", mostly for {row.top_error}" if row.top_error else "",
            )
    if now.ingest_failures:
        times = count(now.ingest_failures, "time")
        return say("Reading documents failed {n}.", n=Linked(times, "#ingestion"))
    if now.quota_rejections:
        times = count(now.quota_rejections, "time")
        return say("A limit turned it away {n}.", n=Linked(times, "#quotas"))
    return say("Nothing failed.")


_CONVERSATIONS = (
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
        columns=(
            Column("reason", "Reason"),
            Column("escalations", "Escalations", Kind.BAR),
            Column("share", "Share"),
        ),
        empty="escalation_triggered",
    ),
    Table(
        name="messages",
        title="Messages",
        metric=conversations.messages,
        sampled=("message_sent", "conversation_started"),
        half=True,
        columns=(
            Column("role", "Written by", words=(("user", "People"), ("assistant", "Assistant"))),
            Column("messages", "Messages", Kind.BAR),
            Column("per_conversation", "For each conversation", Kind.DECIMAL),
        ),
        empty="message_sent",
    ),
)

_DOCUMENTS = (
    Table(
        name="ingestion",
        title="Documents read, by type of source",
        metric=ingestion.ingestion,
        settled=True,
        columns=(
            Column("source_type", "Source"),
            Column("started", "Started", Kind.BAR),
            Column("completed", "Completed", minor=True),
            Column("failed", "Failed"),
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
        columns=(
            Column("error_code", "Error", Kind.CODE),
            Column("source_type", "Source"),
            Column("failures", "Failures", Kind.BAR),
        ),
        empty="ingest_failed",
    ),
)

_LIMITS = (
    Table(
        name="integrations",
        title="Integrations",
        metric=reliability.integrations,
        sampled=("integration_succeeded", "integration_failed"),
        columns=(
            Column("integration_id", "Integration"),
            Column("type", "Type", minor=True),
            Column("succeeded", "Worked", Kind.BAR),
            Column("failed", "Failed"),
            Column("success_rate", "Success"),
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
        columns=(
            Column("quota_type", "Limit"),
            Column("rejections", "Turned away", Kind.BAR),
            Column("days", "On days"),
            Column("last_day", "Last"),
        ),
        empty="quota_exceeded",
    ),
    Table(
        name="plans",
        title="Changes of plan",
        metric=plans.plans,
        half=True,
        columns=(
            Column("previous_plan", "From"),
            Column("new_plan", "To"),
            Column("status", "Status"),
            Column("changes", "Changes", Kind.BAR),
            Column("last_day", "Last"),
        ),
        empty="plan_updated",
    ),
    Table(
        name="checkouts",
        title="Checkouts",
        metric=plans.checkouts,
        half=True,
        columns=(Column("plan", "Plan"), Column("checkouts", "Checkouts", Kind.BAR)),
        empty="checkout_completed",
    ),
    Table(
        name="custom-events",
        title="Custom events, outside the catalog",
        metric=custom_events.custom_events,
        half=True,
        link="/feed/{tenant_id}?type={event_type}",
        columns=(
            Column("event_type", "Type", Kind.CODE),
            Column("events", "Events", Kind.BAR),
            Column("last_day", "Last"),
        ),
    ),
)

PAGE = Page(
    slug="business",
    title="Business",
    group="Business",
    question="How is this tenant doing?",
    sentence=opening,
    subject=Subject("tenant_id", noun="tenant", tenant=True),
    parent="business",
    events=business.TYPES,
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=business.totals,
            settled=True,
            sampled=business.TYPES,
            stats=(
                Stat("conversations", "Conversations", good="up"),
                Stat("escalation_rate", "Escalated", good="down", n="conversations"),
                Stat("deflection_rate", "Deflected", good="up", n="conversations"),
                Stat("ingest_failures", "Ingestions failed", good="down"),
                Stat(
                    "integration_success_rate",
                    "Integrations worked",
                    good="up",
                    n="integration_calls",
                ),
                Stat("quota_rejections", "Turned away by a limit", good="down"),
            ),
        ),
        *_CONVERSATIONS,
        *_DOCUMENTS,
        *_LIMITS,
        ACTIVITY,
    ),
)

PAGES = (PAGE,)
