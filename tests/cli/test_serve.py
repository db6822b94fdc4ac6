"""`flask serve`: from nothing to a running service, in a process of its own."""

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from tests.faults.service import ROOT, free_port


def test_serve_migrates_makes_an_operator_says_where_and_serves(tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "log"
    environment = {
        "PATH": os.environ["PATH"],
        "FLASK_APP": "wsgi",
        "DATABASE_URL": f"sqlite:///{tmp_path}/tracker.db",
        "PORT": str(port),
        "SECRET_KEY": "a secret of the tests",
        "TRACKER_ENV": "development",
        "WEB_CONCURRENCY": "1",
    }
    flask = Path(sys.executable).with_name("flask")
    with log.open("wb") as out:
        process = subprocess.Popen([flask, "serve"], cwd=ROOT, env=environment, stdout=out)
    try:
        _wait_for(f"http://127.0.0.1:{port}/readyz", process)
        said = log.read_text()
        assert f"http://localhost:{port}" in said
        assert f"http://localhost:{port}/demo" in said
        assert "admin@example.com" in said
        assert "Password" in said
    finally:
        process.terminate()
    assert process.wait(30) == 0


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it did not become ready")
