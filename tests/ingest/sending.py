"""What the tests of ingestion send, and a look at what came of it."""

from typing import Any
from uuid import uuid4

from flask import Flask
from sqlalchemy import text

from tests.conftest import SESSION
from tracker.catalog import CATALOG

CLICK: dict[str, Any] = {
    "event_type": "card_click",
    "session_id": SESSION,
    "payload": {"expert_id": "e1", "context": "grid", "position": 2},
}
QUERY: dict[str, Any] = {
    "event_type": "sage_query",
    "session_id": SESSION,
    "payload": {
        "query_text": "Tax adviser in Lisbon?",
        "function_called": "search_experts",
        "result_count": 2,
        "expert_ids": ["e1", "e2"],
    },
}
FILTER: dict[str, Any] = {
    "event_type": "filter_change",
    "session_id": SESSION,
    "payload": {"filter": "rate", "value": [50, 120], "result_count": 0},
}
ONE_ACCEPTED = {"accepted": 1, "duplicates": 0, "sampled": 0, "rejected": []}


def event_of(name: str, **fields: Any) -> dict[str, Any]:
    """A valid event of a type; `fields` add to it or replace parts of it."""
    event_type = CATALOG[name]
    event: dict[str, Any] = {
        "event_type": name,
        "session_id": SESSION,
        "payload": event_type.example,
    }
    if event_type.needs_request_id:
        event["request_id"] = "r1"
    return event | fields


def click(**payload: Any) -> dict[str, Any]:
    """A card click with parts of its payload replaced."""
    return CLICK | {"payload": CLICK["payload"] | payload}


def query(**payload: Any) -> dict[str, Any]:
    """A search with parts of its payload replaced."""
    return QUERY | {"payload": QUERY["payload"] | payload}


def with_id(event: dict[str, Any], event_id: str | None = None) -> dict[str, Any]:
    return event | {"event_id": event_id or str(uuid4())}


def rows(app: Flask, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """What a question to the test's database returns."""
    with app.extensions["database"].read(None) as session:
        return [tuple(row) for row in session.execute(text(sql), parameters)]


def value(app: Flask, sql: str, **parameters: Any) -> Any:
    """The one value that a question to the test's database returns."""
    return rows(app, sql, **parameters)[0][0]


def stored(app: Flask) -> int:
    return int(value(app, "SELECT count(*) FROM events"))


def faults(answer: Any) -> dict[str, str]:
    """The error body's faults, rule by path."""
    return {fault["path"]: fault["message"] for fault in answer.json["error"]["fields"]}
