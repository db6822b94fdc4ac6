"""How long pages and panels take on the server, and whether ten times the events change that.

python -m bench pages       a million events, on both databases
python -m bench.pages 10    the same and ten times as many, by how they differ
"""

import gzip
import http.cookiejar
import json
import os
import re
import statistics
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from bench.grow import grow
from bench.servers import connected, database, flask, serving
from bench.table import Row, markdown

EVENTS, DAYS = 1_000_000, 90
ROUNDS = 20
TENANT = "sample-marketplace"
PERIOD = {"period": f"{DAYS}d", "tenant": TENANT}
KINDS = ("sqlite", "postgresql")
_NOT_MEASURED = ("/login", "/logout", "/account", "/settings", "/patterns", "/static", "/demo")
Fetch = Callable[[str], bytes]


@dataclass
class Times:
    """Milliseconds of a page and of its panels, and the page's size on the wire.

    `page` and `panels` are medians by the clock. `cpu` is what the page took of processors, in
    the web processes and in PostgreSQL's: it tells the same on a machine that is busy.
    """

    page: float
    cpu: float
    kilobytes: float
    panels: dict[str, float] = field(default_factory=dict)

    @property
    def slowest(self) -> str:
        return max(self.panels, key=lambda name: self.panels[name], default="")


def logged_in(port: int) -> Fetch:
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


def measured(url: str) -> dict[str, Times]:
    """Every page and drill-down with its panels, by what to call it."""
    with serving("wsgi:app", url) as server, connected(url) as connection:

        def cpu() -> dict[int, float]:
            return {p: _milliseconds_of(p) for p in (*server.workers(), *_backends(connection))}

        fetch = logged_in(server.port)
        return {name: _times(fetch, cpu, path) for name, path in _addresses(fetch).items()}


def _backends(connection: Connection) -> list[int]:
    """PostgreSQL's processes for the service."""
    if connection.dialect.name != "postgresql":
        return []
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    return list(connection.scalars(text(f"SELECT pid FROM pg_stat_activity WHERE {others}")))


def _milliseconds_of(pid: int) -> float:
    """The processor time of a process so far."""
    try:
        numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:  # a connection that was closed just now
        return 0.0
    return 1000 * (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def _addresses(fetch: Fetch) -> dict[str, str]:
    """The pages of the navigation, and what the largest numbers on them lead to."""
    found = re.findall(r'href="(/[a-z]+)(?:\?[^"]*)?"', fetch("/overview").decode())
    pages = [path for path in dict.fromkeys(found) if not path.startswith(_NOT_MEASURED)]
    return {path: path for path in pages} | dict(_drill_downs(fetch))


def _drill_downs(fetch: Fetch) -> Iterator[tuple[str, str]]:
    """The worst cases of pages about one thing: the most searched, the most clicked."""

    def first(panel: str, **more: str) -> dict[str, str]:
        query = urllib.parse.urlencode(PERIOD | {"limit": "1"} | more)
        return json.loads(fetch(f"{panel}.json?{query}"))["rows"][0]

    expert = first("/experts/exposure")["expert_id"]
    query = first("/demand/zero-result-queries")["query"]
    name, other, third = (first("/filters/by-filter", offset=n)["filter"] for n in "012")
    cell = first("/people/returns")
    monday = date.fromisoformat(cell["first_week"]) + timedelta(weeks=cell["weeks_later"])
    week = {"first_week": cell["first_week"], "from": monday, "to": monday + timedelta(days=6)}
    value = first("/filters/values")
    code = first("/trips/errors")["error_code"]
    person = first("/people/sessions")
    yield "/experts/<id>", f"/experts/{expert}"
    yield "/demand/ledger/<id>", f"/demand/ledger/{first('/demand/demands')['id']}"
    yield "/trips/attempts/<id>", f"/trips/attempts/{first('/trips/attempts')['id']}"
    yield "/people/session/<id>", f"/people/session/{person['session_id']}"
    yield "/business/<tenant>", "/business/sample-harborline"
    yield "/feed/<tenant>", f"/feed/{TENANT}"
    yield "who searched it in vain", _people(query=query, zero="1")
    yield "who searched in vain", _people(zero="1")
    yield "who set the filter", _people(filter=name)
    yield "who set both filters", _people(**{"filter": name, "with": other})
    yield "who set three filters", _people(**{"with": f"{name} + {other} + {third}"})
    yield "who set the value", _people(filter=value["filter"], value=value["value"])
    yield "who clicked the expert", _people(expert_id=expert)
    yield "whose trip failed so", _people(error_code=code)
    yield "who clicked a card", _people(step="clicked a card")
    yield "who had come before", _people(before="1")
    yield "who came back in the week", _people(**week)


def _people(**conditions: str | date) -> str:
    return f"/people?{urllib.parse.urlencode(conditions)}"


def _times(fetch: Fetch, cpu: Callable[[], dict[int, float]], path: str) -> Times:
    query = {"tenant": TENANT} if "&from=" in path else PERIOD
    if path.startswith(("/business/", "/feed/")):
        query = {"period": f"{DAYS}d"}
    url = f"{path}{'&' if '?' in path else '?'}{urllib.parse.urlencode(query)}"
    page = fetch(url)
    before = cpu()
    median = _median(fetch, url)
    taken = sum(max(0.0, now - before.get(pid, 0.0)) for pid, now in cpu().items())
    times = Times(median, taken / (ROUNDS + 1), len(gzip.compress(page)) / 1000)
    if "?" in path:
        return times
    for panel in re.findall(rf'href="{re.escape(path)}/([\w-]+)\.json', page.decode()):
        panel_url = f"{path}/{panel}.json?{urllib.parse.urlencode(query)}"
        times.panels[panel] = _median(fetch, panel_url)
    return times


def _median(fetch: Fetch, url: str) -> float:
    fetch(url)
    return 1000 * statistics.median(_timed(fetch, url) for _ in range(ROUNDS))


def _timed(fetch: Fetch, url: str) -> float:
    began = time.perf_counter()
    fetch(url)
    return time.perf_counter() - began


def rows() -> Iterator[Row]:
    """Each page on both databases, at a million events."""
    found = [_on(kind)[0] for kind in KINDS]
    for name in found[0]:
        yield _row(name, *(times[name] for times in found))


def growth(times: int) -> Iterator[Row]:
    """Each page with `times` as many events, against a million."""
    found = [_on(kind, times) for kind in KINDS]
    for name in found[0][0]:
        few, many = ([kind[n][name] for kind in found] for n in (0, 1))
        ratios = (now.cpu / max(1, before.cpu) for before, now in zip(few, many, strict=True))
        yield Row(
            f"{name}: CPU with {times}x the events",
            " / ".join(f"{ratio:.2f}" for ratio in ratios),
            "<= 300 ms" if _is_drill_down(name) else "<= 1.3",
            " / ".join(f"{now.cpu:.0f} ms" for now in many),
        )


def _on(kind: str, times: int = 1) -> list[dict[str, Times]]:
    """What was measured on a database of its own: as loaded, and grown."""
    with database(kind) as url:
        flask(url, "demo", "load", "--days", str(DAYS), "--events", str(EVENTS))
        found = [measured(url)]
        if times > 1:
            with connected(url) as connection:
                grow(connection, times)
            found.append(measured(url))
    return found


def _row(name: str, sqlite: Times, postgresql: Times) -> Row:
    slowest = sqlite.slowest
    both = (times.panels.get(slowest, 0.0) for times in (sqlite, postgresql))
    panel = f"{slowest} {' / '.join(f'{ms:.0f}' for ms in both)} ms; " if slowest else ""
    return Row(
        name,
        f"{sqlite.page:.0f} / {postgresql.page:.0f} ms",
        "<= 300 ms" if _is_drill_down(name) else "<= 150 ms",
        f"CPU {sqlite.cpu:.0f} / {postgresql.cpu:.0f} ms; {panel}{sqlite.kilobytes:.0f} KB",
    )


def _is_drill_down(name: str) -> bool:
    """Whether it may read events; the pages of the navigation read rollups."""
    return not name.startswith("/") or "<" in name


if __name__ == "__main__":
    for line in markdown(growth(int(sys.argv[1]))):
        print(line, flush=True)
