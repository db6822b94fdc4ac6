"""The real service in processes of its own, and clients that put it under load."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import randrange
from typing import Any
from uuid import uuid4

from tests.ingest.sending import CLICK, with_id

ROOT = Path(__file__).resolve().parents[2]
GUNICORN = Path(sys.executable).with_name("gunicorn")
START_SECONDS = 180
READY = (("/readyz", 200), ("/overview/totals.json", 401))
"""An event can be stored, and the process that makes pages finds out that nobody is logged in."""


def free_port() -> int:
    """A port that stays free: the system gives none below 32768 to whoever asks for any."""
    while True:
        port = randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Service:
    """Gunicorn with two web processes on a database, on a port of its own."""

    def __init__(self, database_url: str, **environment: str) -> None:
        self.port = free_port()
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database_url,
            "PORT": str(self.port),
            "SECRET_KEY": "a secret of the tests",
            "TRACKER_ENV": "development",
            "TRACKER_RATE_LIMIT": "1000000/minute",
            "WEB_CONCURRENCY": "2",
            **environment,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._log = b""

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Starts it."""
        self._process = subprocess.Popen(
            [GUNICORN, "wsgi:app"],
            cwd=ROOT,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, args=[self._process], daemon=True)
        self._listener.start()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                if all(self.ask("GET", path)[0] == status for path, status in READY):
                    return
            assert self._process
            assert self._process.poll() is None, self.logged()
            time.sleep(0.1)
        raise AssertionError("the service did not become ready")

    def wait_until_gone(self, process: int) -> None:
        """Waits until a web process has ended, and gunicorn has noticed."""
        deadline = time.monotonic() + START_SECONDS
        while process in self.web_processes():
            assert time.monotonic() < deadline, "the process goes on"
            time.sleep(0.05)

    def web_processes(self) -> list[int]:
        """Their process ids."""
        assert self._process
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]

    def writing_process(self) -> int:
        """Of those that hold a desk's lock the one that yields to nobody; the other makes pages."""
        files = Path(f"/proc/{self.web_processes()[0]}/fd").iterdir()
        locks = [file for file in files if os.readlink(file).endswith("/lock")]
        inodes = [f":{lock.stat().st_ino} " for lock in locks]
        held = Path("/proc/locks").read_text().splitlines()
        holders = [int(line.split()[4]) for line in held if any(one in line for one in inodes)]
        return min(holders, key=lambda process: os.getpriority(os.PRIO_PROCESS, process))

    def kill(self) -> None:
        """Ends all of its processes as a loss of power would."""
        self._signal_all(signal.SIGKILL)

    def terminate(self) -> None:
        """Asks it to end; returns when it has."""
        assert self._process
        self._process.terminate()
        self._process.wait(25)  # sooner than gunicorn ends what hangs

    def logged(self) -> str:
        """What its processes wrote to standard error until they ended."""
        self._listener.join(60)
        return self._log.decode()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        self._log += process.communicate()[1]

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self.kill()

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait(60)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, Any]:
        """One request on a connection of its own: status, headers and JSON body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.headers, json.loads(answer.read())
        finally:
            connection.close()


@contextmanager
def served(database_url: str, **environment: str) -> Iterator[Service]:
    """A running service, killed at the end if it still runs."""
    service = Service(database_url, **environment)
    try:
        service.start()
        yield service
    finally:
        service.close()


@dataclass
class Load:
    """What clients sent and were answered, until they are told to stop."""

    service: Service
    size: int = 3
    acknowledged: set[str] = field(default_factory=set)
    unknown: list[dict[str, Any]] = field(default_factory=list)
    """Events that were sent but not acknowledged: they may be stored or not."""
    statuses: set[int] = field(default_factory=set)
    retry_after: set[str | None] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)

    def client(self) -> None:
        while not self._stop.is_set():
            batch = [with_id(CLICK, str(uuid4())) for _ in range(self.size)]
            if not self.send(batch):
                self._stop.wait(0.05)

    def send(self, batch: list[dict[str, Any]]) -> bool:
        """Sends a batch once; whether it was acknowledged."""
        try:
            status, headers, body = self.service.ask("POST", "/api/events", {"events": batch})
        except (OSError, http.client.HTTPException, ValueError):
            status, headers, body = 0, {}, {}
        if status == 202:
            assert body["accepted"] + body["duplicates"] == len(batch)
            self.acknowledged.update(event["event_id"] for event in batch)
            return True
        self.statuses.add(status)
        if status == 503:
            self.retry_after.add(headers.get("Retry-After"))
        self.unknown.extend(batch)
        return False

    def send_unknown_again(self) -> None:
        """What a client does after a failure: the same events with the same ids."""
        again, self.unknown = self.unknown, []
        for start in range(0, len(again), 500):
            assert self.send(again[start : start + 500])

    @contextmanager
    def running(self, clients: int = 6) -> Iterator[None]:
        self._stop.clear()
        threads = [threading.Thread(target=self.client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def wait_for(self, more: int, seconds: float = 180) -> None:
        """Waits until so many more events are acknowledged."""
        goal, deadline = len(self.acknowledged) + more, time.monotonic() + seconds
        while len(self.acknowledged) < goal:
            assert time.monotonic() < deadline, f"only {len(self.acknowledged)} of {goal} taken in"
            time.sleep(0.02)
