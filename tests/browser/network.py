"""A stand-in for the network between a browser and Tracker, scriptable answer by answer.

It plays what networks do (answer late, answer 503, hang up), not what the database does: events
of a 202 are remembered by id only to see whether any was lost or would count twice.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

STATIC = Path(__file__).resolve().parents[2] / "static"
PATIENCE = 60
"""How many seconds anything may take on a busy machine."""
SCRIPT = '<!doctype html><title>Shop</title><script src="{}/static/tracker.js"{}></script>'


@dataclass
class Answer:
    """What the service says once, instead of accepting."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


HANG_UP = Answer(0)
"""The connection breaks before anything is stored."""
LOSE_ANSWER = Answer(-1)
"""Everything is stored, but the answer never arrives."""


@dataclass
class Request:
    """A request to the API as it arrived."""

    path: str
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.body["events"]


class Network:
    """Serves test pages and tracker.js, and answers the API as scripted, else with success."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.down = False
        self.requests: list[Request] = []
        self.stored: dict[str, dict[str, Any]] = {}
        self.duplicates = 0
        self.links: list[dict[str, Any]] = []
        self.pages: dict[str, str] = {"/": SCRIPT.format("", "")}
        self.open = threading.Event()
        self.open.set()
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Until what has arrived fulfils `condition`."""
        with self._changed:
            assert self._changed.wait_for(condition, timeout=PATIENCE), self.requests

    def take(self, request: Request) -> Answer:
        """Records a request; returns the answer to it. Holds it back while `open` is not set."""
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        self.open.wait(2 * PATIENCE)
        with self._changed:
            answer = HANG_UP if self.down else self.script.pop(0) if self.script else None
            answer = self._accept(request, answer)
            self._changed.notify_all()
        return answer

    def _accept(self, request: Request, answer: Answer | None) -> Answer:
        if answer is not None and answer.status not in (-1, 202):
            return answer
        if request.path.endswith("/link"):
            self.links.append(request.body)
            return answer or Answer(200, {"events_linked": 0})
        new = {event["event_id"]: event for event in request.events}
        duplicates = len(new.keys() & self.stored.keys())
        self.duplicates += duplicates
        self.stored.update(new)
        counts = {"accepted": len(new) - duplicates, "duplicates": duplicates, "sampled": 0}
        return answer or Answer(202, {**counts, "rejected": []})


def http_date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


def _handler(network: Network) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(200, *_file(network, self.path))

        def do_OPTIONS(self) -> None:
            network.take(Request("preflight " + self.path, dict(self.headers), '{"events":[]}'))
            self._reply(204, b"", "text/plain")

        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = network.take(Request(self.path, dict(self.headers), text))
            if answer.status > 0:
                body = json.dumps(answer.body).encode()
                self._reply(answer.status, body, "application/json", answer.headers)

        def _reply(
            self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
        ) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Access-Control-Expose-Headers", "Retry-After")
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _file(network: Network, path: str) -> tuple[bytes, str]:
    if path.startswith("/static/"):
        return (STATIC / path.removeprefix("/static/")).read_bytes(), "text/javascript"
    return network.pages.get(path, "").encode(), "text/html; charset=utf-8"
