"""What depends on order, by hand: which search a click answers, what is asked again, which
outcome an ingest has, which conversations were escalated (definitions: docs/metrics.md)."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tracker.store.facts import conversation_facts, ingest_facts, session_facts

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
Row = dict[str, Any]


def row(name: str, minutes: float, payload: Row, **columns: Any) -> Row:
    moment = NOON + timedelta(minutes=minutes)
    return {
        "tenant_id": "default",
        "id": f"{name}-{minutes}-{payload}",
        "event_type": name,
        "session_id": "s1",
        "occurred_at": moment,
        "day": moment.date(),
        "is_bot": False,
        "sample_weight": 1,
        "payload": payload,
        **columns,
    }


def search(minutes: float, query: str = "tax", experts: str = "abc", **payload: Any) -> Row:
    return row(
        "sage_query",
        minutes,
        {"expert_ids": list(experts), **payload},
        query=query,
        function_called="search_experts",
        result_count=len(experts),
        zero_results=not experts,
    )


def click(minutes: float, expert: str, context: str = "sage_panel", **payload: Any) -> Row:
    return row("card_click", minutes, payload, expert_id=expert, context=context)


def outcomes(*events: Row) -> dict[str, list[str]]:
    """By query: what came of its searches, as the names of the counters that are 1."""
    found: dict[str, list[str]] = {}
    for facts in session_facts(events).values():
        for table, key, counters in facts:
            if table == "daily_queries":
                names = [name for name, n in counters.items() if n and name != "settled"]
                found.setdefault(key[2], []).append(" ".join(names))
    return found


def ranks(*events: Row) -> list[int]:
    return [
        key[-1]
        for facts in session_facts(events).values()
        for table, key, _ in facts
        if table == "daily_search_clicks"
    ]


@pytest.mark.parametrize(
    ("minutes", "expert", "outcome"),
    [
        (0, "a", "clicked"),
        (5, "c", "clicked"),
        (30, "a", "clicked"),
        (30.01, "a", "unclicked"),
        (-1, "a", "unclicked"),
        (5, "z", "unclicked"),
    ],
)
def test_a_click_answers_a_search_within_30_minutes(
    minutes: float, expert: str, outcome: str
) -> None:
    assert outcomes(search(0), click(minutes, expert)) == {"tax": [outcome]}


def test_a_click_in_the_grid_answers_no_search() -> None:
    assert outcomes(search(0), click(1, "a", "grid")) == {"tax": ["unclicked"]}


def test_the_next_search_takes_over() -> None:
    found = outcomes(search(0, "tax"), search(10, "visa"), click(11, "a"))
    assert found == {"tax": ["unclicked"], "visa": ["clicked"]}


def test_a_click_at_the_moment_of_the_next_search_answers_that_one() -> None:
    found = outcomes(search(0, "tax"), search(10, "visa"), click(10, "a"))
    assert found == {"tax": ["unclicked"], "visa": ["clicked"]}


def test_a_shared_view_id_outlives_the_next_search_and_the_30_minutes() -> None:
    found = outcomes(
        search(0, "tax", view_id="v1"),
        search(10, "visa", view_id="v2"),
        click(45, "a", view_id="v1"),
    )
    assert found == {"tax": ["clicked"], "visa": ["unclicked"]}


def test_a_click_before_a_search_is_none_on_it_even_in_the_same_view() -> None:
    found = outcomes(
        search(0, "tax", view_id="v1"),
        click(5, "a", view_id="v1"),
        search(10, "visa", view_id="v1"),
    )
    assert found == {"tax": ["clicked"], "visa": ["unclicked"]}


def test_several_clicks_count_once_at_the_rank_of_the_first() -> None:
    events = (search(0), click(1, "c"), click(2, "a"), click(3, "c"))
    assert outcomes(*events) == {"tax": ["clicked"]}
    assert ranks(*events) == [3]


def test_a_search_without_results_is_neither_clicked_nor_unclicked() -> None:
    assert outcomes(search(0, experts="")) == {"tax": [""]}


@pytest.mark.parametrize(
    ("experts", "minutes", "outcome"),
    [
        ("abc", 5, "unclicked reformulated unhelpful"),
        ("abc", 5.01, "unclicked"),
        ("", 4, "reformulated"),
    ],
)
def test_asking_again_within_5_minutes_without_a_click_is_a_reformulation(
    experts: str, minutes: float, outcome: str
) -> None:
    found = outcomes(search(0, "tax", experts), search(minutes, "taxes"))
    assert found["tax"] == [outcome]


def test_a_clicked_search_is_not_reformulated() -> None:
    found = outcomes(search(0, "tax"), click(1, "b"), search(2, "taxes"))
    assert found == {"tax": ["clicked"], "taxes": ["unclicked"]}


def test_the_order_of_arrival_does_not_matter() -> None:
    events = [search(0), click(0, "b"), search(3, "visa"), click(4, "a"), click(5, "b")]
    found = [outcomes(*order) for order in permutations(events)]
    assert all(one == found[0] for one in found)


def test_bots_make_no_facts() -> None:
    assert not session_facts([search(0) | {"is_bot": True}])


def source(name: str, minutes: float) -> Row:
    payload = {"sourceType": "website", "url": "u"}
    return row(name, minutes, payload)


def pairs(*events: Row) -> list[tuple[str, int]]:
    """The outcomes that were paired, with the minutes they took."""
    return [
        (key[4], int(key[5]) // 60_000)
        for facts in ingest_facts(events).values()
        for _, key, _ in facts
    ]


def test_an_outcome_belongs_to_the_latest_earlier_start() -> None:
    assert pairs(
        source("ingest_completed", -5),
        source("ingest_started", 0),
        source("ingest_started", 10),
        source("ingest_failed", 12),
        source("ingest_started", 20),
        source("ingest_completed", 50),
    ) == [("ingest_failed", 2), ("ingest_completed", 30)]


def test_a_conversation_counts_on_its_first_day_escalated_or_not() -> None:
    started = row("conversation_started", 0, {})
    later = row("escalation_triggered", 60 * 24 * 3, {})
    for events, escalated in (([started], 0), ([later, started], 1), ([started, later, later], 1)):
        (facts,) = conversation_facts(events).values()
        assert facts == [
            (
                "daily_business",
                ("default", NOON.date(), "conversations", "", "", ""),
                {"events": 1, "amount_a": escalated},
            )
        ]
    assert conversation_facts([later]) == {}
