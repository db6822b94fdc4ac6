"""Writes what is generated anew: `make docs`. A test holds all of it current."""

from collections.abc import Callable
from pathlib import Path

from docs.pages_made import metrics, settings
from tracker.catalog.taxonomy import taxonomy
from tracker.catalog.typescript import typescript

DOCS = Path(__file__).resolve().parent
GENERATED: dict[str, Callable[[], str]] = {
    "taxonomy.md": taxonomy,
    "settings.md": settings,
    "metrics.md": metrics,
    "../static/tracker-events.d.ts": typescript,
}
"""What each generated file is made by; paths start at docs/."""


def generate() -> None:
    for name, page in GENERATED.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    generate()
