"""The worker as a service of its own, as Railway starts it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

from tracker.config import ROOT


def test_the_railway_worker_runs_the_clock_and_ends_when_told(sqlite_database: str) -> None:
    deploy = json.loads((ROOT / "railway.worker.json").read_text())["deploy"]
    assert "healthcheckPath" not in deploy  # it listens to nobody
    command, *words = deploy["startCommand"].split()
    worker = subprocess.Popen(
        [Path(sys.executable).with_name(command), *words],
        cwd=ROOT,
        env={"DATABASE_URL": sqlite_database, "SECRET_KEY": "a secret of the tests"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert worker.stderr is not None
    assert worker.stderr.readline() == "the clock runs; stop it with Ctrl-C\n"
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    worker.stderr.close()
