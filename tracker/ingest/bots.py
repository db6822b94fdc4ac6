"""Whether a user agent names a crawler or a monitor, by a maintained list."""

import re
from functools import cache, lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

_CLIENTS = "http-library"
"""The list's tag for curl and HTTP libraries, which a person or a server may use."""

_READ_CHARACTERS = 500
"""How much of a user agent is looked at: enough for every browser, and no time lost on more."""


def is_bot(user_agent: str) -> bool:
    """True for crawlers and monitors; False for browsers, HTTP libraries and no user agent."""
    return _is_crawler(user_agent[:_READ_CHARACTERS])


@lru_cache(maxsize=4096)
def _is_crawler(read: str) -> bool:
    return _crawlers().search(read) is not None


@cache
def _crawlers() -> re.Pattern[str]:
    # one pattern is searched a hundred times as fast as the list's own thousand
    return re.compile(
        "|".join(
            crawler["pattern"]
            for crawler in CRAWLER_USER_AGENTS_DATA
            if _CLIENTS not in crawler.get("tags", ())
        )
    )
