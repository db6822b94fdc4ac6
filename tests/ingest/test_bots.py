"""Crawlers and monitors are marked and kept out of every number; people never are."""

from itertools import product

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import bearer
from tests.ingest.sending import CLICK, event_of, query, stored, value
from tracker.ingest.bots import is_bot

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
WINDOWS = "Windows NT 10.0; Win64; x64"
MAC = "Macintosh; Intel Mac OS X 10_15_7"
LINUX = "X11; Linux x86_64"
ANDROIDS = (
    "Linux; Android 10; K",
    "Linux; Android 14; SM-S921B",
    "Linux; Android 13; Pixel 7 Pro",
    "Linux; Android 12; moto g power (2022)",
    "Linux; Android 11; Redmi Note 9 Pro",
    "Linux; Android 9; CUBOT_X18_Plus",
)
KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"


def _browsers() -> list[str]:
    """User agents as the browsers of the last years spell theirs."""
    agents = []
    for system, major in product((WINDOWS, MAC, LINUX), range(109, 142, 2)):
        chrome = f"Mozilla/5.0 ({system}) {KHTML} Chrome/{major}.0.0.0 Safari/537.36"
        agents += [chrome, f"{chrome} Edg/{major}.0.0.0"]
    for system, major in product((WINDOWS, MAC, LINUX), (102, 115, 121, 128, 132, 140)):
        agent = f"Mozilla/5.0 ({system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"
        agents.append(agent)
    for system, major in product(ANDROIDS, (112, 120, 131, 139)):
        agents.append(f"Mozilla/5.0 ({system}) {KHTML} Chrome/{major}.0.0.0 Mobile Safari/537.36")
    for release, version in product(("15_6", "16_7_2", "17_5", "18_1"), ("15.6", "16.6", "17.5")):
        phone = f"Mozilla/5.0 (iPhone; CPU iPhone OS {release} like Mac OS X)"
        webkit = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
        agents += [
            f"{phone} {webkit} Version/{version} Mobile/15E148 Safari/604.1",
            f"{phone} {webkit} CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
            f"{phone} {webkit} Mobile/15E148 Instagram 361.0.0.34.82",
            f"Mozilla/5.0 ({MAC}) {webkit} Version/{version} Safari/605.1.15",
        ]
    return [
        *agents,
        f"Mozilla/5.0 ({ANDROIDS[1]}) {KHTML} SamsungBrowser/27.0 Chrome/125.0.0.0 "
        "Mobile Safari/537.36",
        f"Mozilla/5.0 ({WINDOWS}) {KHTML} Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0",
        f"Mozilla/5.0 ({WINDOWS}) {KHTML} Chrome/131.0.0.0 Safari/537.36 Vivaldi/7.0.3495.11",
        "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
        "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/17.6 Mobile/15E148 Safari/604.1",
        f"Mozilla/5.0 ({ANDROIDS[0]}) {KHTML} DuckDuckGo/5 Chrome/131.0.0.0 Mobile Safari/537.36",
    ]


def test_at_least_95_percent_of_crawlers_are_marked() -> None:
    agents = [
        agent
        for crawler in CRAWLER_USER_AGENTS_DATA
        if "http-library" not in crawler.get("tags", ())
        for agent in crawler["instances"]
    ]
    assert len(agents) > 1000
    assert sum(map(is_bot, agents)) >= 0.95 * len(agents)


def test_at_most_1_percent_of_browsers_are_marked() -> None:
    agents = _browsers()
    assert len(agents) >= 190
    assert sum(map(is_bot, agents)) <= 0.01 * len(agents)


@pytest.mark.parametrize(
    "agent",
    ["", "curl/8.5.0", "python-requests/2.32", "Python-urllib/3.11", "okhttp/4.12", "Wget/1.21"],
)
def test_curl_libraries_and_no_user_agent_are_no_bots(agent: str) -> None:
    assert not is_bot(agent)


def test_a_bot_s_events_are_kept_but_counted_nowhere(app: Flask, client: FlaskClient) -> None:
    crawler = {"User-Agent": GOOGLEBOT}
    for event in (CLICK, query(), event_of("filter_change"), event_of("results_shown")):
        assert client.post("/api/events", json=event, headers=crawler).status_code == 202
    assert stored(app) == 4
    assert value(app, "SELECT count(*) FROM events WHERE is_bot") == 4
    assert value(app, "SELECT sum(bots) FROM daily_ingest") == 4
    for table in ("daily_events", "daily_queries", "daily_experts", "daily_filters"):
        assert value(app, f"SELECT count(*) FROM {table}") == 0, table
    for table in ("daily_uniques", "session_days", "member_days", "unsettled"):
        assert value(app, f"SELECT count(*) FROM {table}") == 0, table


def test_the_user_agent_of_a_key_s_holder_does_not_matter(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    headers = bearer(write_key) | {"User-Agent": GOOGLEBOT}
    client.post("/api/events", json=CLICK, headers=headers)
    assert value(app, "SELECT count(*) FROM events WHERE is_bot") == 0
