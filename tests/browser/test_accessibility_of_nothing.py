"""Every page without data: accessible in light and dark, and quiet."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.sites import served
from tests.browser.walking import WIDE, problems

pytestmark = pytest.mark.browser


def test_every_page_without_data_is_accessible_quiet_and_fits(
    browser: Browser, sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path / "tracker.db")
    with served(f"sqlite:///{tmp_path}/tracker.db", filled=False) as empty:
        context = empty.open(browser, viewport=WIDE, color_scheme="dark")
        assert "\n".join(problems(context, empty.paths, dark_first=True)) == ""
