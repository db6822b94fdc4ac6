"""Of a machine's processes one writes for all; when it goes, another one does."""

import subprocess
import sys


def test_one_process_writes_for_all_and_is_replaced_however_it_ends() -> None:
    program = [sys.executable, "-m", "tests.store.scribing"]
    done = subprocess.run(program, capture_output=True, text=True, timeout=120, check=True)
    # how many processes there are, how many of them write, and that these are among them
    assert done.stdout.splitlines() == ["3 1 True", "2 1 True", "1 1 True"]
