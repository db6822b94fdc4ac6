"""/trips: do trips get made, how fast, and why not."""

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.formats import day, decimal, rate
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import (
    SMALL_SAMPLE,
    Chart,
    Column,
    Filter,
    Kind,
    Series,
    Stat,
    Stats,
    Table,
)
from tracker.dashboard.wording import count, moved
from tracker.metrics import attempts, trip_form, trips, twins
from tracker.metrics.durations import inexact
from tracker.metrics.scope import Scope

STATUS_WORDS = (
    ("success", "Succeeded"),
    ("failed", "Failed"),
    ("pending", "Pending"),
    ("abandoned", "Abandoned"),
)


def opening(session: Session, scope: Scope) -> Sentence:
    """How many attempts succeed, against the period before, and what makes the others fail."""
    now = ask(trips.totals, session, scope)[0]
    if not now.attempts:
        return say("Nobody tried to make a trip in this period.")
    if now.success_rate is None:
        return say("{n} began and none has ended yet.", n=count(now.attempts, "trip attempt"))
    before = ask_before(trips.totals, session, scope)
    first = say(
        "{rate} of {n} succeeded" + moved("success_rate", now, before) + ".",
        rate=Linked(rate(now.success_rate), "#totals"),
        n=Linked(count(now.succeeded + now.failed, "finished trip attempt"), "#daily-attempts"),
    )
    return Sentence((*first.parts, *_failures(session, scope).parts))


def _failures(session: Session, scope: Scope) -> Sentence:
    codes = ask(trips.errors, session, scope)
    if not codes:
        return say(" None failed.")
    worst = codes[0]
    told = say(
        " {share} of the failures are {code}, seen since {since}.",
        share=rate(worst.share),
        code=Linked(worst.error_code, "#errors"),
        since=day(worst.first_seen.astimezone(scope.zone).date(), scope.today)
        if worst.first_seen
        else "the start",
    )
    return Sentence((*told.parts, *_twin(session, scope).parts))


def _twin(session: Session, scope: Scope) -> Sentence:
    found = ask(twins.failure_twins, session, scope)
    if not found:
        return say(" No input stands out among them.")
    first = max(found, key=lambda twin: (_is_enough(twin), twin.lift, twin.failed))
    few = "" if _is_enough(first) else f", though only {first.attempts} finished"
    return say(
        " Attempts with {what} fail {lift} times as often as usual{few}.",
        what=Linked(f"{first.input} = {first.value}", "#failure-twins"),
        lift=decimal(first.lift),
        few=few,
    )


def _is_enough(twin: twins.Twin) -> bool:
    return twin.attempts >= SMALL_SAMPLE


_WITH = "/trips?status="

PAGE = Page(
    slug="trips",
    title="Trips",
    group="Trips",
    key="t",
    question="Do trips get made, and if not, why?",
    sentence=opening,
    events=("create_trip_attempted", "create_trip_succeeded", "create_trip_failed"),
    panels=(
        Stats(
            name="totals",
            title="Totals",
            metric=trips.totals,
            approximate=inexact(),
            stats=(
                Stat("attempts", "Attempts", good="up", link="#attempts"),
                Stat("succeeded", "Succeeded", good="up", link=_WITH + "success#attempts"),
                Stat("failed", "Failed", good="down", link="#errors"),
                Stat("pending", "Pending"),
                Stat("success_rate", "Success", good="up", n="finished"),
                Stat("p50_ms", "Half within", good="down"),
                Stat("p95_ms", "95 % within", good="down"),
            ),
        ),
        Chart(
            name="daily-attempts",
            title="Attempts by day",
            metric=trips.daily_attempts,
            approximate=inexact("day"),
            unit="attempts",
            shape="bars",
            series=(
                Series("succeeded", "Succeeded", "good"),
                Series("failed", "Failed", "bad"),
            ),
        ),
        Table(
            name="errors",
            title="Why they fail",
            nothing="No attempt failed in this period.",
            metric=trips.errors,
            empty="create_trip_failed",
            link=_WITH + "failed&error_code={error_code}#attempts",
            columns=(
                Column("error_code", "Error", Kind.CODE),
                Column("failures", "Failures", Kind.BAR),
                Column("share", "Share", n="of_failures"),
                Column("sessions", "Visitors", link="/people?error_code={error_code}#sessions"),
                Column("first_seen", "First"),
                Column("last_seen", "Last"),
            ),
        ),
        Table(
            name="failure-twins",
            title="What failures have in common",
            nothing="No input fails more often than chance explains.",
            metric=twins.failure_twins,
            note="Where to look, not what the cause is. × usual is against all finished attempts.",
            columns=(
                Column("input", "Input", Kind.CODE),
                Column("value", "Value"),
                Column("failed", "Failed", Kind.BAR),
                Column("attempts", "Of"),
                Column("failure_rate", "Failing", n="attempts"),
                Column("lift", "× usual"),
            ),
        ),
        Chart(
            name="daily-durations",
            title="How long they take, by day",
            metric=trips.daily_attempts,
            unit="ms",
            half=True,
            approximate=inexact("day"),
            series=(
                Series("p50_ms", "Half within", "searches"),
                Series("p95_ms", "95 % within", "caution"),
            ),
        ),
        Chart(
            name="success-rate",
            title="Success by day",
            metric=trips.daily_attempts,
            approximate=inexact("day"),  # its table and its JSON hold the durations too
            rate=True,
            half=True,
            series=(Series("success_rate", "Success", "good"),),
        ),
        Table(
            name="versions",
            title="Versions of the prompt contract",
            metric=trips.versions,
            approximate=inexact("prompt_contract_version"),
            link="/trips?version={prompt_contract_version}#attempts",
            columns=(
                Column("prompt_contract_version", "Version", Kind.CODE),
                Column("attempts", "Attempts", Kind.BAR),
                Column("succeeded", "Succeeded"),
                Column("failed", "Failed"),
                Column("success_rate", "Success", n="finished"),
                Column("p50_ms", "Half within"),
                Column("p95_ms", "95 % within"),
            ),
        ),
        Table(
            name="funnel",
            title="From the button to the trip",
            metric=trip_form.funnel,
            half=True,
            empty=trip_form.CTA,
            columns=(
                Column("step", "Step"),
                Column("events", "Times", Kind.BAR),
                Column("share", "Of presses", n="events"),
            ),
        ),
        Table(
            name="client-events",
            title="In the trip form",
            metric=trip_form.client_events,
            half=True,
            empty=trip_form.CTA,
            columns=(
                Column("event_type", "Event", Kind.CODE),
                Column("events", "Times", Kind.BAR),
                Column("per_attempt", "Per attempt"),
            ),
        ),
        Table(
            name="attempts",
            title="Newest attempts",
            metric=attempts.attempts,
            search="Find a request, trip, user or session",
            link="/trips/attempts/{id}",
            filters=(
                Filter("status", "Status", STATUS_WORDS),
                Filter("error_code", "Error", attempts.error_codes),
                Filter("version", "Version", attempts.version_names),
            ),
            columns=(
                Column("created_at", "When"),
                Column("status", "Status", words=STATUS_WORDS),
                Column("error_code", "Error", Kind.CODE, wide=True),
                Column("duration_ms", "Took"),
                Column("prompt_contract_version", "Version", Kind.CODE),
                Column("user_id", "User", Kind.CODE),
                Column("session_id", "Visitor", Kind.ID),
                Column("request_id", "Request", Kind.CODE),
            ),
        ),
    ),
)

PAGES = (PAGE,)
