"""When charts are drawn: those in view at once, the others later, all of them on paper."""

import base64
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.sites import Site, served

pytestmark = pytest.mark.browser

PATH = "/sage?period=7d"
CHARTS = "[data-chart]"
UNDRAWN = "[data-chart]:not([data-drawn])"
NOBODY_WAITS = """{
  const soon = window.setTimeout;
  window.setTimeout = (run, after, ...rest) => after > 2000 ? 0 : soon(run, after, ...rest);
}"""
"""Takes away the time after which charts are drawn by themselves."""
FIRST_PIXEL = """async (png) => {
  const bytes = Uint8Array.from(atob(png), (one) => one.charCodeAt(0));
  const image = await createImageBitmap(new Blob([bytes]));
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  canvas.drawImage(image, 0, 0);
  return [...canvas.getImageData(0, 0, 1, 1).data];
}"""
SHOWN_ON_PAPER = """[...document.querySelectorAll("figure.chart")].map((it) => {
  if (it.querySelector("[data-drawn]")) return "chart";
  return it.querySelector("details[open]") ? "numbers" : "nothing";
})"""


@pytest.fixture(scope="module")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    path = tmp_path_factory.mktemp("charts") / "tracker.db"
    shutil.copy(sqlite_template, path)
    with served(f"sqlite:///{path}", filled=True) as served_site:
        yield served_site


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A window so low that no chart is in view."""
    context = site.open(browser, viewport={"width": 1000, "height": 200})
    yield context.new_page()
    context.close()


def open_until_quiet(page: Page) -> None:
    """Opens the page and waits until it fetches nothing more, and its scripts have surely run."""
    page.goto(PATH)
    page.wait_for_load_state("networkidle")


def has_plotly(page: Page) -> bool:
    there: bool = page.evaluate("'Plotly' in window")
    return there


def test_charts_near_the_view_are_drawn_after_a_while_and_others_when_somebody_moves(
    page: Page,
) -> None:
    page.set_viewport_size({"width": 1000, "height": 400})  # the first is below, others are far
    page.goto(PATH)
    expect(page.locator(CHARTS).first).to_have_attribute("data-drawn", "")
    page.wait_for_timeout(3000)  # longer than what is near waits
    assert page.locator(UNDRAWN).count() > 1
    page.mouse.move(9, 9)
    expect(page.locator(UNDRAWN)).to_have_count(0)


def test_without_a_chart_in_view_plotly_waits_for_a_sign_of_somebody(page: Page) -> None:
    page.add_init_script(NOBODY_WAITS)
    open_until_quiet(page)
    assert not has_plotly(page)
    page.keyboard.press("Tab")
    expect(page.locator(UNDRAWN)).to_have_count(0)


def test_on_a_phone_a_chart_in_view_waits_too(page: Page) -> None:
    page.add_init_script(NOBODY_WAITS)
    page.set_viewport_size({"width": 412, "height": 2000})
    open_until_quiet(page)
    assert not has_plotly(page)
    page.mouse.move(9, 9)
    expect(page.locator(UNDRAWN)).to_have_count(0)


def test_on_a_phone_only_what_is_in_view_is_drawn_after_a_while(page: Page) -> None:
    page.set_viewport_size({"width": 412, "height": 400})
    page.goto(PATH)
    page.wait_for_timeout(4000)
    assert not has_plotly(page)
    page.set_viewport_size({"width": 412, "height": 2000})
    expect(page.locator(CHARTS).first).to_have_attribute("data-drawn", "")


def test_a_chart_in_view_is_drawn_and_leaves_the_others_for_later(page: Page) -> None:
    page.add_init_script(NOBODY_WAITS)
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto(PATH)
    expect(page.locator(CHARTS).first).to_have_attribute("data-drawn", "")
    expect(page.locator(UNDRAWN)).not_to_have_count(0)


def point_at(page: Page, plot: Locator, days_ago: int, days: int) -> None:
    """Moves to the place of a day, so many days before the last."""
    box = plot.locator(".nsewdrag").first.bounding_box()
    assert box
    x = box["x"] + box["width"] * (1 - days_ago / (days - 1)) - (days_ago == 0)
    for step in (3, 0):
        page.mouse.move(x - step, box["y"] + 40 + step)


def press(page: Page) -> None:
    """Presses the mouse where it is, as long as a hand does: Plotly loses what is quicker."""
    page.mouse.down()
    page.wait_for_timeout(150)
    page.mouse.up()


def test_a_point_of_a_chart_leads_to_its_day(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto("/overview?period=7d")
    plot = page.locator("#daily-events [data-chart]")
    days = page.locator("#daily-events tbody time").evaluate_all(
        "all => all.map(it => [it.dateTime, it.innerText])"
    )
    for days_ago in (3, 0):  # today has a line of its own
        expect(plot).to_have_attribute("data-drawn", "")
        day, words = days[-1 - days_ago]
        point_at(page, plot, days_ago, len(days))
        expect(plot.locator(".hoverlayer .legend")).to_contain_text(words)
        press(page)
        page.wait_for_url(f"**/overview?from={day}&to={day}")
        page.go_back()


@pytest.mark.parametrize("period", ["7d", "90d"])
def test_each_day_tells_its_own_numbers_and_notes(page: Page, site: Site, period: str) -> None:
    site.note("Raised the rates")
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.set_viewport_size({"width": 1300, "height": 900})
    page.goto(f"/overview?period={period}")
    plot = page.locator("#daily-events [data-chart]")
    expect(plot).to_have_attribute("data-drawn", "")
    table = page.locator("#daily-events tbody tr")
    rows = table.evaluate_all("all => all.map(it => [...it.cells].map(cell => cell.innerText))")
    for back in (2, 1, 0):  # today has a line of its own, which begins yesterday
        point_at(page, plot, back, len(rows))
        told = plot.locator(".hoverlayer .legend")
        expect(told).to_contain_text(rows[-1 - back][0])
        expect(told).to_contain_text(f"{rows[-1 - back][2]} searches")
        expect(told).not_to_have_text(re.compile("searches.*searches"))
        for of_today in ("so far", "Raised the rates"):
            tells = expect(told).to_contain_text if back == 0 else expect(told).not_to_contain_text
            tells(of_today)
    assert faults == []


@pytest.mark.parametrize("width", [360, 390, 1000])
@pytest.mark.parametrize("path", ["/overview?period=7d", "/sage?period=7d"])
def test_the_days_of_a_week_do_not_run_into_each_other(page: Page, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    page.mouse.move(9, 9)
    expect(page.locator(UNDRAWN)).to_have_count(0)
    for plot in page.locator(CHARTS).all():
        marks = plot.locator(".xtick text").evaluate_all(
            "all => all.map(it => it.getBoundingClientRect()).map(it => [it.left, it.right])"
        )
        assert len(marks) > 2
        assert all(right < left for (_, right), (left, _) in pairwise(sorted(marks)))


def test_a_picture_of_a_chart_has_its_title_and_ground(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto("/overview?period=7d")
    plot = page.locator("#daily-events [data-chart]")
    expect(plot).to_have_attribute("data-drawn", "")
    plot.hover()
    with page.expect_download() as saved:
        plot.locator("[data-title='Download as PNG']").click()
    picture = saved.value
    assert picture.suggested_filename == "What visitors did, by day.png"
    ground = page.evaluate(FIRST_PIXEL, base64.b64encode(picture.path().read_bytes()).decode())
    assert ground == [251, 250, 247, 255]  # --paper, not transparent


def test_a_row_is_a_link_wherever_it_is_clicked(page: Page) -> None:
    page.set_viewport_size({"width": 1300, "height": 900})
    page.goto("/demand?period=7d")
    row = page.locator("#zero-result-queries tbody tr").first
    address = row.locator("td:first-child a").get_attribute("href")
    row.locator("td").nth(1).click(force=True)  # the link lies over it
    page.wait_for_url("**/people?**")
    assert page.url.endswith(address or "no address")


def test_a_bar_of_the_funnel_leads_to_the_sessions_that_got_so_far(page: Page) -> None:
    page.set_viewport_size({"width": 1000, "height": 900})
    page.goto("/people?period=7d#funnel")
    page.mouse.move(9, 9)
    plot = page.locator("#funnel [data-chart]")
    expect(plot).to_have_attribute("data-drawn", "")
    bar = plot.locator(".point path").nth(1)
    bar.hover(force=True)
    expect(plot.locator(".hovertext")).to_be_visible()
    press(page)
    page.wait_for_url("**/people?period=7d&step=set+a+filter+or+searched#sessions")
    assert "set a filter or searched in this period" in page.locator(".answer").inner_text()


@pytest.mark.parametrize(("height", "shown"), [(900, "chart"), (200, "numbers")])
def test_on_paper_no_chart_is_missing(page: Page, height: int, shown: str) -> None:
    page.add_init_script(NOBODY_WAITS)
    page.set_viewport_size({"width": 1000, "height": height})
    open_until_quiet(page)
    if shown == "chart":
        expect(page.locator(CHARTS).first).to_have_attribute("data-drawn", "")
    page.pdf()
    assert set(page.evaluate(SHOWN_ON_PAPER)) == {shown}
