"""What taking a request in needs of its process, and how it is answered."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any

import orjson
from flask import Flask, current_app

from tracker.catalog.calendar import Calendar
from tracker.config import Settings
from tracker.ingest.ratelimit import RateCounters
from tracker.store.database import Database
from tracker.store.key_uses import KeyUses
from tracker.store.salts import Salts
from tracker.store.settings import TenantChoices
from tracker.store.writer import Writer

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Intake:
    """What the process holds, looked up once: every request asks for nearly all of it."""

    settings: Settings
    database: Database
    calendar: Calendar
    writer: Writer
    salts: Salts
    key_uses: KeyUses
    rate_counters: RateCounters
    choices: TenantChoices

    @classmethod
    def of(cls, app: Flask) -> "Intake":
        return cls(**{field.name: app.extensions[field.name] for field in fields(cls)})


def this_intake() -> Intake:
    """That of the app whose request this is."""
    intake: Intake = current_app.extensions["intake"]
    return intake


class Answer:
    """JSON, as a WSGI application: all that a response needs when no hook looks at it."""

    def __init__(self, status: str, value: Any, headers: Headers) -> None:
        self._status = status
        self._body = orjson.dumps(value)
        length = str(len(self._body))
        self._headers = [("Content-Type", "application/json"), ("Content-Length", length), *headers]

    def __call__(self, _environ: Any, start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response(self._status, self._headers)
        return [self._body]
