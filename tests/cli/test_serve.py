"""`flask serve`: from nothing to a running service, in a process of its own."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

from tests.dashboard.conftest import log_in
from tests.faults.service import ROOT, free_port
from tracker.cli.serve import FIRST_OPERATOR


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
        _wait_for(f"http://127.0.0.1:{port}/readyz?query={quote('検' * 500)}", process)
        said = log.read_text()
        assert f"http://localhost:{port}" in said
        assert f"http://localhost:{port}/demo" in said
        assert "admin@example.com" in said
        assert "Password" in said
    finally:
        process.terminate()
    assert process.wait(60) == 0


@pytest.fixture
def served(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The app, whose `flask serve` ends where gunicorn would begin."""
    monkeypatch.setattr(os, "execve", lambda *_: None)
    monkeypatch.setattr(os, "chdir", lambda _: None)
    with app.app_context():
        yield app


def test_a_first_password_is_said_even_when_loading_is_interrupted(
    served: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(served.cli.commands["demo"].commands["load"], "callback", interrupted)
    said = served.test_cli_runner().invoke(args=["serve", "--demo"])
    assert said.exit_code == 1
    found = re.search(r"Password of admin@example.com: (\S+)", said.output)
    assert found
    browser = served.test_client()
    answer = log_in(browser, FIRST_OPERATOR, found[1])
    assert answer.status_code == 302


def test_serve_says_how_to_reset_a_password_that_nobody_ever_used(served: Flask) -> None:
    runner, command = served.test_cli_runner(), f"operators reset-password {FIRST_OPERATOR}"
    assert command not in runner.invoke(args=["serve"]).output
    assert command in runner.invoke(args=["serve"]).output
    reset = runner.invoke(args=command.split()).output
    log_in(served.test_client(), FIRST_OPERATOR, reset.strip().rpartition(": ")[2])
    assert command not in runner.invoke(args=["serve"]).output


def test_gunicorn_gets_the_number_of_processes_as_it_was_understood(
    served: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    # gunicorn's own look at an empty variable ends it
    monkeypatch.setenv("WEB_CONCURRENCY", "")
    started: list[dict[str, str]] = []
    monkeypatch.setattr(os, "execve", lambda _path, _words, given: started.append(given))
    assert served.test_cli_runner().invoke(args=["serve"]).exit_code == 0
    assert [given["WEB_CONCURRENCY"] for given in started] == ["2"]


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        assert process.poll() is None, "it ended"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                assert answer.status == 200
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("it did not become ready")
