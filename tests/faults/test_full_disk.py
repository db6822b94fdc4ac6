"""A disk that fills up: refused with a 503, and nothing that was acknowledged is lost."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import StoredOnce
from tests.faults.service import Load, served
from tests.ingest.sending import click, with_id


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        reason = f"a small file system can't be mounted here: {mounted.stderr.strip()}"
        if os.environ.get("TRACKER_NO_SKIPS") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_is_a_503_until_there_is_room_again(
    sqlite_template: Path, small_disk: Path, assert_stored_once: StoredOnce
) -> None:
    path, ballast = small_disk / "tracker.db", small_disk / "ballast"
    shutil.copy(sqlite_template, path)
    ballast.write_bytes(b"\0" * 4_000_000)
    url = f"sqlite:///{path}"
    with served(url) as service:
        load = Load(service)
        for _ in range(60):
            batch = [with_id(click(note="x" * 1000)) for _ in range(100)]
            if not load.send(batch):
                break
        assert load.statuses == {503}
        assert load.acknowledged
        assert None not in load.retry_after
        assert service.ask("GET", "/healthz")[0] == 200
        ballast.unlink()
        load.send_unknown_again()
        service.terminate()
    assert_stored_once(url, load.acknowledged)
