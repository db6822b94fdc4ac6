"""What depends on the order of events inside a session, a conversation or a source.

Pure functions from the stored events to rollup facts, each on the day of the event it is about.
They are the same whatever the order of arrival.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from itertools import pairwise

from tracker.store.deltas import Key
from tracker.store.filter_facts import filter_facts, last_choice
from tracker.store.projections import EventRow

Fact = tuple[str, Key, dict[str, int]]
Facts = dict[date, list[Fact]]

CLICK_WINDOW = timedelta(minutes=30)
REFORMULATED_WITHIN = timedelta(minutes=5)


def session_facts(events: Iterable[EventRow]) -> Facts:
    """What the order of one session's events tells of its searches and of its filters."""
    ordered = _in_order(events)
    facts: Facts = defaultdict(list)
    for part in (_search_facts(ordered), filter_facts(ordered)):
        for day, found in part.items():
            facts[day] += found
    return facts


def _in_order(events: Iterable[EventRow]) -> list[EventRow]:
    return sorted(
        (row for row in events if not row["is_bot"]), key=lambda r: (r["occurred_at"], r["id"])
    )


def _search_facts(ordered: Sequence[EventRow]) -> Facts:
    """Whether each search of one session was clicked, at which rank, or asked again."""
    searches = [row for row in ordered if row["event_type"] == "sage_query"]
    clicks = [
        row
        for row in ordered
        if row["event_type"] == "card_click" and row["context"] == "sage_panel"
    ]
    facts: Facts = defaultdict(list)
    for search, following in pairwise([*searches, None]):
        if search:
            facts[search["day"]] += _outcome_of(search, following, clicks)
    return {day: _added_up(found) for day, found in facts.items()}


def _added_up(facts: Iterable[Fact]) -> list[Fact]:
    """One fact per row, so that little has to be kept of a session with many searches."""
    rows: dict[tuple[str, Key], Counter[str]] = defaultdict(Counter)
    for table, key, counters in facts:
        rows[table, key].update(counters)
    return [(*row, {name: n for name, n in total.items() if n}) for row, total in rows.items()]


def _outcome_of(
    search: EventRow, following: EventRow | None, clicks: Sequence[EventRow]
) -> list[Fact]:
    click = next((c for c in clicks if _answers(c, search, following)), None)
    again = (
        click is None
        and following is not None
        and following["occurred_at"] - search["occurred_at"] <= REFORMULATED_WITHIN
    )
    found = not search["zero_results"]
    tenant_day = (search["tenant_id"], search["day"])
    counters = {
        "settled": 1,
        "clicked": int(click is not None),
        "unclicked": int(found and click is None),
        "reformulated": int(again),
        "unhelpful": int(found and again),
    }
    key = (*tenant_day, search["query"], search["function_called"])
    under = (*tenant_day, search["function_called"])
    facts: list[Fact] = [("daily_queries", key, counters), ("daily_searches", under, counters)]
    if click:
        rank = search["payload"]["expert_ids"].index(click["expert_id"]) + 1
        facts.append(("daily_search_clicks", (*under, rank), {"searches": 1}))
    return facts


def _answers(click: EventRow, search: EventRow, following: EventRow | None) -> bool:
    """Whether a click is one on this search's answer."""
    passed: timedelta = click["occurred_at"] - search["occurred_at"]
    if passed < timedelta() or click["expert_id"] not in search["payload"]["expert_ids"]:
        return False
    view_id = search["payload"].get("view_id")
    if view_id and click["payload"].get("view_id") == view_id:
        return True
    before_the_next = following is None or click["occurred_at"] < following["occurred_at"]
    return before_the_next and passed <= CLICK_WINDOW


def conversation_facts(events: Iterable[EventRow]) -> Facts:
    """One conversation, on the day it started, and whether it was ever escalated."""
    ordered = _in_order(events)
    start = next((row for row in ordered if row["event_type"] == "conversation_started"), None)
    if start is None:
        return {}
    escalated = any(row["event_type"] == "escalation_triggered" for row in ordered)
    weight = start["sample_weight"]
    key = (start["tenant_id"], start["day"], "conversations", "", "", "")
    counters = {"events": weight, "amount_a": weight * escalated}
    return {start["day"]: [("daily_business", key, counters)]}


def ingest_facts(events: Iterable[EventRow]) -> Facts:
    """How long one source took to read, each time, on the day of the outcome.

    The duration, in ms, is the third dimension: an exact histogram.
    """
    facts: Facts = defaultdict(list)
    started = None
    for row in _in_order(events):
        if row["event_type"] == "ingest_started":
            started = row
        elif row["event_type"] in ("ingest_completed", "ingest_failed") and started:
            passed = row["occurred_at"] - started["occurred_at"]
            source = row["payload"]["sourceType"]
            milliseconds = str(passed // timedelta(milliseconds=1))
            dims = ("ingest_pairs", source, row["event_type"], milliseconds)
            key = (row["tenant_id"], row["day"], *dims)
            facts[row["day"]].append(("daily_business", key, {"events": row["sample_weight"]}))
    return facts


SETTLE: dict[str, Callable[[Iterable[EventRow]], Facts]] = {
    "search": session_facts,
    "conversation": conversation_facts,
    "ingest": ingest_facts,
}
"""How each kind of the `unsettled` queue is settled."""

DEMAND = "demand"
"""The kind of the queue's entries that are about a query, for the demand ledger."""


def _first_of_each(ordered: Sequence[EventRow]) -> list[EventRow]:
    """When it started, and when it was escalated."""
    return list({row["event_type"]: row for row in reversed(ordered)}.values())


def _last_start(ordered: Sequence[EventRow]) -> list[EventRow]:
    return [row for row in ordered if row["event_type"] == "ingest_started"][-1:]


_BEGINNING: dict[str, Callable[[Sequence[EventRow]], list[EventRow]]] = {
    "search": last_choice,
    "conversation": _first_of_each,
    "ingest": _last_start,
}


def beginning(kind: str, events: Iterable[EventRow]) -> list[EventRow]:
    """Those of the events without which later ones would be settled differently."""
    return _BEGINNING[kind](_in_order(events))


SETTLED_BY = {
    "sage_query": "search",
    "card_click": "search",
    "filter_change": "search",
    "conversation_started": "conversation",
    "escalation_triggered": "conversation",
    "ingest_started": "ingest",
    "ingest_completed": "ingest",
    "ingest_failed": "ingest",
}
"""What has to be settled again after an event of a type."""


def settled_under(row: EventRow) -> tuple[str, str, str] | None:
    """The tenant, kind and key that an event is settled under, if any."""
    kind = SETTLED_BY.get(row["event_type"])
    key = row["session_id"] if kind == "search" else row.get("subject")
    return (row["tenant_id"], kind, key) if kind and key and not row["is_bot"] else None


def marks_of(row: EventRow) -> list[tuple[str, str, str]]:
    """The tenant, kind and key of all that has to be settled again after an event."""
    marks = [mark] if (mark := settled_under(row)) else []
    if row["event_type"] == "sage_query" and row["zero_results"] and not row["is_bot"]:
        marks.append((row["tenant_id"], DEMAND, row["query"]))
    return marks
