"""docs/dashboard.md names pages and panels that there are, and pictures of them."""

import re

import pytest

from tracker.config import ROOT
from tracker.dashboard.pages import PAGES

GUIDE = (ROOT / "docs" / "dashboard.md").read_text()
SECTIONS = {
    path: section
    for section in GUIDE.split("\n## ")
    for path in re.findall(r"^`(/\w+)`", section, re.MULTILINE)
}
ELSEWHERE = {"Save view"}


def titles(page_path: str) -> set[str]:
    """Of the panels of a page, and of the pages below it."""
    below = (page for page in PAGES if f"{page.path}/".startswith(f"{page_path}/"))
    return {panel.title for page in below for panel in page.panels}


def test_the_guide_has_a_section_for_each_page_of_answers() -> None:
    assert set(SECTIONS) == {"/demand", "/filters", "/experts", "/sage", "/trips", "/business"}


@pytest.mark.parametrize("path", SECTIONS)
def test_panels_are_called_what_the_pages_call_them(path: str) -> None:
    pages = {path, *re.findall(r"`(/\w+)`", SECTIONS[path])}
    named = set(re.findall(r"\*\*(.+?)\*\*", SECTIONS[path].replace("\n", " ")))
    assert named <= set().union(*map(titles, pages)) | ELSEWHERE


def test_every_picture_is_there() -> None:
    pictures = re.findall(r"\]\((images/[^)]+)\)", GUIDE)
    assert len(pictures) == len(SECTIONS)
    for picture in pictures:
        assert (ROOT / "docs" / picture).stat().st_size > 10_000
