"""The overview's sentence: what it says is what happened."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import record
from tests.dashboard.test_panels import click
from tests.ingest.sending import event_of

ANN, BOB = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


def search(query: str, results: int, ago: int = 1, **more: Any) -> dict[str, Any]:
    """A search `ago` days back."""
    at = datetime.now(UTC) - timedelta(days=ago)
    payload = {
        "query_text": query,
        "function_called": "search_experts",
        "result_count": results,
        "expert_ids": [f"e{n}" for n in range(results)],
    }
    line = {"event_type": "sage_query", "occurred_at": at.isoformat(), "payload": payload}
    return click() | line | more


def sentence(client: FlaskClient, query: str = "period=7d") -> str:
    """The text of the page's sentence."""
    found = re.search(r'<p class="answer">(.*?)</p>', client.get(f"/overview?{query}").text, re.S)
    assert found
    return re.sub(r"<[^>]+>", "", found[1]).replace("\u202f", " ")


def test_an_empty_period_is_told(operator: FlaskClient) -> None:
    assert sentence(operator) == "Nothing came in during this period."
    assert "curl http://localhost/api/events" in operator.get("/overview").text


def test_events_without_a_search_are_told(app: Flask, operator: FlaskClient) -> None:
    record(app, click(), click(1))
    assert sentence(operator) == "2 events of one session came in, and nobody asked Sage."


def test_events_that_only_servers_sent_are_told(app: Flask, operator: FlaskClient) -> None:
    first, second = (
        event_of("quota_exceeded", session_id=None, event_id=event_id) for event_id in (ANN, BOB)
    )
    record(app, first)
    assert sentence(operator) == "One event came in, not from a visitor."
    record(app, second)
    assert sentence(operator) == "2 events came in, none of them from a visitor."


def test_what_was_not_found_and_who_waits_is_told(app: Flask, operator: FlaskClient) -> None:
    # This week 3 of 4 searches found nothing, the week before 1 of 2.
    record(
        app,
        search("welsh tutor", 0, session_id=ANN, email="ann@example.com"),
        search("Welsh tutor", 0, session_id=BOB),
        search("plumber", 0),
        search("cook", 2),
        search("cook", 2, ago=8),
        search("plumber", 0, ago=8),
    )
    assert sentence(operator) == (
        "Sage found nothing for 75.0 % of 4 searches, up from 50.0 %. "
        "The top unmet demand is “welsh tutor”: 2 people, 1 with an e-mail address."
    )
    assert sentence(operator, "period=28d").startswith(
        "Sage found nothing for 66.7 % of 6 searches. "
    )


@pytest.mark.parametrize(("before", "words"), [(0, "up from 0 %"), (1, "as in the period before")])
def test_the_trend_is_told(app: Flask, operator: FlaskClient, before: int, words: str) -> None:
    record(app, search("a", 0), search("b", 0, ago=8) if before else search("b", 1, ago=8))
    assert words in sentence(operator)


def test_success_is_told_too(app: Flask, operator: FlaskClient) -> None:
    record(app, search("cook", 2))
    assert sentence(operator) == (
        "Sage found nothing for 0 % of one search. Every search found something."
    )
