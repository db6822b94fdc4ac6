"""Pages as a whole: headers, states, faults in their place, and what they cost."""

import html
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import dispose, make_app, make_tenant, record
from tests.dashboard.conftest import asked, browser_of, make_operator
from tests.dashboard.reading import answer_of, links_of, panel_of
from tests.dashboard.test_panels import click, search
from tracker.config import ROOT
from tracker.dashboard import page_views
from tracker.dashboard.page import Page
from tracker.dashboard.pages import PAGES
from tracker.dashboard.panels import Chart

PATHS = [f"/{page.slug}" for page in PAGES if page.subject is None]
ONE_FOUND = {"result_count": 1, "expert_ids": ["exp_1"]}
ASKED = {"/overview": 19, "/activity": 9, "/catalog": 12, "/digest": 40}
"""The most a page may ask: 2 for the operator, tenants, views, trust line, the rest for itself."""


@pytest.mark.parametrize("path", PATHS)
def test_a_page_runs_no_script_and_no_style_of_its_own(
    app: Flask, operator: FlaskClient, path: str
) -> None:
    record(app, click())
    answer = operator.get(path)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe" not in policy
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.S):
        assert "src=" in attributes or 'type="application/json"' in attributes
        assert "src=" not in attributes or not body
    assert "<style" not in answer.text
    assert not re.search(r"<[^>]+\s(style|on\w+)=", answer.text)


@pytest.mark.parametrize("path", [*PATHS, "/login", "/nowhere"])
def test_every_page_has_the_security_headers(operator: FlaskClient, path: str) -> None:
    headers = operator.get(path).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


class TestInProduction:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"TRACKER_ENV": "production"}

    def test_browsers_are_told_to_come_back_by_https_only(self, client: FlaskClient) -> None:
        answer = client.get("/login", base_url="https://localhost")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "HttpOnly" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_page_says_so_and_shows_no_number_that_is_not_there(
    operator: FlaskClient, path: str
) -> None:
    text = operator.get(path).text
    assert "nan" not in re.sub(r"<[^>]+>", "", text).lower().split()
    assert "This could not be worked out" not in text


def test_sentences_about_a_single_thing_are_in_the_singular(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search(1) | {"payload": search(1)["payload"] | ONE_FOUND})
    operator.post("/api/events", json={"event_type": "nothing we know"})
    said = {path: answer_of(operator.get(path).text) for path in ("/activity", "/experts")}
    assert said["/activity"] == "One event came in; one was refused, with its reason below."
    assert said["/experts"].startswith("Sage showed the only expert known one time.")
    assert answer_of(operator.get("/people").text).startswith("One session.")
    assert answer_of(operator.get("/people?query=query+1").text).startswith("One session searched")


def test_another_period_or_tenant_is_shown_from_its_first_row(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "other")
    record(app, *(search(n) for n in range(20)))
    page = operator.get("/sage?top-queries.offset=15&top-queries.sort=query&tenant=default").text
    assert "16 to 20 of 20" in page
    assert page.count('name="top-queries.sort"') > 1  # the forms for tenant and range keep that
    assert 'name="top-queries.offset"' not in page
    periods = page.split('<nav class="periods"')[1].split("</nav>")[0]
    days = [link for link in links_of(page) if "from=" in link]
    assert days
    assert not [link for link in [*links_of(periods), *days] if "offset" in link]


def test_a_list_that_got_shorter_is_shown_from_its_first_row(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search(1))
    page = operator.get("/sage?top-queries.offset=15").text
    assert "query 1" in panel_of(page, "top-queries")
    assert operator.get("/sage/top-queries.json?offset=15").json["rows"] == []


def test_show_everything_stays_with_the_period_and_the_tenant(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "other")
    record(app, search(1))
    page = operator.get("/sage?period=7d&tenant=default&top-queries.q=nothing").text
    everything = "/sage?period=7d&tenant=default#top-queries"
    assert everything in links_of(panel_of(page, "top-queries"))


_A_WEEK = 8 * 24 * 60
"""Minutes to a time that lies in the week before."""


@pytest.mark.parametrize("page", [page for page in PAGES if not page.subject], ids=lambda p: p.slug)
def test_no_sentence_compares_when_comparison_is_off(
    app: Flask, operator: FlaskClient, page: Page
) -> None:
    record(app, *(event for ago in (1, _A_WEEK) for event in (click(ago), search(ago))))
    said = answer_of(operator.get(f"/{page.slug}?period=7d&compare=none").text)
    assert not re.search(r"before|(up|down) from", said)


def test_the_overview_of_a_single_event_is_a_sentence(app: Flask, operator: FlaskClient) -> None:
    record(app, click())
    assert answer_of(operator.get("/overview").text).startswith("One event of one session came in")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_the_database_a_bounded_number_of_times(
    app: Flask, operator: FlaskClient, path: str
) -> None:
    record(app, *(click(n) for n in range(30)), *(search(n) for n in range(30)))
    with asked(app) as questions:
        operator.get(path)
    assert len(questions) <= ASKED.get(path, 25), "\n".join(questions)


def test_a_failed_panel_says_so_in_its_own_place(
    broken_chart: None, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(database_url, {})
    operator = browser_of(app, make_operator(app))
    record(app, click())
    answer = operator.get("/overview")
    assert answer.status_code == 200
    assert answer.text.count("This could not be worked out") == 1
    assert "Card clicks" in answer.text
    assert "accepted" in answer.text
    assert operator.get("/overview/daily-events.json").status_code == 500
    assert operator.get("/overview/totals.json").status_code == 200
    assert "the panel daily-events failed" in caplog.messages
    caplog.clear()
    dispose(app)


@pytest.fixture
def broken_chart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The overview's chart asks for a table that is not there."""
    from dataclasses import replace

    from sqlalchemy import text

    from tracker.dashboard.pages import overview as page
    from tracker.metrics.overview import DayOfEvents

    def broken(session: Any, _scope: Any) -> list[DayOfEvents]:
        """Never works."""
        session.execute(text("SELECT * FROM no_such_table"))
        return []

    chart = page.PAGE.panel("daily-events")
    assert isinstance(chart, Chart)
    panels = tuple(
        replace(panel, metric=broken) if panel is chart else panel for panel in page.PAGE.panels
    )
    pages = [replace(one, panels=panels) if one is page.PAGE else one for one in PAGES]
    monkeypatch.setattr(page_views, "PAGES", pages)


def test_a_chart_comes_with_its_numbers_and_safe_json(app: Flask, operator: FlaskClient) -> None:
    record(app, click())
    text = operator.get("/overview?period=7d").text
    found = re.search(r'<script type="application/json">(.*?)</script>', text, re.S)
    assert found
    figure = json.loads(found[1])
    assert [trace["type"] for trace in figure["data"]] == ["scatter"] * 9
    assert text.count('<details class="numbers">') == 1


def test_a_day_of_a_chart_leads_to_the_page_over_that_day(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, click())
    today = datetime.now(UTC).date().isoformat()
    text = operator.get("/overview?period=7d&compare=none").text
    link = f"/overview?compare=none&amp;from={today}&amp;to={today}"
    assert f'<a href="{link}"><time datetime="{today}">' in text
    assert 'class="plot followed"' in text
    one_day = operator.get(html.unescape(link)).text
    assert 'class="plot"' in one_day


def test_what_a_visitor_typed_stays_text(app: Flask, operator: FlaskClient) -> None:
    payload = {
        "query_text": "</script><script>alert(1)</script>",
        "function_called": "search_experts",
        "result_count": 0,
        "expert_ids": [],
    }
    record(app, click(event_type="sage_query", payload=payload))
    for path in PATHS:
        assert "<script>alert" not in operator.get(path).text


def test_whatever_is_pasted_into_the_search_boxes_of_a_page_fits_into_an_address(
    app: Flask, operator: FlaskClient
) -> None:
    limit = int(
        re.findall(r"limit_request_line = (\d+)", (ROOT / "gunicorn.conf.py").read_text())[0]
    )
    record(app, click(), search(1))
    for path in PATHS:
        boxes = re.findall(r'<input type="search"[^>]*>', operator.get(path).text)
        longest = [int(re.findall(r'maxlength="(\d+)"', box)[0]) for box in boxes]
        assert sum(longest) * len(quote("検")) < limit - 500, path


def test_sample_tenants_show_until_production_has_an_event(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "sample", kind="sample")
    record(app, click(), click(1), tenant="sample")
    assert "This is sample data. It gives way to your own" in operator.get("/overview").text
    assert operator.get("/overview/totals.json").json["rows"][0]["events"] == 2
    record(app, click(2))
    assert "This is sample data" not in operator.get("/overview").text
    assert operator.get("/overview/totals.json").json["rows"][0]["events"] == 1
    chosen = operator.get("/overview?tenant=sample").text
    assert "This is sample data." in chosen
    assert "gives way" not in chosen


def test_benchmark_tenants_are_in_no_number_across_tenants(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "load", kind="benchmark")
    record(app, click(), tenant="load")
    assert operator.get("/overview/totals.json").json["rows"][0]["events"] == 0


def test_links_keep_period_and_tenant(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "other")
    text = operator.get("/catalog?period=7d&tenant=other").text
    assert 'href="/overview?period=7d&amp;tenant=other"' in text
    assert 'href="/catalog/card_click?period=7d&amp;tenant=other"' in text


def test_an_analyst_reads_everything(app: Flask) -> None:
    make_tenant(app, "other")
    record(app, click(), tenant="other")
    client = browser_of(app, make_operator(app, "ana@example.com", "analyst"))
    assert client.get("/overview/totals.json?tenant=other").json["rows"][0]["events"] == 1


def test_an_event_type_has_its_own_page(app: Flask, operator: FlaskClient) -> None:
    text = operator.get("/catalog/sage_query").text
    assert "query_text" in text
    assert "curl http://localhost/api/events" in text
    assert operator.get("/catalog/sage_query/daily-volume.json").json["total"] == 28
    assert operator.get("/catalog/nothing").status_code == 404
    assert operator.get("/catalog/nothing/daily-volume.json").status_code == 404


def test_pages_travel_compressed(operator: FlaskClient) -> None:
    answer = operator.get("/overview", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]


def test_days_on_which_things_were_received_are_spoken_of_where_there_are_things(
    app: Flask, operator: FlaskClient
) -> None:
    said = "What is shown was received on other days."
    assert said not in operator.get("/activity").text
    assert said not in operator.get("/overview").text
    record(app, click(_A_WEEK))
    before = (datetime.now(UTC) - timedelta(days=9)).date()
    assert said in operator.get(f"/overview?from={before}&to={before + timedelta(days=2)}").text
