"""/business and /business/<tenant>: their sentences, their panels' columns, few questions."""

import html
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.conftest import make_tenant, record
from tests.dashboard.conftest import asked
from tests.dashboard.reading import in_words, links_of, panel_of
from tests.metrics.business_lines import called, escalated, ingest, moved, over_quota, said, started
from tracker.model import Tenant

PERIOD = "from=2026-11-02&to=2026-11-08"
COLUMNS = {
    "/business/tenants": [
        "tenant_id",
        "conversations",
        "escalation_rate",
        "deflection_rate",
        "ingest_failures",
        "integration_success_rate",
        "quota_rejections",
        "last_seen",
    ],
    "/business/acme/daily-conversations": ["day", "conversations"],
    "/business/acme/ingestion": [
        "source_type",
        "started",
        "completed",
        "failed",
        "docs",
        "chunks",
        "p50_s",
        "p95_s",
    ],
}


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")


def busy(app: Flask, tenant: str = "acme", calls: int = 30, failed: int = 0) -> None:
    lines: list[dict[str, Any]] = [started(f"03 10:{n:02}", f"c{n}") for n in range(10)]
    lines += [called(f"03 11:{n:02}") for n in range(calls)]
    lines += [called(f"03 12:{n:02}", error="AUTH") for n in range(failed)]
    lines += [escalated("03 10:30", "c1"), said("03 10:31", "c1"), over_quota("04 10:00")]
    lines += [ingest("started", "03 09:00"), moved("05 10:00", "free", "team")]
    record(app, *lines, tenant=tenant)


def sentence(client: FlaskClient, path: str) -> str:
    page = client.get(f"{path}?{PERIOD}").text
    found = re.search(r'<p class="answer">(.*?)</p>', page, re.S)
    assert found
    text: str = re.sub(r"<[^>]+>", "", found[1])
    return text.replace("\u202f", " ")


@pytest.mark.parametrize("path", COLUMNS)
def test_the_columns_are_those_of_the_contract(operator: FlaskClient, path: str) -> None:
    answer = operator.get(f"{path}.json?{PERIOD}").json
    assert answer["columns"] == COLUMNS[path]
    assert answer["period"] == {"from": "2026-11-02", "to": "2026-11-08"}


@pytest.mark.parametrize(
    "panel",
    ["escalations", "integrations", "quotas", "plans", "activity"],
)
def test_every_panel_of_the_contract_answers(app: Flask, operator: FlaskClient, panel: str) -> None:
    busy(app)
    assert operator.get(f"/business/acme/{panel}.json?{PERIOD}").json["rows"]


def test_the_sentence_of_a_tenant_tells_what_does_not_work(
    app: Flask, operator: FlaskClient
) -> None:
    busy(app, failed=10)
    assert sentence(operator, "/business/acme") == (
        "There were 10 conversations, 10.0 % of them handed to a person."
        " The integration crm works only 75.0 % of the time, mostly for AUTH."
    )


def test_the_sentence_of_all_names_who_stands_out(app: Flask, operator: FlaskClient) -> None:
    busy(app)
    make_tenant(app, "blue")
    record(
        app,
        *(started(f"03 10:{n:02}", f"c{n}") for n in range(30)),
        *(escalated(f"03 11:{n:02}", f"c{n}") for n in range(30)),
        tenant="blue",
    )
    # 31 of 40 in all; blue hands over all of its own, which is not 1.5 times as much
    assert sentence(operator, "/business") == (
        "2 tenants were active, with 40 conversations, 77.5 % of them handed to a person."
        " Nobody went quiet and no tenant stands out."
    )
    record(app, *(started(f"04 10:{n:02}", f"d{n}") for n in range(30)), tenant="acme")
    # 31 of 70 now, 44.3 %
    said_of_all = "Blue hands over 100 %, the most of those with 30 conversations or more."
    assert said_of_all in sentence(operator, "/business")


def test_the_sentence_of_all_names_who_went_quiet(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "blue")
    record(app, started("03 10:00", "c1"), tenant="acme")
    for tenant in ("acme", "blue"):
        record(app, started("07 10:00", f"c2 {tenant}"), tenant=tenant)
    record(app, started("09 10:00", "c3"), tenant="blue")
    page = operator.get("/business?from=2026-11-08&to=2026-11-14").text
    assert re.search(r'<a href="/business/acme\?[^"]*">Acme</a> has gone quiet\.', page)
    assert "One tenant</a> was active, 2 in the period before" in page


def test_tenants_are_called_and_found_by_their_names(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "t-1")
    with app.extensions["database"].write() as connection:
        connection.execute(update(Tenant).where(Tenant.id == "t-1").values(name="Blue Bay"))
    busy(app)
    busy(app, "t-1")
    page = operator.get(f"/business?{PERIOD}&tenants.q=bay").text
    assert re.search(r'href="/business/t-1\?[^"]*"[^>]*>Blue Bay</a>', page)
    assert ">Acme</a>" not in page.partition('id="tenants"')[2].partition("</section>")[0]
    rows = operator.get(f"/business/tenants.json?{PERIOD}&q=bay").json["rows"]
    assert [row["tenant_id"] for row in rows] == ["t-1"]


def test_a_number_of_all_leads_to_the_tenants_in_its_order(
    app: Flask, operator: FlaskClient
) -> None:
    busy(app)
    page = operator.get(f"/business?{PERIOD}").text
    link = re.search(r'<a class="figure[^"]*" href="([^"]*ingest_failures[^"]*)"', page)
    assert link
    there = operator.get(html.unescape(link[1])).text
    assert re.search(r'aria-sort="descending">\s*<a [^>]*>Ingestions failed', there)


def test_an_empty_page_says_what_to_send(operator: FlaskClient) -> None:
    assert sentence(operator, "/business") == "No tenant sent a business event in this period."
    page = operator.get("/business").text
    assert "How this page fills" in page
    assert "Send one, and it is here at the next load." in page
    past = operator.get("/business?from=2020-01-01&to=2020-01-31").text
    assert "one that is sent now is of today" in past
    assert "conversation_started" in page


def test_sample_tenants_are_in_no_number_of_production(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "pretend", kind="sample")
    busy(app, "pretend")
    busy(app, "acme")
    rows = operator.get(f"/business/tenants.json?{PERIOD}").json["rows"]
    assert [row["tenant_id"] for row in rows] == ["acme"]


def test_the_number_of_questions_does_not_grow_with_the_tenants(
    app: Flask, operator: FlaskClient
) -> None:
    busy(app)
    with asked(app) as few:
        operator.get(f"/business?{PERIOD}")
    for n in range(10):
        make_tenant(app, f"t{n}")
        record(app, over_quota("03 10:00"), tenant=f"t{n}")
    with asked(app) as many:
        operator.get(f"/business?{PERIOD}")
    assert len(many) <= len(few) <= 30


def test_a_fresh_event_is_on_the_page_at_the_next_load(app: Flask, operator: FlaskClient) -> None:
    line = over_quota("03 10:00") | {"occurred_at": datetime.now(UTC).isoformat()}
    record(app, line, tenant="acme", settle=False)
    (row,) = operator.get("/business/tenants.json").json["rows"]
    assert (row["tenant_id"], row["quota_rejections"]) == ("acme", 1)


def test_a_tenant_is_called_by_its_name_and_its_feed_leads_back_to_it(
    app: Flask, operator: FlaskClient
) -> None:
    with app.extensions["database"].write() as connection:
        connection.execute(update(Tenant).where(Tenant.id == "acme").values(name="Acme & Co"))
    busy(app)
    page = operator.get(f"/business/acme?{PERIOD}").text
    assert "</a> Acme &amp; Co</h1>" in page
    assert "<title>Acme &amp; Co · Business · Tracker</title>" in page
    feed = operator.get(f"/feed/acme?{PERIOD}").text
    above = re.search(r'<a class="parent" href="([^"]+)">Acme &amp; Co</a> Activity</h1>', feed)
    assert above
    assert above[1].startswith("/business/acme?from=2026-11-02")


def test_what_an_integration_did_leads_to_its_events_and_what_never_happened_nowhere(
    app: Flask, operator: FlaskClient
) -> None:
    busy(app, calls=3)
    page = operator.get(f"/business/acme?{PERIOD}").text
    links = links_of(panel_of(page, "integrations"))
    (worked,) = (link for link in links if "integration_succeeded" in link)
    assert not any("integration_failed" in link for link in links)
    feed = in_words(panel_of(operator.get(worked).text, "activity"))
    assert feed.count("The integration crm worked") == 3


def test_rates_over_few_say_over_how_many(app: Flask, operator: FlaskClient) -> None:
    busy(app, calls=3)
    page = operator.get(f"/business/acme?{PERIOD}").text
    assert ">n = 3</span>" in panel_of(page, "integrations")
    assert ">n = 1</span>" in panel_of(page, "escalations")
    busy(app, tenant="default", calls=30)
    page = operator.get(f"/business/default?{PERIOD}").text
    assert ">n = " not in panel_of(page, "integrations")
