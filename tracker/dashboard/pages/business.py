"""/business: how the tenants do."""

from dataclasses import replace

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.formats import number, rate
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import Column, Kind, Matrix, Stat, Stats, Table
from tracker.dashboard.wording import TENANT, count, tenant_names
from tracker.metrics import adoption, business, plans
from tracker.metrics.scope import Scope

_ENOUGH = 30
"""Conversations a tenant must have had for its escalation rate to be called out."""

DEFLECTION = "Deflected means not handed to a person. It is not the same as resolved."


_STEPS = (
    ("active", "Were active"),
    ("completed a checkout", "Completed a checkout"),
    ("plan in effect", "Have a plan in effect"),
)


def opening(session: Session, scope: Scope) -> Sentence:
    """How many tenants were active, and which of them needs a look."""
    now = ask(business.totals, session, scope)[0]
    if not now.tenants:
        return say("No tenant sent a business event in this period.")
    before = ask_before(business.totals, session, scope)
    first = say(
        "{tenants} " + _was(now.tenants) + " active{before}, with {conversations}",
        tenants=Linked(count(now.tenants, "tenant").capitalize(), "#tenants"),
        before=_compared(now, before),
        conversations=_conversations(now.conversations),
    )
    handed = say("")
    if now.escalation_rate is not None:
        handed = say(handed_over(now), handed=Linked(rate(now.escalation_rate), "#totals"))
    rest = _notable(session, scope, now)
    return Sentence((*first.parts, *handed.parts, ". ", *rest.parts))


def handed_over(now: business.Totals) -> str:
    """How the sentence goes on about the conversations; of a single one there is no share."""
    if now.conversations != 1:
        return ", {handed} of them handed to a person"
    return f", which was {'' if now.escalation_rate else 'not '}handed to a person"


def _compared(now: business.Totals, before: business.Totals | None) -> str:
    if before is None or not before.tenants:
        return ""
    if before.tenants != now.tenants:
        return f", {number(before.tenants)} in the period before"
    return f", {'as' if now.tenants == 1 else 'as many as'} in the period before"


def _conversations(n: int) -> str:
    return count(n, "conversation") if n else "no conversation"


def _was(n: int) -> str:
    return "was" if n == 1 else "were"


def _notable(session: Session, scope: Scope, now: business.Totals) -> Sentence:
    """The tenant that hands over most, when that is well above the others; or who went quiet."""
    rows = ask(business.tenants, session, scope)
    rated = [row for row in rows if row.conversations >= _ENOUGH and row.escalation_rate]
    worst = max(rated, key=lambda row: row.escalation_rate or 0, default=None)
    if worst and (worst.escalation_rate or 0) > 1.5 * (now.escalation_rate or 0):
        return say(
            "{tenant} hands over {rate}, the most of those with {enough} conversations or more.",
            tenant=_named(session, worst.tenant_id),
            rate=rate(worst.escalation_rate),
            enough=str(_ENOUGH),
        )
    quiet = ask(adoption.gone_quiet, session, scope)
    if len(quiet) == 1:
        return say("{who} has gone quiet.", who=_named(session, quiet[0].tenant_id))
    if quiet:
        names = f"{number(len(quiet))} that were active before"
        return say("{who} have gone quiet.", who=Linked(names, "#gone-quiet"))
    return say("Nobody went quiet and no tenant stands out.")


def _named(session: Session, tenant_id: str) -> Linked:
    return Linked(tenant_names(session).get(tenant_id, tenant_id), f"/business/{tenant_id}")


def behind(event_type: str, said: str = "") -> str:
    """The link to a tenant's events of a type; those whose payload says a field of the row."""
    return f"/feed/{{tenant}}?type={event_type}" + (f"&q={said}" if said else "")


def by(order: str) -> str:
    """The link to the tenants whose numbers make up one of all, those that need a look first."""
    return f"/business?tenants.sort={order}#tenants"


def totals(**links: str) -> Stats:
    """The numbers with which the page of all tenants and that of one begin, and their links."""
    stats = (
        Stat("tenants", "Active tenants", good="up"),
        Stat("conversations", "Conversations", good="up"),
        Stat("escalation_rate", "Escalated", good="down", n="conversations"),
        Stat("deflection_rate", "Deflected", good="up", n="conversations"),
        Stat("ingest_failures", "Ingestions failed", good="down"),
        Stat("integration_success_rate", "Integrations worked", good="up", n="integration_calls"),
        Stat("quota_rejections", "Turned away by a limit", good="down"),
    )
    return Stats(
        name="totals",
        title="Totals",
        metric=business.totals,
        settled=True,
        sampled=business.TYPES,
        stats=tuple(replace(stat, link=links[stat.name]) for stat in stats if stat.name in links),
    )


PLANS = Table(
    name="plans",
    title="Changes of plan",
    metric=plans.plans,
    half=True,
    link=behind("plan_updated", "{new_plan}"),
    columns=(
        Column("previous_plan", "From"),
        Column("new_plan", "To"),
        Column("status", "Status"),
        Column("changes", "Changes", Kind.BAR),
        Column("last_day", "Last"),
    ),
    empty="plan_updated",
)

PAGE = Page(
    slug="business",
    title="Business",
    group="Business",
    key="b",
    question="How is each tenant doing?",
    sentence=opening,
    events=business.TYPES,
    panels=(
        totals(
            tenants="#tenants",
            conversations=by("-conversations"),
            escalation_rate=by("-escalation_rate"),
            deflection_rate=by("deflection_rate"),
            ingest_failures=by("-ingest_failures"),
            integration_success_rate=by("integration_success_rate"),
            quota_rejections=by("-quota_rejections"),
        ),
        Table(
            name="tenants",
            title="Tenants",
            metric=business.tenants,
            sampled=business.TYPES,
            note=DEFLECTION,
            settled=True,
            search="Search tenants",
            link="/business/{tenant_id}",
            columns=(
                TENANT,
                Column("conversations", "Conversations", Kind.BAR),
                Column("escalation_rate", "Escalated", n="conversations"),
                Column("deflection_rate", "Deflected", n="conversations", minor=True),
                Column("ingest_failures", "Ingestions failed", minor=True),
                Column("integration_success_rate", "Integrations worked", minor=True),
                Column("quota_rejections", "Turned away", minor=True),
                Column("last_seen", "Last seen", minor=True),
            ),
        ),
        Table(
            name="adoption",
            title="What tenants use",
            metric=adoption.adoption,
            sampled=business.TYPES,
            half=True,
            columns=(
                Column("feature", "Part of the product"),
                Column("tenants", "Tenants", Kind.BAR),
                Column("share", "Of the active"),
                Column("events", "Events"),
            ),
        ),
        Table(
            name="checkout-funnel",
            title="From use to a plan",
            metric=plans.checkout_funnel,
            half=True,
            columns=(
                Column("step", "Tenants that", words=_STEPS),
                Column("tenants", "Tenants", Kind.BAR),
                Column("share", "Of the active"),
            ),
        ),
        Matrix(
            name="retention",
            title="Tenants that come back",
            note="Down: the week in which they began. Across: weeks later.",
            nothing="No tenant began in this period; those that began before are not in here.",
            metric=adoption.retention,
            row="cohort",
            column="week",
            value="retention_rate",
            n="size",
        ),
        Table(
            name="gone-quiet",
            title="Gone quiet",
            nothing="No tenant that was active before has gone quiet.",
            metric=adoption.gone_quiet,
            sampled=business.TYPES,
            of_before=True,
            link="/business/{tenant_id}",
            half=True,
            columns=(
                TENANT,
                Column("last_day", "Last event"),
                Column("events_before", "Events before", Kind.BAR),
            ),
        ),
        PLANS,
    ),
)

PAGES = (PAGE,)
