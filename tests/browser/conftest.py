"""One Chromium for this folder, one context per test, and the scriptable network."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Playwright,
    Route,
    expect,
    sync_playwright,
)

from .network import PATIENCE, Network

# Headless Chromium names itself, and would be taken for a bot.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP shop.test 127.0.0.1",
]

expect.set_options(timeout=PATIENCE * 1000)


class Held:
    """Requests to an address, which wait until the test lets them go on."""

    def __init__(self, page: Page, address: str) -> None:
        self.routes: list[Route] = []
        self._page = page
        page.route(address, lambda route: self.routes.append(route))

    def first(self) -> Route:
        """The first request, once it is there."""
        for _ in range(PATIENCE * 100):
            if self.routes:
                return self.routes[0]
            self._page.wait_for_timeout(10)
        raise AssertionError("no request came")


def press_in_turn(page: Page, *keys: str) -> None:
    """Presses keys that mean something together, without a pause that a busy machine may make."""
    press = """keys => keys.forEach((key) => document.activeElement.dispatchEvent(
        new KeyboardEvent("keydown", { key, bubbles: true })))"""
    page.evaluate(press, list(keys))


def _chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if path := shutil.which(name):
            return path
    raise _lacking("no chromium on PATH: browser tests need one (apt-get install chromium)")


def _driver() -> Playwright:
    try:
        return sync_playwright().start()
    except Exception as error:
        raise _lacking(f"Playwright says {error}: apt-get install libatomic1") from None


def _lacking(what: str) -> BaseException:
    """What skips the tests, or fails them where skipping is forbidden."""
    if os.environ.get("CI") == "true" or os.environ.get("TRACKER_NO_SKIPS") == "1":
        return pytest.fail.Exception(what, pytrace=False)
    return pytest.skip.Exception(what)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Gone before tests that run an event loop of their own: Playwright's runs in their thread."""
    path, playwright = _chromium(), _driver()
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(user_agent=USER_AGENT, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.close()
