"""Three processes at one desk, for test_scribe: run as a program. Prints who wrote for whom.

Every process submits works until its input says stop. What is written is not a database here
but the id of the process that writes.
"""

from gevent import monkey

monkey.patch_all()

import os
import signal
import sys
import time
from collections.abc import Sequence

from tracker.store.scribe import Desk, Scribe
from tracker.store.writer import Overloaded, Work, Writer

PROCESSES = 3
ROUNDS = 20


def sign(group: Sequence[Work]) -> None:
    for work in group:
        work.accepted = os.getpid()


def take_part(desk: Desk, report: int) -> None:
    """Submits works, reports who wrote them, and serves the others until it is ended."""
    writer = Writer(None, gather=0.001)  # type: ignore[arg-type]
    writer.write_group = sign
    scribe = Scribe(desk, writer)
    signal.signal(signal.SIGTERM, lambda *_: (scribe.stop(), os._exit(0)))
    while True:
        time.sleep(0.005)
        try:
            written_by = writer.submit(Work()).accepted
        except Overloaded:
            written_by = 0
        os.write(report, f"{os.getpid()} {written_by}\n".encode())


def said(reports: int, rounds: int) -> dict[int, list[int]]:
    """What the processes reported, by process, until each has so often."""
    found: dict[int, list[int]] = {}
    deadline = time.monotonic() + 30
    rest = b""
    while time.monotonic() < deadline:
        *lines, rest = (rest + os.read(reports, 65536)).split(b"\n")
        for line in lines:
            process, written_by = map(int, line.split())
            found.setdefault(process, []).append(written_by)
        if len(found) == rounds and min(map(len, found.values())) >= ROUNDS:
            return found
    raise TimeoutError(found)


def main() -> None:
    desk = Desk()
    reports, report = os.pipe()
    children = set()
    for _ in range(PROCESSES):
        if (child := os.fork()) == 0:
            take_part(desk, report)
        children.add(child)
    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        found = said(reports, len(children))
        writers = {last for lasts in found.values() for last in lasts[-ROUNDS // 2 :]}
        print(len(children), len(writers), writers <= children, flush=True)
        scribe = writers.pop()
        os.kill(scribe, end)
        os.waitpid(scribe, 0)
        children.remove(scribe)
        os.set_blocking(reports, False)
        try:
            while os.read(reports, 65536):
                pass
        except BlockingIOError:
            pass
        os.set_blocking(reports, True)


if __name__ == "__main__":
    sys.exit(main())
