"""Reading pages as a visitor does: the sentence, links, tables."""

import html
import re

WEEK = "from=2026-11-02&to=2026-11-08"
"""The week that tests/metrics/asking.py writes events of."""


def in_words(markup: str) -> str:
    """Markup without its tags, in single spaces."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def answer_of(page: str) -> str:
    """The page's sentence, without the year that is added to days once it is over."""
    found = re.search(r'<p class="answer">(.*?)</p>', page, re.S)
    assert found, "no sentence"
    return in_words(found[1]).replace(" 2026", "")


def panel_of(page: str, name: str) -> str:
    """The markup of one panel."""
    found = re.search(rf'<section[^>]* id="{name}".*?</section>', page, re.S)
    assert found, f"no panel {name}"
    return found[0]


def links_of(markup: str) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'href="([^"]+)"', markup)]
