"""Pages on native threads, so that gevent's loop stays free to take events.

A page's SQL and its rendering may take a hundred milliseconds. On the loop that would hold up
every visitor of the marketplace; on a thread it costs the loop a turn of the interpreter at most.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

from tracker.ingest.bodies import BODY_LIMIT

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

Answer = tuple[tuple[Any, ...], list[bytes]]
"""The arguments of start_response, and the body."""

PAGE_THREADS = 2
ON_THE_LOOP = ("/api/", "/static/", "/healthz", "/readyz")
"""Paths that answer at once, or wait where gevent can see it."""


def _stays_on_the_loop(environ: dict[str, Any]) -> bool:
    path = environ.get("PATH_INFO", "")
    reads_the_feed = path == "/api/events" and environ.get("REQUEST_METHOD") == "GET"
    return path.startswith(ON_THE_LOOP) and not reads_the_feed


class OffLoop:
    """WSGI middleware that moves whole requests to threads when gevent runs the process."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._pools: dict[int, ThreadPool] = {}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if _stays_on_the_loop(environ) or not monkey.is_module_patched("threading"):
            return self._app(environ, start_response)
        environ["wsgi.input"] = BytesIO(_body(environ))  # sockets belong to the loop
        answer: Answer = self._pool().apply(self._respond, (environ,))
        start_response(*answer[0])
        return answer[1]

    def _pool(self) -> ThreadPool:
        """The process's threads; made after the fork, on the loop that waits for them."""
        hub = gevent.get_hub()
        if id(hub) not in self._pools:
            self._pools = {id(hub): ThreadPool(PAGE_THREADS, hub=hub)}
        return self._pools[id(hub)]

    def _respond(self, environ: dict[str, Any]) -> Answer:
        started: list[tuple[Any, ...]] = []

        def start(*arguments: Any) -> Callable[[bytes], object]:
            started.append(arguments)
            return chunks.append

        chunks: list[bytes] = []
        answer = self._app(environ, start)
        try:
            chunks.extend(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()
        return started[-1], chunks


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, as far as the application would read it."""
    body: bytes = environ["wsgi.input"].read(BODY_LIMIT + 1)
    return body
