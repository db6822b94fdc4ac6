"""OpenAPI description of the API under /api, made from the catalog's classes."""

from functools import cache
from typing import Any

from tracker.catalog import CATALOG
from tracker.catalog.base import EventType
from tracker.catalog.openapi_feed import feed_operation, outgoing_schema, stripe_operation

_TEXT = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[^\\u0000]+$"}
_UUID = {"type": "string", "format": "uuid"}
_EMAIL = {"type": "string", "format": "email", "maxLength": 254}


@cache
def describe() -> dict[str, Any]:
    """The whole description, as OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tracker API",
            "version": "1",
            "description": "Takes events in, and gives them out. 202 means committed.",
        },
        "paths": {
            "/api/events": {"post": _events_operation(), "get": feed_operation()},
            "/api/sessions/link": {"post": _link_operation()},
            "/api/webhooks/stripe/{tenant_id}": {"post": stripe_operation()},
            "/healthz": {"get": _health("The process is up.")},
            "/readyz": {"get": _health("Events can be stored and shown.")},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def event_schema(event: type[EventType]) -> dict[str, Any]:
    """JSON Schema of a whole event of this type, envelope and payload."""
    server = event.writer == "server"
    required = ["event_type", "payload"]
    required += ["request_id"] if event.needs_request_id else []
    required += [] if server else ["session_id"]
    return {
        "type": "object",
        "title": event.name,
        "description": event.purpose(),
        "required": required,
        "additionalProperties": False,
        "properties": {
            "event_type": {"const": event.name},
            "session_id": _UUID,
            "event_id": _UUID | {"description": "Idempotency key."},
            "occurred_at": {"type": "string", "format": "date-time"},
            "email": _EMAIL,
            "user_id": _TEXT,
            "request_id": _TEXT,
            "payload": event.payload_schema(),
        },
        "examples": [{"event_type": event.name, "payload": event.example}],
    }


def _schemas() -> dict[str, Any]:
    events = {event.name: event_schema(event) for event in CATALOG.values()}
    return events | {
        "Outgoing": outgoing_schema(),
        "Event": {"oneOf": [_ref(name) for name in events]},
        "Batch": {
            "type": "object",
            "required": ["events"],
            "additionalProperties": False,
            "properties": {
                "events": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": 500,
                    "items": _ref("Event"),
                },
                "sent_at": {"type": "string", "format": "date-time"},
            },
        },
        "Accepted": _accepted(),
        "Link": {
            "type": "object",
            "required": ["session_id"],
            "additionalProperties": False,
            "properties": {"session_id": _UUID, "email": _EMAIL, "user_id": _TEXT},
        },
        "Linked": {
            "type": "object",
            "required": ["session_id", "email", "user_id", "events_linked"],
            "properties": {
                "session_id": _UUID,
                "email": {"type": ["string", "null"]},
                "user_id": {"type": ["string", "null"]},
                "events_linked": {"type": "integer", "minimum": 0},
            },
        },
        "Error": _error(),
    }


def _accepted() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    return {
        "type": "object",
        "required": ["accepted", "duplicates", "sampled", "rejected"],
        "properties": {
            "accepted": count,
            "duplicates": count,
            "sampled": count,
            "rejected": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["index", "code", "fields"],
                    "properties": {
                        "index": count,
                        "code": {"type": "string"},
                        "fields": {"type": "array", "items": _fault()},
                    },
                },
            },
        },
    }


def _fault() -> dict[str, Any]:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["path", "message"],
        "properties": {"path": text, "message": text},
    }


def _error() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "fields"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "fields": {"type": "array", "items": _fault()},
                },
            }
        },
    }


def _events_operation() -> dict[str, Any]:
    body = {"schema": {"oneOf": [_ref("Event"), _ref("Batch")]}}
    return {
        "operationId": "sendEvents",
        "summary": "Send one event or a batch",
        "security": [{}, {"key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": body, "text/plain": {"schema": {"type": "string"}}},
        },
        "responses": _answers("202", "Committed. Faulty events are listed.", "Accepted"),
    }


def _link_operation() -> dict[str, Any]:
    return {
        "operationId": "linkSession",
        "summary": "Attach an identity to a session",
        "security": [{}, {"key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("Link")}},
        },
        "responses": _answers("200", "Linked.", "Linked")
        | {"409": _answer("The session is linked to another identity.", "Error")},
    }


_FAILURES = {
    "400": "Not JSON, or broken gzip.",
    "401": "Unknown or revoked key.",
    "403": "Origin not allowed, or a server-only event without a key.",
    "413": "Over 512 KiB or 500 events.",
    "415": "Neither JSON nor text/plain.",
    "422": "Nothing was accepted; every fault is listed, up to 100 of an event.",
    "429": "Too many requests; see Retry-After.",
    "503": "Full or broken; send again after Retry-After.",
}


def _answers(status: str, meaning: str, schema: str) -> dict[str, Any]:
    failures = {code: _answer(text, "Error") for code, text in _FAILURES.items()}
    return {status: _answer(meaning, schema)} | failures


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _ref(schema)}},
    }


def _health(meaning: str) -> dict[str, Any]:
    status = {"type": "object", "properties": {"status": {"type": "string"}}}
    answer = {"content": {"application/json": {"schema": status}}}
    return {
        "summary": meaning,
        "responses": {
            "200": answer | {"description": meaning},
            "503": answer | {"description": "Not now, and why."},
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
