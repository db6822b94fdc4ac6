"""Results as the rows of a Markdown table."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure, what it must reach, and the absolute numbers behind it."""

    what: str
    figure: str
    must: str
    behind: str


def markdown(rows: Iterable[Row]) -> Iterable[str]:
    """The lines of a table, as the rows come in."""
    yield "| what | measured | must reach | behind it |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row.what} | {row.figure} | {row.must} | {row.behind} |"
