"""Walks through pages: what is wrong with how they look, in light and dark, wide and on a phone."""

from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

AXE = Path(__file__).parent / "vendor" / "axe" / "axe.min.js"
WIDE: Any = {"width": 1440, "height": 900}
PHONE: Any = {"width": 390, "height": 844}
SCROLLS_SIDEWAYS = """new Promise((done) => {
  const wide = () => document.documentElement.scrollWidth > innerWidth;
  const until = performance.now() + 3000; // charts take their new width a little later
  function look() {
    if (wide() && performance.now() < until) requestAnimationFrame(look);
    else done(wide());
  }
  look();
})"""
ONE_OF_A_KIND = r"""() => {
  const words = /(?<=>)[^<]*\S[^<]*(?=<)/g;
  const names = / (href|id|for|name|value|datetime|title|aria-[\w-]+|data-[\w-]+)="[^"]*"/g;
  for (const list of document.querySelectorAll("main :is(tbody, ul, ol, dl)")) {
    const seen = new Set();
    for (const row of [...list.children]) {
      const kind = row.outerHTML.replace(words, "x").replace(names, "");
      if (seen.has(kind)) row.remove();
      seen.add(kind);
    }
  }
}"""
"""Leaves out rows like another in all but their words, each of which would take axe as long."""


def problems(context: BrowserContext, paths: list[str], *, dark_first: bool) -> list[str]:
    """What is wrong with the pages: wide in one light, and on a phone in the other."""
    context.add_init_script(AXE.read_text())
    page, found = context.new_page(), []
    page.on("console", lambda m: found.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    lights: list[Any] = ["dark", "light"] if dark_first else ["light", "dark"]
    for path in paths:
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme=lights[0])
        page.goto(path)
        drawn(page)
        if path != "/patterns":  # which shows what a failed panel looks like
            found += [f"{path}: {said}" for said in page.locator("main .failed").all_inner_texts()]
        page.set_viewport_size({"width": 1024, "height": 768})
        if page.evaluate(SCROLLS_SIDEWAYS):
            found.append(f"{path}: scrolls sideways on a tablet")
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme=lights[1])
        if page.evaluate(SCROLLS_SIDEWAYS):
            found.append(f"{path}: scrolls sideways on a phone")
        page.evaluate(ONE_OF_A_KIND)
        found += violations(page, f"{path} {lights[1]} on a phone")
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme=lights[0])
        found += violations(page, f"{path} {lights[0]}")
    context.close()
    return found


def drawn(page: Page) -> None:
    """Waits until every chart of the page is drawn, as for somebody who looks around."""
    page.mouse.move(0, 0)
    page.mouse.move(9, 9)
    expect(page.locator("[data-chart]:not([data-drawn])")).to_have_count(0)


def violations(page: Page, where: str) -> list[str]:
    """What axe finds, as rule and element."""
    # without fetching style sheets again, for a rule that is off
    axe = "axe.run({resultTypes: ['violations'], preload: false})"
    found = page.evaluate(axe)["violations"]
    return [
        f"{where}: {fault['id']} {node['target']}" for fault in found for node in fault["nodes"]
    ]
