"""One process of a machine writes for all of them.

Web processes that took turns at the database would each find their caches outdated, would commit
smaller groups more often, and could not read requests while they write. So one process does
nothing but write: the scribe. The others hand it their groups at a desk. Several machines on one
PostgreSQL have a scribe each.
"""

import time
from collections.abc import Sequence
from typing import Any

from tracker.desk import Desk, Finish, NotTaken
from tracker.store.writer import PATIENCE_SECONDS, Overloaded, Work, Writer

Group = Sequence[Work]
_AGAIN_SECONDS = 0.05


def write_for_all(desk: Desk, writer: Writer) -> Finish:
    """Makes this process the scribe; returns what lets it end."""
    writer.gather_seconds = 0  # while one group is written the next ones gather by themselves

    def written(group: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        works = [Work(*parts) for parts in group]
        writer.submit_all(works)
        return [
            (work.accepted, work.duplicates, work.linked, work.error and str(work.error))
            for work in works
        ]

    return desk.serve(written)


class Clerk:
    """Hands the groups of a process in at the scribe's desk."""

    def __init__(self, desk: Desk, writer: Writer) -> None:
        self._line = desk.line(PATIENCE_SECONDS)
        writer.write_group = self.write
        writer.gather_seconds = 0

    def write(self, group: Group) -> None:
        """Has a group written; each work says what came of it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                self._have_written(group)
            except NotTaken:
                if time.monotonic() < deadline:
                    time.sleep(_AGAIN_SECONDS)
                    continue
                _give_up(group, "no process writes")
            except (OSError, EOFError):
                _give_up(group, "the writing process ended")
            return

    def _have_written(self, group: Group) -> None:
        answers = self._line.ask(
            [(work.rows, work.links, work.warned, work.sampled) for work in group]
        )
        for work, answer in zip(group, answers, strict=True):
            work.accepted, work.duplicates, work.linked, error = answer
            work.error = Overloaded(error) if error else None


def _give_up(group: Group, why: str) -> None:
    for work in group:
        work.error = Overloaded(why)
