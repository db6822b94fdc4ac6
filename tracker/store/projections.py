"""From an event to what it adds to the rollups: one pure function per event type.

What an event adds depends on its stored row alone, so that the same functions
count it, recount it from the log, and take it out again (`sign` = -1).
"""

from collections.abc import Callable
from typing import Any

from tracker.model.rollups import ANY_VALUE, NO_RANK
from tracker.store.deltas import Deltas

EventRow = dict[str, Any]
Projection = Callable[[EventRow, Deltas, int], None]


def project(row: EventRow, deltas: Deltas, sign: int = 1) -> None:
    """Adds an event to the deltas (`sign` = 1), or takes it out (-1). Bots add nothing."""
    if row["is_bot"]:
        return
    key = (row["tenant_id"], row["day"], row["event_type"])
    deltas.add("daily_events", key, events=sign * row["sample_weight"], kept=sign)
    if projection := PROJECTIONS.get(row["event_type"]):
        projection(row, deltas, sign)


def _card_click(row: EventRow, deltas: Deltas, sign: int) -> None:
    rank = row["position"] or NO_RANK
    key = (row["tenant_id"], row["day"], row["context"], row["expert_id"], rank)
    deltas.add("daily_experts", key, clicks=sign)


def _sage_query(row: EventRow, deltas: Deltas, sign: int) -> None:
    zero, count = bool(row["zero_results"]), row["result_count"]
    # Without a session there is nothing to settle: no click can be of this search
    alone = row["session_id"] is None
    counters = {
        "searches": sign,
        "zero_results": sign * zero,
        "thin_results": sign * (count in (1, 2)),
        "counted": sign * (count is not None),
        "results": sign * (count or 0),
        "settled": sign * alone,
        "unclicked": sign * (alone and not zero),
    }
    deltas.add(
        "daily_queries",
        (row["tenant_id"], row["day"], row["query"], row["function_called"]),
        **counters,
        last_at=row["occurred_at"] if sign > 0 else None,
        last_zero_at=row["occurred_at"] if zero and sign > 0 else None,
    )
    key = (row["tenant_id"], row["day"], row["function_called"])
    deltas.add("daily_searches", key, **counters)
    _impressions(row, "sage_panel", deltas, sign)


def _results_shown(row: EventRow, deltas: Deltas, sign: int) -> None:
    # Sage's answers are counted where they are given, in sage_query
    if row["context"] == "grid":
        _impressions(row, "grid", deltas, sign)


def _impressions(row: EventRow, context: str, deltas: Deltas, sign: int) -> None:
    for rank, expert_id in enumerate(row["payload"]["expert_ids"], start=1):
        key = (row["tenant_id"], row["day"], context, expert_id, rank)
        deltas.add("daily_experts", key, impressions=sign)


def _filter_change(row: EventRow, deltas: Deltas, sign: int) -> None:
    key = (row["tenant_id"], row["day"], row["filter_name"])
    value, count = row["filter_value"], row["result_count"]
    deltas.add("daily_filters", (*key, value), sets=sign, zero_results=sign * (count == 0))
    for under in (value, ANY_VALUE):
        deltas.add("daily_results", (*key, under, count), sets=sign)


def _business(*dimensions: str, amounts: tuple[str, ...] = ()) -> Projection:
    """Counts by up to three fields of the payload, with up to two sums."""

    def projection(row: EventRow, deltas: Deltas, sign: int) -> None:
        payload, weight = row["payload"], sign * row["sample_weight"]
        dims = [str(payload.get(name) or "") for name in dimensions]
        dims += [""] * (3 - len(dims))
        sums = {
            f"amount_{letter}": weight * int(payload[name])
            for letter, name in zip("ab", amounts, strict=False)
        }
        key = (row["tenant_id"], row["day"], row["event_type"], *dims)
        deltas.add("daily_business", key, events=weight, **sums)

    return projection


DIMENSIONS: dict[str, tuple[str, ...]] = {
    "conversation_started": (),
    "message_sent": ("role",),
    "escalation_triggered": ("reason", "integrationId"),
    "plan_updated": ("previousPlan", "newPlan", "status"),
    "checkout_completed": ("plan",),
    "ingest_started": ("sourceType",),
    "ingest_completed": ("sourceType",),
    "ingest_failed": ("sourceType", "errorCode"),
    "integration_succeeded": ("integrationId", "type"),
    "integration_failed": ("integrationId", "type", "errorCode"),
    "quota_exceeded": ("quotaType",),
}
"""The fields that business events are counted by, in the order of daily_business."""

AMOUNTS = {"ingest_completed": ("docs", "chunks")}
"""The fields that are summed."""

PROJECTIONS: dict[str, Projection] = {
    "card_click": _card_click,
    "sage_query": _sage_query,
    "results_shown": _results_shown,
    "filter_change": _filter_change,
}
PROJECTIONS |= {
    name: _business(*fields, amounts=AMOUNTS.get(name, ())) for name, fields in DIMENSIONS.items()
}
