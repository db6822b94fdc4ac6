"""Whether a user agent names a crawler or a monitor, by a maintained list."""

from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA, matching_crawlers

_CLIENTS = "http-library"
"""The list's tag for curl and HTTP libraries, which a person or a server may use."""


@lru_cache(maxsize=4096)
def is_bot(user_agent: str) -> bool:
    """True for crawlers and monitors; False for browsers, HTTP libraries and no user agent."""
    return any(
        _CLIENTS not in CRAWLER_USER_AGENTS_DATA[index].get("tags", ())
        for index in matching_crawlers(user_agent)
    )
