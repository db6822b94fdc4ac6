"""Pages away from gevent's loop, which stays free to take events.

A page's SQL and its rendering may take a hundred milliseconds. On the loop that would hold up
every visitor of the marketplace. On a thread beside it, the loop would still wait for the
interpreter after every system call. So where there are several processes, one of them makes the
pages for all, on threads of its own; a process that finds nobody at that desk makes them itself.
"""

import sys
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

import gevent
from gevent import monkey
from gevent.threadpool import ThreadPool

from tracker.desk import Desk, Finish, NotTaken
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
    """WSGI middleware that moves whole requests elsewhere when gevent runs the process."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._desk: Desk | None = None
        self._pools: dict[int, ThreadPool] = {}

    def have_made(self, desk: Desk) -> None:
        """From now on whoever sits at the desk makes the pages."""
        self._desk = desk

    def make_for_all(self, desk: Desk) -> Finish:
        """Makes the pages that others ask for; returns what lets the process end."""
        return desk.serve(lambda asked: self._on_a_thread(*asked))

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        if _stays_on_the_loop(environ) or not monkey.is_module_patched("threading"):
            return self._app(environ, start_response)
        started, chunks = self._made(_portable(environ), _body(environ))
        start_response(*started)
        return chunks

    def _made(self, environ: dict[str, Any], body: bytes) -> Answer:
        if self._desk is None:
            return self._on_a_thread(environ, body)
        line = self._desk.line()
        try:
            answer: Answer = line.ask((environ, body))
        except NotTaken:
            return self._on_a_thread(environ, body)
        except (OSError, EOFError):
            return _interrupted()
        finally:
            line.close()
        return answer

    def _on_a_thread(self, environ: dict[str, Any], body: bytes) -> Answer:
        # sockets belong to the loop, and to their process
        whole = environ | {"wsgi.input": BytesIO(body), "wsgi.errors": sys.stderr}
        answer: Answer = self._pool().apply(self._respond, (whole,))
        return answer

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


def _portable(environ: dict[str, Any]) -> dict[str, Any]:
    """What of a request can go to another thread or process."""
    return {k: v for k, v in environ.items() if isinstance(v, str | int | tuple)}


def _body(environ: dict[str, Any]) -> bytes:
    """The request's body, as far as the application would read it."""
    body: bytes = environ["wsgi.input"].read(BODY_LIMIT + 1)
    return body


def _interrupted() -> Answer:
    """The process that made the page ended halfway; whether a form was taken is not known."""
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Retry-After", "2")]
    return ("503 SERVICE UNAVAILABLE", headers), [b"This page was interrupted. Load it again."]
