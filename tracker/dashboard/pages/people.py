"""/people: who came, how far they got, and whether they came back."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from tracker.dashboard.answers import ask, ask_before
from tracker.dashboard.figures import axes
from tracker.dashboard.formats import day_of_year, number, rate, short
from tracker.dashboard.page import Linked, Page, Sentence, say
from tracker.dashboard.panels import Chart, Column, Filter, Kind, Matrix, Series, Stat, Stats, Table
from tracker.dashboard.wording import count, moved, value_in_words
from tracker.metrics import people
from tracker.metrics.people_days import STEPS
from tracker.metrics.people_events import TOGETHER
from tracker.metrics.people_filters import FILTERS
from tracker.metrics.scope import Scope

KNOWN = "/people?known=1#sessions"
_BEFORE = "/people?before=1#sessions"
_ROWS = 15
_SHORT = (
    ("had any event", "Came"),
    ("set a filter or searched", "Searched or set a filter"),
    ("clicked a card", "Clicked a card"),
    ("were identified", "Clicked, known by name"),
)


def opening(session: Session, scope: Scope) -> Sentence:
    """How many came and how many of them are known; or who is behind another page's number."""
    if any(scope.filters.get(name) for name in FILTERS):
        return _behind(session, scope)
    now = ask(people.visitors, session, scope)[0]
    if not now.sessions:
        return say("Nobody came in this period.")
    before = ask_before(people.visitors, session, scope)
    steps = ask(people.funnel, session, scope)
    if now.sessions == 1:
        return _of_one(now, steps, _trend(now, before))
    return say(
        "{came}{trend}. {clicked} of them searched or filtered and clicked an expert; "
        "{known} are known by name{moved}.",
        came=Linked(count(now.sessions, "session").capitalize(), "#sessions"),
        trend=_trend(now, before),
        clicked=Linked(rate(steps[2].share), "#funnel"),
        known=Linked(rate(now.identified_rate), KNOWN),
        moved=moved("identified_rate", now, before),
    )


def _of_one(now: people.Visitors, steps: list[people.Step], trend: str) -> Sentence:
    """The same of a single session, of which nothing is a share."""
    _, engaged, clicked, _ = (step.sessions for step in steps)
    did = (
        "searched or filtered " + ("and clicked" if clicked else "without clicking") + " an expert"
    )
    return say(
        "{came}{trend}. It {did}, and {is} known by name.",
        came=Linked("One session", "#sessions"),
        trend=trend,
        did=did if engaged else "neither searched nor set a filter",
        **{"is": "is" if now.identified_sessions else "is not"},
    )


def _trend(now: people.Visitors, before: people.Visitors | None) -> str:
    if before is None or not before.sessions:
        return ""
    if now.sessions == before.sessions:
        return ", as many as in the period before"
    return f", {'up' if now.sessions > before.sessions else 'down'} from {number(before.sessions)}"


def _behind(session: Session, scope: Scope) -> Sentence:
    """The sessions that the filters of the address leave, in words."""
    found = ask(people.sessions, session, replace(scope, limit=_ROWS)).total
    return say(
        "{sessions} {did} in this period. {everyone}",
        sessions=Linked(
            count(found, "session").capitalize() if found else "No session", "#sessions"
        ),
        did=" and ".join(_conditions(scope)),
        everyone=Linked("Show everyone", "/people"),
    )


def _conditions(scope: Scope) -> list[str]:
    chosen = scope.filters
    found = " and found nothing" if chosen.get("zero") else ""
    found += " and found one or two" if chosen.get("thin") else ""
    said = []
    if query := chosen.get("query"):
        said.append(f"searched “{short(query)}”{found}")
    elif found:
        said.append(f"searched{found}")
    if name := chosen.get("filter"):
        value = chosen.get("value")
        left = " and found nothing left" if chosen.get("dead_end") else ""
        said.append(f"set {name}" + (f" to {value_in_words(value)}" if value else "") + left)
    said += [f"set {another}" for another in chosen.get("with", "").split(TOGETHER) if another]
    if expert := chosen.get("expert_id"):
        said.append(f"clicked {expert}")
    if code := chosen.get("error_code"):
        said.append(f"had a trip fail with {code}")
    if step := chosen.get("step"):
        said.append(" and ".join(STEPS[1 : STEPS.index(step) + 1]) or step)
    if chosen.get("before"):
        said.append("had come before")
    if week := chosen.get("first_week"):
        said.append(f"first came in the week from {_day(week, scope)} and came")
    if chosen.get("known"):
        said.append("came, known by name,")
    return said or ["came"]


def _day(iso: str, scope: Scope) -> str:
    try:
        return day_of_year(date.fromisoformat(iso), scope.today)
    except ValueError:
        return iso


_FEW = 4
"""Up to so many sessions each has its tick."""


def _funnel_figure(rows: list[Any], _scope: Scope) -> dict[str, Any]:
    bars = {
        "type": "bar",
        "orientation": "h",
        "name": "Sessions",
        "x": [row.sessions for row in rows],
        "y": [dict(_SHORT)[row.step] for row in rows],
        "text": [f"{number(row.sessions)} · {rate(row.share)}" for row in rows],
        "textposition": "auto",
        "marker": {"color": "var(--people)"},
        "hovertemplate": "%{y}: %{x:,} sessions<extra></extra>",
    }
    layout = axes("")
    layout["xaxis"] = {"title": {"text": "sessions"}, "rangemode": "tozero"}
    if rows[0].sessions <= _FEW:
        layout["xaxis"]["dtick"] = 1
    layout["yaxis"] = {"autorange": "reversed", "automargin": True}
    return {"data": [bars], "layout": layout | {"hovermode": "closest"}}


PAGE = Page(
    slug="people",
    title="People",
    group="Marketplace",
    key="p",
    question="Who came, how far did they get, and did they come back?",
    sentence=opening,
    example="sage_query",
    filters=(
        Filter("query", "Searched", quiet=True),
        Filter("zero", "Result", (("1", "Found nothing"),), quiet=True),
        Filter("thin", "Result", (("1", "Found one or two"),), quiet=True),
        Filter("filter", "Set filter", quiet=True),
        Filter("value", "To value", quiet=True),
        Filter("dead_end", "Left", (("1", "Nothing"),), quiet=True),
        Filter("with", "And filter", quiet=True),
        Filter("expert_id", "Clicked", quiet=True),
        Filter("error_code", "Trip failed with", quiet=True),
        Filter("known", "Who", (("1", "Known by name"),), quiet=True),
        Filter("step", "Got as far as", tuple((step, step) for step in STEPS), quiet=True),
        Filter("before", "Came before", (("1", "The period"),), quiet=True),
        Filter("first_week", "First in the week from", quiet=True),
    ),
    panels=(
        Stats(
            name="visitors",
            title="Visitors",
            of_all=True,
            metric=people.visitors,
            stats=(
                Stat("sessions", "Sessions", good="up", link="#sessions"),
                Stat("identified_sessions", "Known by name", good="up", link=KNOWN),
                Stat("identified_rate", "Share known", good="up", n="sessions"),
                Stat("returning_sessions", "Came before", good="up", link=_BEFORE),
                Stat("returning_rate", "Share that came before", good="up", n="sessions"),
            ),
        ),
        Table(
            name="sessions",
            title="Sessions",
            metric=people.sessions,
            page_size=_ROWS,
            link="/people/session/{session_id}",
            empty="sage_query",
            search="Search by e-mail, user or session id",
            sortable=("session_id", "first_seen", "last_seen", "events", "searches", "clicks"),
            columns=(
                Column("session_id", "Session", Kind.ID),
                Column("email", "E-mail", link="/people/person/{email}"),
                Column("user_id", "User"),
                Column("first_seen", "First seen"),
                Column("last_seen", "Last seen"),
                Column("events", "Events", Kind.BAR),
                Column("searches", "Searches"),
                Column("clicks", "Clicks"),
            ),
        ),
        Chart(
            name="funnel",
            title="How far sessions get",
            of_all=True,
            metric=people.funnel,
            unit="sessions",
            x="step",
            shape="bars",
            half=True,
            figure=_funnel_figure,
            link="/people?step={step}#sessions",
            series=(Series("sessions", "Sessions", "people"),),
        ),
        Matrix(
            name="returns",
            title="Who comes back, by week",
            of_all=True,
            metric=people.returns,
            note="Down: the week of the first visit. Across: weeks later.",
            link="/people?first_week={first_week}&from={monday}&to={sunday}#sessions",
            row="first_week",
            column="weeks_later",
            value="share",
            n="sessions",
            half=True,
        ),
    ),
)

PAGES = (PAGE,)
