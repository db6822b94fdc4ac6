"""The part of the API's description that is about getting events out, and about Stripe."""

from typing import Any

_UUID = {"type": "string", "format": "uuid"}
_MOMENT = {"type": "string", "format": "date-time"}
_OR_NONE: dict[str, Any] = {"type": ["string", "null"]}
_FAILURES = {
    "400": "A parameter breaks a rule; every one is named.",
    "401": "No key, or one without the scope read.",
    "429": "30,000 rows were read in this minute; see Retry-After.",
    "503": "Not reachable just now; ask again after Retry-After.",
}


def feed_operation() -> dict[str, Any]:
    """`GET /api/events`."""
    text = {"type": "string"}
    return {
        "operationId": "readEvents",
        "summary": "The key's tenant's events, those received last first",
        "description": "An event may be stored after others that were received later. To follow,"
        " walk on to a minute before the newest that you have, and leave out the ids you have.",
        "security": [{"key": []}],
        "parameters": [
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
            _parameter("starting_after", _UUID, "The id of the last event of the page before."),
            _parameter("type", {"type": "array", "items": text}, "May end in *; repeatable."),
            _parameter("from", text, "A day or a time; of `occurred_at`."),
            _parameter("to", text, "A day or a time; included."),
        ],
        "responses": {"200": _page()} | {code: _refused(said) for code, said in _FAILURES.items()},
    }


def stripe_operation() -> dict[str, Any]:
    """`POST /api/webhooks/stripe/{tenant_id}`."""
    return {
        "operationId": "takeStripeWebhook",
        "summary": "Stripe's own webhook, signed with the tenant's secret",
        "parameters": [
            {"name": "tenant_id", "in": "path", "required": True, "schema": {"type": "string"}},
            {
                "name": "Stripe-Signature",
                "in": "header",
                "required": True,
                "schema": {"type": "string"},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "responses": {
            "200": {"description": "Taken: stored, a duplicate, or ignored."},
            "400": _refused("The signature or its timestamp is not right."),
            "413": _refused("Over 512 KiB."),
            "503": _refused("Not stored for certain; Stripe sends it again."),
        },
    }


def outgoing_schema() -> dict[str, Any]:
    """An event as the feed and webhooks give it."""
    names = ("session_id", "email", "user_id", "request_id")
    properties: dict[str, Any] = {"id": _UUID, "event_type": {"type": "string"}}
    properties |= {"tenant_id": {"type": "string"}} | dict.fromkeys(names, _OR_NONE)
    properties |= {"occurred_at": _MOMENT, "received_at": _MOMENT}
    properties |= {"source": {"enum": ["browser", "server", "import"]}}
    properties |= {"payload": {"type": "object"}}
    return {"type": "object", "required": list(properties), "properties": properties}


def _parameter(name: str, schema: dict[str, Any], description: str = "") -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "schema": schema}
    return parameter | ({"description": description} if description else {})


def _page() -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": ["data", "has_more"],
        "properties": {
            "data": {"type": "array", "items": {"$ref": "#/components/schemas/Outgoing"}},
            "has_more": {"type": "boolean"},
        },
    }
    return {"description": "A page.", "content": {"application/json": {"schema": schema}}}


def _refused(said: str) -> dict[str, Any]:
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {"description": said, "content": {"application/json": error}}
