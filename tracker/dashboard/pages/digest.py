"""/digest: the week in one page; the same goes out by mail."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.formats import rate
from tracker.dashboard.page import LAST_WEEK, Linked, Page, Sentence, say
from tracker.dashboard.pages import overview as overview_page
from tracker.dashboard.pages.experts import STANDING
from tracker.dashboard.pages.people import KNOWN
from tracker.dashboard.pages.sage import NO_CLICK
from tracker.dashboard.panels import Column, Kind, Stat, Stats, Table
from tracker.dashboard.wording import TENANT, count, moved
from tracker.metrics import (
    annotations,
    business,
    demand,
    overview,
    people,
    sage_answers,
    sampling,
    trips,
)
from tracker.metrics.digest import misplaced_experts
from tracker.metrics.durations import inexact
from tracker.metrics.scope import Scope

_FEW, _SOME = 5, 10


def opening(session: Session, scope: Scope) -> Sentence:
    """The overview's answer, and whether trips got made."""
    first = overview_page.opening(session, scope, listed=_SOME)
    return Sentence(first.parts + _of_trips(session, scope).parts)


def _of_trips(session: Session, scope: Scope) -> Sentence:
    now = ask(trips.totals, session, scope)[0]
    if now.success_rate is None:
        return say("")
    before = ask_before(trips.totals, session, scope)
    return say(
        " {rate} of {n} succeeded{moved}.",
        rate=Linked(rate(now.success_rate), "/trips"),
        n=count(now.succeeded + now.failed, "finished trip attempt"),
        moved=moved("success_rate", now, before),
    )


PAGE = Page(
    slug="digest",
    title="Digest",
    group="Operations",
    key="w",
    question="What did the week bring?",
    sentence=opening,
    periods=(LAST_WEEK, "7d", "28d"),
    default_period=LAST_WEEK,
    brief=True,
    example="card_click",
    panels=(
        Stats(
            name="marketplace",
            title="Marketplace",
            metric=overview.totals,
            titled=True,
            sampled=sampling.EVERY,
            stats=(
                Stat("sessions", "Sessions", good="up", link="/people"),
                Stat("identified_sessions", "Known by name", good="up", link=KNOWN),
                Stat("sage_queries", "Searches", good="up", link="/sage"),
                Stat("card_clicks", "Card clicks", good="up", link="/experts"),
                Stat("filter_changes", "Filters set", link="/filters"),
            ),
        ),
        overview_page.DAILY_EVENTS,
        Table(
            name="notes",
            title="What you changed",
            metric=annotations.notes,
            page_size=_SOME,
            columns=(Column("day", "Day"), Column("text", "Note"), Column("author", "Noted by")),
        ),
        Stats(
            name="unmet-demand",
            title="Demand",
            metric=demand.totals,
            titled=True,
            stats=(
                Stat("zero_results", "Found nothing", good="down", link="/demand"),
                Stat("zero_result_rate", "Of searches", good="down", n="searches", link="/demand"),
                Stat("sessions", "People who looked in vain", good="down", link="/demand"),
                Stat("emails", "With an e-mail address", link="/demand"),
            ),
        ),
        Table(
            name="zero-result-queries",
            title="Wanted and not found",
            metric=demand.zero_result_queries,
            page_size=_SOME,
            empty="sage_query",
            link="/people?query={query}&zero=1#sessions",
            columns=(
                Column("query", "Query"),
                Column("zero_results", "Found nothing", Kind.BAR),
                Column("sessions", "People"),
                Column("emails", "With e-mail"),
            ),
        ),
        Table(
            name="experts",
            title="Experts in the wrong place",
            metric=misplaced_experts,
            page_size=_SOME,
            link="/experts/{expert_id}",
            columns=(
                Column("expert_id", "Expert", Kind.CODE),
                STANDING,
                Column("clicks", "Clicks"),
                Column("expected_clicks", "Expected"),
            ),
        ),
        Stats(
            name="sage",
            title="Sage",
            metric=sage_answers.answers,
            titled=True,
            settled=True,
            stats=(
                Stat("click_through_rate", "Clicked", good="up", n="searches", link="/sage"),
                NO_CLICK,
                Stat("reformulation_rate", "Asked again", good="down", n="searches"),
                Stat("unhelpful", "Answered, but unhelpful", good="down", link="/sage"),
            ),
        ),
        Stats(
            name="people",
            title="People",
            metric=people.visitors,
            titled=True,
            stats=(
                Stat("returning_sessions", "Came back", good="up", link="/people"),
                Stat("returning_rate", "Of sessions", good="up", n="sessions"),
                Stat("identified_rate", "Known by name", good="up", n="sessions"),
            ),
        ),
        Stats(
            name="trips",
            title="Trips",
            metric=trips.totals,
            titled=True,
            approximate=inexact(),
            stats=(
                Stat("attempts", "Attempts", good="up", link="/trips"),
                Stat("failed", "Failed", good="down", link="/trips"),
                Stat("success_rate", "Success", good="up", n="finished"),
                Stat("p95_ms", "95 % within", good="down"),
            ),
        ),
        Table(
            name="trip-errors",
            title="Why trips fail",
            metric=trips.errors,
            page_size=_FEW,
            empty="create_trip_failed",
            link="/trips?error_code={error_code}#attempts",
            columns=(
                Column("error_code", "Error", Kind.CODE),
                Column("failures", "Failures", Kind.BAR),
                Column("share", "Share", n="of_failures"),
            ),
        ),
        Stats(
            name="business",
            title="Business",
            metric=business.totals,
            titled=True,
            sampled=business.TYPES,
            settled=True,
            stats=(
                Stat("tenants", "Active tenants", good="up", link="/business"),
                Stat("conversations", "Conversations", good="up", link="/business"),
                Stat("escalation_rate", "Escalated", good="down", n="conversations"),
                Stat("ingest_failures", "Ingestions failed", good="down"),
                Stat("quota_rejections", "Turned away by a limit", good="down"),
            ),
        ),
        Table(
            name="tenants",
            title="Most active tenants",
            metric=business.tenants,
            page_size=_FEW,
            sampled=business.TYPES,
            settled=True,
            empty="conversation_started",
            link="/business/{tenant_id}",
            columns=(
                TENANT,
                Column("conversations", "Conversations", Kind.BAR),
                Column("escalation_rate", "Escalated", n="conversations"),
                Column("ingest_failures", "Ingestions failed"),
            ),
        ),
    ),
)

PAGES = (PAGE,)
