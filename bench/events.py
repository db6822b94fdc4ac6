"""The events that are sent in a benchmark."""

import itertools
import json
import random
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from uuid_utils import uuid7

from bench.load import post

_random = random.Random(1)
_SESSIONS = [str(uuid.UUID(int=_random.getrandbits(128), version=4)) for _ in range(20_000)]
_EXPERTS = [f"exp_{n:03}" for n in range(120)]
_QUERIES = [
    f"{what} in {where}"
    for what in ("tax advice", "visa help", "interior design", "marathon training", "wine pairing")
    for where in ("lisbon", "porto", "madrid", "rome")
]


def one_event() -> dict[str, Any]:
    """A browser's event: mostly clicks and filters, a search in five."""
    kind = _random.choice(("click", "click", "filter", "filter", "search"))
    shared = {"event_id": str(uuid7()), "session_id": _random.choice(_SESSIONS)}
    if kind == "click":
        payload: dict[str, Any] = {
            "expert_id": _random.choice(_EXPERTS),
            "context": _random.choice(("grid", "sage_panel")),
            "position": _random.randint(1, 12),
            "filters": {"language": "English"},
        }
        return shared | {"event_type": "card_click", "payload": payload}
    if kind == "filter":
        low = 25 * _random.randint(0, 6)
        payload = {"filter": "rate", "value": [low, low + 100], "result_count": low // 5}
        return shared | {"event_type": "filter_change", "payload": payload}
    found = _random.sample(_EXPERTS, _random.randint(0, 8))
    payload = {
        "query_text": _random.choice(_QUERIES),
        "function_called": "search_experts",
        "result_count": len(found),
        "expert_ids": found,
    }
    return shared | {"event_type": "sage_query", "payload": payload}


def single_requests() -> Callable[[], bytes]:
    """Requests of one event each, made beforehand: making them must not be what is measured."""
    made = [post("/api/events", json.dumps(one_event()).encode()) for _ in range(120_000)]
    return itertools.cycle(made).__next__


def batch_requests(number: int, size: int = 500) -> list[bytes]:
    """Requests of `size` events each."""
    return [
        post(
            "/api/events",
            json.dumps(
                {
                    "events": [one_event() for _ in range(size)],
                    "sent_at": datetime.now(UTC).isoformat(),
                }
            ).encode(),
        )
        for _ in range(number)
    ]
