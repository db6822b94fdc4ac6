"""The catalog describes itself: names, examples, schemas, and whatever may be sent."""

import json
import re
import tracemalloc
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import SESSION
from tracker.catalog import CATALOG, EventType
from tracker.catalog.calendar import Calendar
from tracker.catalog.custom import custom_type
from tracker.catalog.openapi import describe, event_schema
from tracker.catalog.parsing import Refusal, Row, Terms, parse
from tracker.model import Event

CONTRACT = {
    "Marketplace": ["card_click", "sage_query", "filter_change", "results_shown"],
    "Trip creation": [
        "create_trip__cta--generate",
        "create_trip__toggle--roundtrip",
        "create_trip__toggle--route_lock",
        "create_trip__section--expand",
        "app__chunk_recovery--reload",
        "create_trip_attempted",
        "create_trip_succeeded",
        "create_trip_failed",
    ],
    "Conversation": ["conversation_started", "message_sent"],
    "Escalation": ["escalation_triggered"],
    "Billing": ["plan_updated", "checkout_completed"],
    "Ingestion": ["ingest_started", "ingest_completed", "ingest_failed"],
    "Integrations": ["integration_succeeded", "integration_failed"],
    "Limits": ["quota_exceeded"],
}
GRAMMAR = re.compile(r"[a-z]+(_[a-z]+)*(__[a-z]+(_[a-z]+)*--[a-z]+(_[a-z]+)*)?")
every_type = pytest.mark.parametrize("event_type", CATALOG.values(), ids=lambda one: one.name)


def terms(**changes: Any) -> Terms:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    usual: dict[str, Any] = {
        "received_at": now,
        "calendar": Calendar(ZoneInfo("UTC")),
        "retention": timedelta(days=90),
        "tenant_id": "default",
        "with_key": True,
    }
    return Terms(**usual | changes)


def sent(event_type: type[EventType], **fields: Any) -> dict[str, Any]:
    event = {"event_type": event_type.name, "session_id": SESSION, "payload": event_type.example}
    return event | ({"request_id": "r1"} if event_type.needs_request_id else {}) | fields


def test_the_catalog_is_that_of_the_contract() -> None:
    found: dict[str, list[str]] = {}
    for event_type in CATALOG.values():
        found.setdefault(event_type.domain, []).append(event_type.name)
    assert found == CONTRACT


@every_type
def test_a_type_is_named_by_the_grammar_and_says_what_it_is_for(
    event_type: type[EventType],
) -> None:
    assert GRAMMAR.fullmatch(event_type.name)
    assert event_type.purpose().endswith(".")
    assert event_type.writer == "server" or event_type.domain in ("Marketplace", "Trip creation")


@every_type
def test_an_example_is_accepted_and_fills_columns_that_exist(event_type: type[EventType]) -> None:
    row = parse(sent(event_type), terms())
    assert row["payload"] == event_type.example
    assert row.keys() - {"received_day"} <= set(Event.__table__.columns.keys())


@every_type
def test_the_json_schema_accepts_the_example_and_refuses_what_the_catalog_refuses(
    event_type: type[EventType],
) -> None:
    jsonschema_rs.meta.validate(event_type.payload_schema())
    validator = jsonschema_rs.Draft202012Validator(event_schema(event_type))
    assert validator.is_valid(sent(event_type))
    for field in event_type.payload_schema().get("required", []):
        lacking = {key: value for key, value in event_type.example.items() if key != field}
        assert not validator.is_valid(sent(event_type, payload=lacking))
        with pytest.raises(Refusal) as refused:
            parse(sent(event_type, payload=lacking), terms())
        assert (f"payload.{field}", "is required") in refused.value.faults


def test_the_openapi_description_has_every_type_and_resolves() -> None:
    description = describe()
    text = json.dumps(description)
    schemas = description["components"]["schemas"]
    assert CATALOG.keys() <= schemas.keys()
    assert {name.rsplit("/", 1)[1] for name in re.findall(r'"#/components/\S+?(?=")', text)} <= (
        schemas.keys()
    )
    assert "#/$defs/" not in text


hostile = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([10**30, 2**31, -1, 0.5, "", "a\0b", "x" * 9000, "7", SESSION]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("session_id", "event_id", "occurred_at", "email", "user_id", "request_id", "payload")


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An example with any of its parts replaced by anything."""
    event_type = draw(st.sampled_from(list(CATALOG.values())))
    event = sent(event_type)
    names = st.sampled_from([*event_type.model_fields, *event_type.example, "more"])
    event["payload"] = event["payload"] | draw(st.dictionaries(names, hostile, max_size=3))
    return event | draw(st.dictionaries(st.sampled_from(FIELDS), hostile, max_size=2))


def storable(row: Row) -> bool:
    """Whether both databases can hold a row: lengths, ranges, no NUL anywhere."""
    for column in Event.__table__.columns:
        value = row.get(column.name)
        length = getattr(column.type, "length", None)
        assert value is not None or column.nullable or column.default is not None, column.name
        assert not isinstance(value, str) or length is None or len(value) <= length, column.name
        assert not isinstance(value, int) or -(2**31) <= value < 2**31, column.name
    return "\\u0000" not in orjson.dumps(row["payload"]).decode()


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(event=events() | hostile, with_key=st.booleans())
@example(event={"event_type": "card_click", "payload": {"{x}": "{y}"}}, with_key=True)
def test_whatever_is_sent_is_stored_as_a_sound_row_or_refused_with_reasons(
    event: Any, with_key: bool
) -> None:
    try:
        row = parse(event, terms(with_key=with_key, retention=timedelta(days=3650)))
    except Refusal as refusal:
        faults = refusal.faults
    else:
        faults = (("", "none"),) if storable(row) else ()
    assert faults
    assert all(rule and isinstance(path, str) for path, rule in faults)


def test_bad_names_of_custom_events_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        assert not any(custom_type("x" * 100_000 + str(n)) for n in range(50))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
