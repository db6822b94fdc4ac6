"""/business/<tenant>: one tenant's conversations, documents, integrations, limits and plans."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.formats import rate
from tracker.dashboard.page import Linked, Page, Sentence, Subject, say
from tracker.dashboard.pages.business import behind, handed_over, totals
from tracker.dashboard.pages.feed import ACTIVITY
from tracker.dashboard.pages.tenant_panels import CONVERSATIONS, DOCUMENTS, LIMITS
from tracker.dashboard.wording import count, moved, tenant_called
from tracker.metrics import business, reliability
from tracker.metrics.scope import Scope

_FLAKY = 0.9
"""An integration that works less often than this, over enough calls, is called out."""

_ENOUGH = 20


def opening(session: Session, scope: Scope) -> Sentence:
    """How many conversations there were, how many needed a person, and what does not work."""
    now = ask(business.totals, session, scope)[0]
    if not now.tenants:
        return say("This tenant sent no business event in this period.")
    before = ask_before(business.totals, session, scope)
    if now.escalation_rate is None:
        first = say("There were no conversations.")
    else:
        first = say(
            "There {was} {n}" + handed_over(now) + "{trend}.",
            was="was" if now.conversations == 1 else "were",
            n=Linked(count(now.conversations, "conversation"), "#daily-conversations"),
            handed=Linked(rate(now.escalation_rate), "#escalations"),
            trend="" if now.conversations == 1 else moved("escalation_rate", now, before),
        )
    return Sentence((*first.parts, " ", *_trouble(session, scope, now).parts))


def _trouble(session: Session, scope: Scope, now: business.Totals) -> Sentence:
    """The first of what is going wrong: an integration, ingestion, a limit."""
    for row in ask(reliability.integrations, session, scope):
        works = row.success_rate
        if row.calls >= _ENOUGH and works is not None and works < _FLAKY:
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


PAGE = Page(
    slug="business",
    title="Business",
    group="Business",
    question="How is this tenant doing?",
    sentence=opening,
    subject=Subject("tenant_id", noun="tenant", called=tenant_called, tenant=True),
    parent="business",
    events=business.TYPES,
    panels=(
        totals(
            conversations=behind("conversation_started"),
            escalation_rate="#escalations",
            deflection_rate="#escalation-rate",
            ingest_failures=behind("ingest_failed"),
            integration_success_rate="#integrations",
            quota_rejections=behind("quota_exceeded"),
        ),
        *CONVERSATIONS,
        *DOCUMENTS,
        *LIMITS,
        ACTIVITY,
    ),
)

PAGES = (PAGE,)
