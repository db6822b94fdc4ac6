"""Every panel as JSON and CSV: shape, slices, rules, and who may read it."""

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import bearer, make_key, make_tenant, record
from tests.dashboard.conftest import browser_of, make_operator
from tracker.dashboard.answers import kind_of, row_type
from tracker.dashboard.links import fields
from tracker.dashboard.pages import PAGES
from tracker.dashboard.panels import Chart, Kind, Stats, Table
from tracker.model import AuditEntry
from tracker.store.access import revoke_key

SESSION = "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"
PANELS = [
    pytest.param(page, panel, id=f"{page.slug}/{panel.name}")
    for page in PAGES
    if page.subject is None
    for panel in page.panels
]
BAD = [
    ("period=8d", "period"),
    ("from=2026-02-30&to=2026-03-01", "from"),
    ("from=2026-03-01", "to"),
    ("from=2026-03-02&to=2026-03-01", "to"),
    ("from=2001-01-01&to=2026-03-01", "from"),
    ("compare=yesterday", "compare"),
    ("tenant=nobody", "tenant"),
    ("limit=0", "limit"),
    ("limit=100001", "limit"),
    ("limit=ten", "limit"),
    ("offset=-1", "offset"),
    ("sort=nothing", "sort"),
    ("sort=-", "sort"),
    ("q=%00", "q"),
]


def links_of(panel: Any) -> Iterator[str]:
    parts = (panel, *getattr(panel, "stats", ()), *getattr(panel, "columns", ()))
    yield from (link for part in parts if (link := getattr(part, "link", "")))


def click(n: int = 0, **more: Any) -> dict[str, Any]:
    at = datetime.now(UTC) - timedelta(minutes=n)
    payload = {"expert_id": f"exp_{n}", "context": "grid", "position": 1}
    event = {"event_type": "card_click", "session_id": SESSION, "occurred_at": at.isoformat()}
    return event | {"payload": payload} | more


def search(n: int) -> dict[str, Any]:
    """A search in vain."""
    payload = {
        "query_text": f"query {n}",
        "function_called": "search_experts",
        "result_count": 0,
        "expert_ids": [],
    }
    return click(n, event_type="sage_query", payload=payload)


@pytest.mark.parametrize(("page", "panel"), PANELS)
def test_a_panel_answers_as_json_and_csv_with_its_metrics_columns(
    app: Flask, operator: FlaskClient, page: Any, panel: Any
) -> None:
    record(app, click())
    body = operator.get(f"{page.path}/{panel.name}.json").json
    columns = list(row_type(panel.metric)._fields)
    assert list(body) == ["panel", "columns", "rows", "total", "estimated", "period"]
    assert body["panel"] == panel.name
    assert body["columns"] == columns
    assert all(list(row) == columns for row in body["rows"])
    assert body["total"] >= len(body["rows"])
    answer = operator.get(f"{page.path}/{panel.name}.csv")
    assert answer.mimetype == "text/csv"
    lines = list(csv.reader(io.StringIO(answer.text)))
    assert lines[0] == columns
    assert len(lines) == len(body["rows"]) + 1


@pytest.mark.parametrize(("page", "panel"), PANELS)
def test_a_panel_shows_fields_that_its_metric_has(page: Any, panel: Any) -> None:
    fields = set(row_type(panel.metric)._fields)
    named = {
        Stats: lambda: {stat.name for stat in panel.stats},
        Chart: lambda: {series.name for series in panel.series} | {panel.x},
        Table: lambda: {column.name for column in panel.columns} | set(panel.sortable),
    }.get(type(panel), set)()
    assert named <= fields
    assert panel.how or panel.metric.__doc__, "nobody says how it is counted"


@pytest.mark.parametrize(("query", "path"), BAD)
def test_a_bad_parameter_is_refused_with_its_name(
    operator: FlaskClient, query: str, path: str
) -> None:
    answer = operator.get(f"/catalog/event-types.json?{query}")
    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "invalid_parameter"
    assert path in [field["path"] for field in answer.json["error"]["fields"]]
    assert operator.get(f"/catalog?{query}").status_code == 400


def test_all_bad_parameters_are_named_at_once(operator: FlaskClient) -> None:
    answer = operator.get("/overview/totals.json?period=no&compare=no&tenant=no")
    paths = {field["path"] for field in answer.json["error"]["fields"]}
    assert paths == {"period", "compare", "tenant"}


@pytest.mark.parametrize(("period", "days"), [("7d", 7), ("28d", 28), ("90d", 90), ("", 28)])
def test_a_period_ends_today(operator: FlaskClient, period: str, days: int) -> None:
    body = operator.get(f"/overview/daily-events.json?period={period}").json
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    assert body["period"] == {"from": first.isoformat(), "to": today.isoformat()}
    assert [row["day"] for row in body["rows"]] == [
        (first + timedelta(days=n)).isoformat() for n in range(days)
    ]


def test_twelve_months_are_shown_whole(operator: FlaskClient) -> None:
    body = operator.get("/overview/daily-events.json?period=12m").json
    assert len(body["rows"]) == body["total"] >= 365


def test_a_list_is_cut_by_limit_and_offset(app: Flask, operator: FlaskClient) -> None:
    whole = operator.get("/catalog/event-types.json").json
    part = operator.get("/catalog/event-types.json?limit=2&offset=3").json
    assert part["rows"] == whole["rows"][3:5]
    assert part["total"] == whole["total"] == len(whole["rows"])
    named = operator.get("/catalog/event-types.json?event-types.limit=2&event-types.offset=3").json
    assert named["rows"] == part["rows"]


def test_a_list_is_sorted_and_searched(operator: FlaskClient) -> None:
    body = operator.get("/catalog/event-types.json?sort=-event_type&q=ingest_").json
    names = [row["event_type"] for row in body["rows"]]
    assert names == ["ingest_started", "ingest_failed", "ingest_completed"]
    assert body["total"] == 3


def test_payloads_have_no_order(app: Flask, operator: FlaskClient) -> None:
    record(app, click(), click(1))
    answer = operator.get(f"/people/session/{SESSION}/timeline.json?sort=-payload")
    assert (answer.status_code, answer.json["error"]["fields"][0]["path"]) == (400, "sort")


LINKS = [
    pytest.param(panel, template, id=f"{page.slug}/{panel.name}: {template}")
    for page in PAGES
    for panel in page.panels
    for template in dict.fromkeys(links_of(panel))
]


@pytest.mark.parametrize(("panel", "template"), LINKS)
def test_a_link_is_made_of_what_its_row_has(panel: Any, template: str) -> None:
    assert all(
        name == "tenant" or hasattr(row_type(panel.metric), name) for name in fields(template)
    )


@pytest.mark.parametrize(("panel", "template"), LINKS)
def test_a_link_asks_for_nothing_that_the_page_it_leads_to_would_not_hear(
    panel: Any, template: str
) -> None:
    link = urlsplit(template)
    path = re.sub("{[^}]+}", "*", link.path)
    page = next((page for page in PAGES if re.sub("<[^>]+>", "*", page.path) == path), None)
    if page is None:
        assert path in ("", "/catalog/*"), "no page is there"
        return
    choices = [*page.filters]
    known = {"from", "to", "tenant"}
    for panel in page.panels:
        known |= {f"{panel.name}.{name}" for name in ("limit", "offset", "sort", "q")}
        choices += getattr(panel, "filters", ())
        known |= {"q"} if len(page.panels) == 1 else set()
    allowed = {choice.name: choice.options for choice in choices}
    for name, value in parse_qsl(link.query):
        assert name in known | set(allowed), name
        options = allowed.get(name, ())
        assert (
            not isinstance(options, tuple) or not options or "{" in value or value in dict(options)
        )
    assert link.fragment in ("", *(panel.name for panel in page.panels))


def test_an_unknown_panel_is_not_found(operator: FlaskClient) -> None:
    answer = operator.get("/overview/nothing.json")
    assert answer.status_code == 404
    assert answer.json["error"]["code"] == "not_found"


def test_nobody_reads_a_panel_without_a_login_or_a_key(client: FlaskClient) -> None:
    for path in ("/overview/totals.json", "/overview/totals.csv"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.json["error"]["code"] == "login_required"


def test_a_read_key_sees_its_own_tenant(app: Flask, client: FlaskClient, read_key: str) -> None:
    make_tenant(app, "other")
    record(app, click())
    record(app, click(1), click(2), tenant="other")
    mine = client.get("/overview/totals.json", headers=bearer(read_key)).json
    assert mine["rows"][0]["events"] == 1
    basic = client.get("/overview/totals.json", auth=(make_key(app, "other", ("read",)), ""))
    assert basic.json["rows"][0]["events"] == 2
    answer = client.get("/overview/totals.json?tenant=other", headers=bearer(read_key))
    assert answer.status_code == 403
    assert client.get("/overview", headers=bearer(read_key)).status_code == 302


def test_a_key_without_the_scope_read_is_refused(client: FlaskClient, write_key: str) -> None:
    answer = client.get("/overview/totals.json", headers=bearer(write_key))
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "forbidden"


def test_a_revoked_key_is_refused_at_once(app: Flask, client: FlaskClient, read_key: str) -> None:
    from tracker.store.access import list_keys

    assert client.get("/overview/totals.json", headers=bearer(read_key)).status_code == 200
    with app.extensions["database"].write() as connection:
        revoke_key(connection, list_keys(connection)[0].id, "test")
    answer = client.get("/overview/totals.json", headers=bearer(read_key))
    assert answer.status_code == 401
    assert answer.json["error"]["code"] == "invalid_key"


def test_a_tenant_operator_reads_the_tenants_named(app: Flask) -> None:
    make_tenant(app, "mine")
    make_tenant(app, "theirs")
    record(app, click(), tenant="mine")
    record(app, click(1), click(2), tenant="theirs")
    client = browser_of(app, make_operator(app, "eve@example.com", "tenant", ("mine",)))
    assert client.get("/overview/totals.json").json["rows"][0]["events"] == 1
    assert client.get("/overview/totals.json?tenant=mine").json["rows"][0]["events"] == 1
    assert client.get("/overview/totals.json?tenant=theirs").status_code == 403
    assert client.get("/overview?tenant=theirs").status_code == 403
    assert client.get("/activity/events.json").json["total"] == 1
    assert "Theirs" not in client.get("/overview").text


def exports(app: Flask) -> list[tuple[str, dict[str, Any]]]:
    with app.extensions["database"].read(None) as session:
        entries = select(AuditEntry).where(AuditEntry.action == "panel.export")
        return [(one.actor, one.detail) for one in session.scalars(entries)]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_what_an_operator_exports_is_in_the_audit_log(
    app: Flask, operator: FlaskClient, form: str
) -> None:
    operator.get(f"/overview/totals.{form}")
    detail = {"page": "overview", "panel": "totals", "rows": 1, "format": form}
    assert exports(app) == [("ada@example.com", detail)]


def test_a_page_that_looks_for_a_new_row_and_a_program_are_not_in_the_audit_log(
    app: Flask, operator: FlaskClient, read_key: str
) -> None:
    operator.get("/activity/events.json?limit=1")
    app.test_client().get("/overview/totals.json", headers=bearer(read_key))
    assert exports(app) == []


def test_a_list_that_follows_says_its_newest_row_as_its_json_does(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, click(email="ann@example.com"), click())
    text = operator.get("/activity").text
    (said,) = re.findall(r'id="events"[^>]* data-newest="([^"]*)"', text)
    newest = operator.get("/activity/events.json?limit=1").json["rows"]
    assert json.loads(html.unescape(said)) == newest


def test_further_rows_do_not_follow_what_comes_in(app: Flask, operator: FlaskClient) -> None:
    record(app, click(), click())
    top, further = (operator.get(f"/activity?events.offset={n}").text for n in (0, 1))
    assert re.search(r'id="events"[^>]* data-newest', top)
    assert not re.search(r'id="events"[^>]* data-newest', further)


def test_visitors_words_are_no_formula_in_a_spreadsheet(app: Flask, operator: FlaskClient) -> None:
    line = {"event_type": "card_click", "user_id": "=1+1", "email": "=cmd@example.com"}
    record(app, click(**line))
    text = operator.get("/activity/events.csv").text
    assert "'=cmd@example.com" in text
    assert ",=" not in text


def test_yes_and_no_read_alike_in_json_and_csv(app: Flask, operator: FlaskClient) -> None:
    record(app, click())
    (row,) = csv.DictReader(io.StringIO(operator.get("/activity/events.csv").text))
    assert row["is_bot"] == "false"


def test_names_tell_how_numbers_are_read() -> None:
    from tracker.metrics.overview import daily_events, totals

    assert kind_of(totals, "zero_result_rate") is Kind.RATE
    assert kind_of(totals, "events") is Kind.NUMBER
    assert kind_of(daily_events, "day") is Kind.DAY
