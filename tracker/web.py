"""How Flask is set up here: sessions for pages alone, one JSON encoder, and no coroutines."""

from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class TrackerFlask(Flask):
    """Flask whose views and hooks are all plain functions."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself. Asking at every call whether it is a coroutine takes its time."""
        return func


class PageSessions(SecureCookieSessionInterface):
    """The API reads no cookie and sets none."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/api/") else super().open_session(app, request)


class OrjsonProvider(DefaultJSONProvider):
    """JSON as orjson writes it: RFC 3339 times, UTF-8, no NaN."""

    mimetype = "application/json"

    def dumps(self, obj: Any, **_options: Any) -> str:
        return orjson.dumps(obj, default=self.default, option=orjson.OPT_NON_STR_KEYS).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Any:
        obj = self._prepare_response_obj(args, kwargs)
        body = orjson.dumps(obj, default=self.default, option=orjson.OPT_NON_STR_KEYS)
        return Response(body, mimetype=self.mimetype)
