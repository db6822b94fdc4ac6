"""How pytest-xdist shares the tests out among its processes."""

from xdist.scheduler import LoadFileScheduling

FIRST = (
    "tests/faults/test_database_away.py",
    "tests/browser/test_accessibility",
    "tests/faults",
    "tests/browser",
    "tests/real",
    "tests/demo",
    "tests/privacy/test_server_log.py",
)
"""What takes longest begins first, so that no process is still at it when the others are done."""

TOGETHER = "tests/real/"
"""The files of this folder share data that takes seconds to import."""


def turn(nodeid: str) -> int:
    """Where a test comes in the order."""
    places = (place for place, start in enumerate(FIRST) if nodeid.startswith(start))
    return next(places, len(FIRST))


class Sharing(LoadFileScheduling):
    """A file's tests stay in one process, in the order they were collected in."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)
