"""Writes the generated parts of the docs anew: `make docs`. A test holds them current."""

from collections.abc import Callable
from pathlib import Path

from tracker.catalog.taxonomy import taxonomy

DOCS = Path(__file__).resolve().parent
GENERATED: dict[str, Callable[[], str]] = {"taxonomy.md": taxonomy}
"""What each generated page is made by."""


def generate() -> None:
    for name, page in GENERATED.items():
        (DOCS / name).write_text(page())


if __name__ == "__main__":
    generate()
