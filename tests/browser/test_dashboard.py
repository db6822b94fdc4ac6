"""The dashboard in a real browser: what an operator does with it."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from tests.browser.conftest import USER_AGENT, Held, press_in_turn
from tests.browser.network import PATIENCE
from tests.browser.test_marketplace import Quietly
from tests.conftest import PASSWORD, dispose, make_app, make_tenant, record
from tests.dashboard.conftest import ADMIN, browser_of, make_operator
from tests.dashboard.test_panels import click

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
TWICE = """(button) => new Promise((done) => {
  button.click();
  setTimeout(() => done(button.click()), 200);
})"""


@pytest.fixture(scope="module")
def service(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, str]]:
    """The app with some events and an admin, served with threads."""
    path = tmp_path_factory.mktemp("dashboard") / "tracker.db"
    shutil.copy(sqlite_template, path)
    app = make_app(f"sqlite:///{path}", {})
    make_operator(app)
    record(app, *(click(n) for n in range(40)))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quietly)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield app, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    dispose(app)


def open_context(browser: Browser, service: tuple[Flask, str], **more: Any) -> BrowserContext:
    """A context where the admin is logged in."""
    app, address = service
    cookie = browser_of(app, ADMIN).get_cookie("session")
    assert cookie is not None
    context = browser.new_context(
        user_agent=USER_AGENT, base_url=address, reduced_motion="reduce", **more
    )
    context.set_default_timeout(PATIENCE * 1000)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
    return context


@pytest.fixture
def desk(browser: Browser, service: tuple[Flask, str]) -> Iterator[Page]:
    context = open_context(browser, service, viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[str]:
    """What axe finds, as rule and element."""
    # Through the debugger, which the page's policy does not bind.
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{fault['id']} {node['target']}" for fault in found for node in fault["nodes"]]


def test_the_door_is_accessible(browser: Browser, service: tuple[Flask, str]) -> None:
    context = browser.new_context(base_url=service[1])
    page = context.new_page()
    page.goto("/overview")
    assert violations(page) == []
    page.get_by_label("E-mail address").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Log in")
    context.close()


def test_an_event_shows_up_by_itself(desk: Page, service: tuple[Flask, str]) -> None:
    asked = Held(desk, "**/activity/events.json*")
    desk.goto("/activity")
    expect(desk.locator("#events tbody tr")).to_have_count(30)
    newest = desk.locator("#events tbody tr").first
    record(service[0], click(payload={"expert_id": "exp_before_it_asked", "context": "grid"}))
    asked.first()
    desk.unroute_all()  # which lets it go on
    expect(newest).to_contain_text("exp_before_it_asked")
    record(service[0], click(payload={"expert_id": "exp_just_now", "context": "grid"}))
    expect(newest).to_contain_text("exp_just_now")


def test_the_keyboard_is_enough(desk: Page) -> None:
    desk.goto("/overview")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to the content")).to_be_focused()
    press_in_turn(desk, "g", "c")
    desk.wait_for_url("**/catalog")
    desk.keyboard.press("/")
    search = desk.get_by_role("searchbox")
    expect(search).to_be_focused()
    search.fill("ingest_")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**q=ingest_*")
    expect(desk.locator("#event-types tbody tr")).to_have_count(3)
    desk.locator("h1").click()
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog")).to_be_hidden()


def test_a_table_is_sorted_paged_and_reproduced_by_its_link(desk: Page) -> None:
    desk.goto("/patterns")
    table = desk.locator("#lines")
    table.get_by_role("link", name="Times").click()
    expect(table.get_by_role("columnheader", name="Times")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(table.locator("tbody tr").first).to_contain_text("412")
    table.get_by_role("link", name="Further rows").click()
    expect(table.locator("tbody tr")).to_have_count(6)
    rows = table.locator("tbody").inner_text()
    desk.goto(desk.url)
    assert table.locator("tbody").inner_text() == rows


def test_a_period_is_chosen_and_kept(desk: Page) -> None:
    desk.goto("/overview")
    desk.get_by_role("link", name="7d").click()
    desk.wait_for_url("**/overview?period=7d")
    desk.locator(".range > summary").click()
    desk.get_by_label("From").fill("2026-10-18")
    desk.get_by_label("To", exact=True).fill("2026-11-14")
    desk.locator(".range").get_by_role("button", name="Show").click()
    desk.wait_for_url("**/overview?from=2026-10-18&to=2026-11-14")
    expect(desk.locator(".range > summary")).to_have_text("18 Oct to 14 Nov")


def test_a_period_that_ends_before_it_begins_is_not_sent(desk: Page) -> None:
    desk.goto("/overview?from=2026-11-10&to=2026-11-20")
    desk.locator(".range summary").click()
    desk.get_by_label("From").fill("2026-11-25")
    desk.locator(".range button").click()
    assert desk.get_by_label("To", exact=True).evaluate("(field) => field.validity.rangeUnderflow")
    assert "to=2026-11-20" in desk.url


def test_what_is_asked_stays_in_one_line_on_phones(desk: Page) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.goto("/overview")
    desk.evaluate("scrollTo({top: 1000, behavior: 'instant'})")
    asked = desk.locator(".asked")
    expect(asked.get_by_role("link", name="28d")).to_be_in_viewport()
    box = asked.bounding_box()
    assert box is not None
    assert (box["y"], box["height"] <= 48) == (0, True)
    asked.locator(".range > summary").click()
    expect(asked.get_by_label("From")).to_be_in_viewport(ratio=1)


def test_the_numbers_of_a_chart_are_one_click_away(desk: Page) -> None:
    desk.goto("/overview?period=7d")
    numbers = desk.locator("#daily-events .numbers")
    expect(numbers.locator("table")).to_be_hidden()
    numbers.locator("summary").click()
    expect(numbers.locator("tbody tr")).to_have_count(7)


def test_a_long_list_of_tenants_is_searched(desk: Page, service: tuple[Flask, str]) -> None:
    for n in range(13):
        make_tenant(service[0], f"t-{n}")
    desk.goto("/settings/operators")
    ticks = desk.locator("#add .ticks")
    expect(ticks).to_be_hidden()
    desk.locator("#add").get_by_label("Role").select_option("tenant")
    ticks.get_by_label("T-3").check()
    desk.locator("#add").get_by_role("searchbox").fill("t-12")
    expect(ticks.get_by_label("T-12")).to_be_visible()
    expect(ticks.get_by_label("T-3")).to_be_visible()  # it is ticked
    expect(ticks.get_by_label("T-4")).to_be_hidden()
    desk.goto("/settings")
    rows = desk.locator("#tenants tbody tr")
    desk.get_by_role("searchbox", name="Search tenants").fill("t-12")
    expect(rows.filter(visible=True)).to_have_count(1)
    expect(rows.filter(visible=True)).to_contain_text("T-12")


def test_a_double_click_makes_one_key(desk: Page) -> None:
    posts = Held(desk, "**/settings/tenants/default/keys")
    desk.goto("/settings/tenants/default")
    desk.get_by_label("What is it for?").fill("once")
    # by script: Playwright itself would wait for the answer to the first
    desk.get_by_role("button", name="Make a key").evaluate(TWICE)
    posts.first()
    desk.wait_for_timeout(400)  # time for a second
    assert len(posts.routes) == 1
    posts.first().continue_()
    expect(desk.get_by_text("is made.")).to_be_visible()


def test_dark_is_chosen_with_a_button_and_kept(desk: Page) -> None:
    desk.goto("/overview")
    before = desk.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    desk.get_by_role("button", name="Light or dark").click()
    after = desk.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert after != before
    desk.reload()
    assert desk.evaluate("document.documentElement.dataset.theme") == "dark"


def test_a_csv_is_downloaded(desk: Page) -> None:
    desk.goto("/overview")
    with desk.expect_download() as download:
        desk.locator("#totals").get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.startswith("overview-totals-")


def test_a_page_is_readable_without_scripts(browser: Browser, service: tuple[Flask, str]) -> None:
    context = open_context(
        browser, service, java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto("/overview")
    expect(page.get_by_role("link", name="Catalog")).to_be_visible()
    page.locator("#daily-events .numbers > summary").click()
    expect(page.locator("#daily-events .numbers tbody tr").first).to_be_visible()
    page.goto("/activity")
    expect(page.get_by_role("button", name="Show").first).to_be_visible()
    context.close()
