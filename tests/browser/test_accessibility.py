"""Every page with data: accessible in light and dark, quiet, by keyboard, light."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import press_in_turn
from tests.browser.sites import Site, served
from tests.browser.walking import PHONE, SCROLLS_SIDEWAYS, WIDE, drawn, problems
from tests.dashboard.conftest import ADMIN, browser_of
from tracker.dashboard.pages import PAGES
from tracker.demo.simulation.marketplace import TENANT

pytestmark = pytest.mark.browser

KILOBYTE = 1024
LIGHT_PAGE, WITH_PLOTLY = 60 * KILOBYTE, 500 * KILOBYTE
"""What a page may weigh when it is loaded for the first time, compressed."""


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("filled") / "tracker.db"
    shutil.copy(sqlite_template, path)
    with served(f"sqlite:///{path}", filled=True) as site:
        yield site


@pytest.fixture
def desk(browser: Browser, filled: Site) -> Iterator[Page]:
    context = filled.open(browser, viewport=WIDE)
    yield context.new_page()
    context.close()


def test_every_declared_page_is_among_those_looked_at(filled: Site) -> None:
    paths = [path.split("?")[0] for path in filled.paths]
    for page in PAGES:
        pattern = re.sub(r"<[^>]+>", "[^/]+", page.path)
        assert any(re.fullmatch(pattern, path) for path in paths), page.path


def test_every_page_with_data_is_accessible_quiet_and_fits(browser: Browser, filled: Site) -> None:
    context = filled.open(browser, viewport=WIDE, color_scheme="light")
    assert "\n".join(problems(context, filled.paths, dark_first=False)) == ""


def test_a_table_that_fits_keeps_its_head_in_sight_and_a_wide_one_scrolls(desk: Page) -> None:
    desk.goto("/alerts")
    frame = desk.get_by_role("region", name="Rules, table")
    overflow = "it => getComputedStyle(it).overflowX"
    place = "it => getComputedStyle(it.querySelector('th')).position"
    assert (frame.evaluate(overflow), frame.evaluate(place)) == ("visible", "sticky")
    frame.evaluate("it => it.querySelector('th').textContent = 'wide '.repeat(500)")
    desk.evaluate("dispatchEvent(new Event('resize'))")
    assert (frame.evaluate(overflow), frame.evaluate(place)) == ("auto", "static")
    assert not desk.evaluate(SCROLLS_SIDEWAYS)


def test_no_field_hides_in_a_frame_that_scrolls(desk: Page) -> None:
    cut = """[...document.querySelectorAll("main details")].map((it) => it.open = true) &&
        [...document.querySelectorAll("main fieldset")]
        .filter((it) => it.scrollHeight > it.clientHeight)
        .map((it) => it.querySelector("legend").innerText)"""
    desk.set_viewport_size(PHONE)
    for path, choice in (("/alerts", "panel"), ("/settings/operators", "tenant")):
        desk.goto(path)
        desk.evaluate(cut)
        option = desk.locator(f"main option[value={choice}]").first
        option.evaluate("(it) => { it.selected = true; }")
        expect(desk.locator("main fieldset").first).to_be_visible()
        assert desk.evaluate(cut) == [], path


OUT_OF_SIGHT = """[...document.querySelectorAll("main button, main summary")]
  .filter((it) => it.checkVisibility())
  .filter((it) => it.getBoundingClientRect().right > innerWidth).map((it) => it.innerText)"""


@pytest.mark.parametrize("path", ["/alerts", "/annotations", "/views", "/settings/operators"])
def test_on_a_phone_no_button_of_a_row_is_out_of_sight(
    browser: Browser, filled: Site, path: str
) -> None:
    context = filled.open(browser, viewport=PHONE)
    page = context.new_page()
    page.goto(path)
    assert page.evaluate(OUT_OF_SIGHT) == []
    context.close()


def test_a_rule_is_deleted_by_who_says_so_twice(desk: Page) -> None:
    desk.goto("/alerts")
    rows = desk.locator("#rules tbody tr")
    before = rows.count()
    rows.first.locator(".sure > summary").press("Enter")
    sure = rows.first.get_by_role("button", name="Yes, delete it")
    expect(sure).to_be_visible()
    desk.keyboard.press("Escape")
    expect(sure).to_be_hidden()
    expect(rows.first.locator(".sure > summary")).to_be_focused()
    desk.keyboard.press("Enter")
    sure.click()
    expect(rows).to_have_count(before - 1)


def test_no_page_weighs_more_than_it_may(filled: Site) -> None:
    client = browser_of(filled.app, ADMIN)

    def weight(path: str) -> int:
        return len(client.get(path, headers={"Accept-Encoding": "gzip"}).data)

    shared = weight("/assets/app.css") + weight("/assets/app.js") + weight("/assets/icon.svg")
    plotly = weight("/assets/plotly.js")
    weights = {path: weight(path) + shared for path in filled.paths}
    assert {path: size for path, size in weights.items() if size > LIGHT_PAGE} == {}
    assert max(weights.values()) + plotly <= WITH_PLOTLY


def test_a_second_load_takes_everything_but_the_page_from_the_cache(desk: Page) -> None:
    fetched = "performance.getEntriesByType('resource').filter((it) => it.transferSize)"
    sizes = []
    for path in ("/overview", "/sage"):
        desk.goto(path)
        drawn(desk)
        sizes.append(desk.evaluate(f"{fetched}.length"))
    first, second = sizes
    assert first >= 3  # style, script and Plotly
    assert second == 0


def test_tab_reaches_everything_and_shows_where_it_is(desk: Page) -> None:
    desk.goto("/demand")
    drawn(desk)
    wanted = desk.evaluate(
        """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
        .filter((it) => it.type !== "hidden" && it.checkVisibility({visibilityProperty: true}))
        .map((it) => it.dataset.wanted = "").length"""
    )
    desk.evaluate(
        """addEventListener("focusin", ({ target }) => {
          const { outlineStyle, outlineWidth } = getComputedStyle(target);
          const seen = outlineStyle !== "none" && outlineWidth !== "0px";
          target.dataset.reached = seen ? "seen" : "unseen";
        })"""
    )
    for _ in range(wanted + 20):
        desk.keyboard.press("Tab")
    name = ".map((it) => it.outerHTML.slice(0, 120))"
    assert desk.evaluate(f"""[...document.querySelectorAll("[data-reached=unseen]")]{name}""") == []
    missed = """[...document.querySelectorAll("[data-wanted]:not([data-reached])")]"""
    assert desk.evaluate(missed + name) == []


def test_a_view_is_saved_and_opened_with_the_keyboard_alone(desk: Page) -> None:
    desk.goto("/experts?period=7d")
    desk.locator(".save-view > summary").focus()
    desk.keyboard.press("Enter")
    desk.keyboard.press("Tab")
    desk.keyboard.type("Experts this week")
    desk.keyboard.press("Enter")
    link = desk.get_by_role("link", name="Experts this week", exact=True)
    expect(link).to_have_attribute("aria-current", "page")
    desk.goto("/overview")
    link.focus()
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/experts?period=7d")


def test_a_note_is_added_with_the_keyboard_and_flies_on_the_charts(desk: Page) -> None:
    desk.goto("/overview?period=7d")
    press_in_turn(desk, "g", "n")
    desk.wait_for_url("**/annotations*")
    desk.get_by_label("Tenant").select_option(TENANT)
    desk.get_by_label("What happened").focus()
    desk.keyboard.type("Changed the prompt")
    desk.keyboard.press("Enter")
    expect(desk.locator("main tbody tr").first).to_contain_text("Changed the prompt")
    desk.goto("/overview?period=7d")
    drawn(desk)
    numbers = desk.locator("#daily-events .numbers")
    numbers.locator("summary").focus()
    desk.keyboard.press("Enter")
    expect(numbers.locator("tbody tr").last).to_contain_text("Changed the prompt")
