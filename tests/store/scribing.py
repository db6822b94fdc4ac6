"""Processes at one desk, for test_scribe: run as a program. Prints who wrote for whom.

One takes the desk and writes, the others submit works until they are ended. What is written is
not a database here but the id of the process that writes.
"""

from gevent import monkey

monkey.patch_all()

import os
import signal
import time
from collections.abc import Sequence

from tracker.desk import Desk
from tracker.store.scribe import Clerk, write_for_all
from tracker.store.writer import Overloaded, Work, Writer

CLERKS = 2
REPORTS = 20


def sign(group: Sequence[Work]) -> None:
    for work in group:
        work.accepted = os.getpid()


def take_part(desk: Desk, report: int) -> None:
    """Writes for the others, or has works written and reports by whom."""
    writer = Writer(None)  # type: ignore[arg-type]
    if desk.take():
        writer.write_group = sign
        finish = write_for_all(desk, writer)
        ended: list[int] = []
        signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
        while not ended:
            time.sleep(0.05)
        finish(0.1)
        os._exit(0)
    Clerk(desk, writer)
    while True:
        time.sleep(0.005)
        try:
            written_by = writer.submit(Work()).accepted
        except Overloaded:
            written_by = 0
        os.write(report, f"{os.getpid()} {written_by}\n".encode())


def writers(reports: int) -> set[int]:
    """Who wrote the last works that each clerk reported."""
    found: dict[int, list[int]] = {}
    while len(found) < CLERKS or min(map(len, found.values())) < REPORTS:
        for line in os.read(reports, 4096).split(b"\n"):
            if line.count(b" ") == 1:
                clerk, written_by = map(int, line.split())
                found.setdefault(clerk, []).append(written_by)
    return {last for each in found.values() for last in each[-5:]}


def started(desk: Desk, report: int) -> int:
    child = os.fork()
    if child == 0:
        take_part(desk, report)
    return child


def main() -> None:
    desk = Desk()
    reports, report = os.pipe()
    children = {started(desk, report) for _ in range(1 + CLERKS)}
    for end in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        wrote = writers(reports)
        print(len(wrote), wrote <= children, flush=True)
        scribe = wrote.pop()
        os.kill(scribe, end)
        os.waitpid(scribe, 0)
        children.remove(scribe)
        children.add(started(desk, report))  # as gunicorn does
        os.read(reports, 65536)
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    main()
