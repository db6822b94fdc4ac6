"""Of a machine's processes one writes for all; when it goes, its successor does."""

import subprocess
import sys


def test_one_process_writes_for_all_and_is_replaced_however_it_ends() -> None:
    program = [sys.executable, "-m", "tests.store.scribing"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=240, check=True)
    # how many processes wrote, and that they are among those that run
    assert done.stdout.splitlines() == ["1 True"] * 3
