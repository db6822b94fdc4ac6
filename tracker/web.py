"""How Flask is set up here: sessions for pages alone, one JSON encoder, and no coroutines."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import orjson
from flask import Flask, Request, Response
from flask.json.provider import DefaultJSONProvider
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class TrackerFlask(Flask):
    """Flask whose views and hooks are all plain functions, with a short way for a few calls."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.shortcuts: dict[str, Callable[[Request], WSGIApplication]] = {}
        """What answers POSTs to a path, given the request alone."""

    def wsgi_app(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answers the shortcuts' calls without routing, contexts and hooks.

        Those are half of what Flask takes for a request, and events are nearly all requests.
        Errors take the same way as any other's.
        """
        view = self.shortcuts.get(environ.get("PATH_INFO", ""))
        if view is None or environ["REQUEST_METHOD"] != "POST":
            return super().wsgi_app(environ, start_response)
        sent = self.request_class(environ)
        try:
            return view(sent)(environ, start_response)
        except Exception as error:
            with self.request_context(environ):
                answer = self.finalize_request(self.handle_user_exception(error), True)
                return answer(environ, start_response)

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
