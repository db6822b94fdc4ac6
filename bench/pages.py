"""How long pages and panels take on the server, at a million events and at ten."""

import http.cookiejar
import re
import statistics
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator

from bench.servers import database, flask, serving
from bench.table import Row

ROUNDS = 20


def logged_in(port: int) -> Callable[[str], bytes]:
    """A function that fetches a path as a logged-in operator."""
    opener = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    )
    base = f"http://127.0.0.1:{port}"
    form = opener.open(base + "/login").read().decode()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1]
    fields = {
        "csrf_token": token,
        "email": "bench@example.com",
        "password": "only for this benchmark",
    }
    call = urllib.request.Request(
        base + "/login", urllib.parse.urlencode(fields).encode(), {"Referer": base + "/login"}
    )
    opener.open(call).read()
    return lambda path: opener.open(base + path).read()


def paths(port: int, page: Callable[[str], bytes]) -> list[str]:
    """Every page of the navigation."""
    found = re.findall(r'href="(/[a-z]+)(?:\?[^"]*)?"', page("/overview").decode())
    skipped = ("/login", "/logout", "/account", "/settings", "/patterns", "/static", "/demo")
    return [path for path in dict.fromkeys(found) if not path.startswith(skipped)]


def _medians(url: str) -> dict[str, float]:
    """Median seconds of each page."""
    with serving("wsgi:app", url) as server:
        page = logged_in(server.port)
        times = {}
        for path in paths(server.port, page):
            query = f"{path}?period=90d&tenant=sample-marketplace"
            page(query)
            times[path] = statistics.median(_timed(page, query) for _ in range(ROUNDS))
    return times


def _timed(page: Callable[[str], bytes], query: str) -> float:
    began = time.perf_counter()
    page(query)
    return time.perf_counter() - began


def rows(kinds=("sqlite", "postgresql"), events: int = 1_000_000) -> Iterator[Row]:
    """Each page at `events` events over 90 days."""
    for kind in kinds:
        with database(kind) as url:
            flask(url, "demo", "load", "--events", str(events))
            for path, seconds in _medians(url).items():
                yield Row(
                    f"{path}, {events:,} events, {kind}",
                    f"{1000 * seconds:.0f} ms",
                    "<= 150 ms",
                    f"median of {ROUNDS}",
                )
