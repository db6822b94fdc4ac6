"""/demand and the ledger as operators see and change them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import make_tenant, record
from tests.dashboard.conftest import browser_of, make_operator
from tests.dashboard.test_filters import sentence
from tests.metrics.asking import ANNA, BEN, CARA
from tracker.model import AuditEntry, Demand

DORA = "44444444-4444-4444-8444-444444444444"


def search(session: str, query: str, found: int = 0, **ago: float) -> dict[str, Any]:
    """A search made some time ago (by default a day)."""
    at = datetime.now(UTC) - timedelta(**(ago or {"days": 1}))
    payload = {
        "query_text": query,
        "function_called": "search_experts",
        "result_count": found,
        "expert_ids": [f"e{n}" for n in range(found)],
    }
    return {
        "event_type": "sage_query",
        "session_id": session,
        "occurred_at": at.isoformat(),
        "payload": payload,
    }


def demand(app: Flask, name: str) -> Demand:
    with app.extensions["database"].read(None) as session:
        return session.scalars(select(Demand).where(Demand.name == name)).one()


def path(app: Flask, name: str) -> str:
    return f"/demand/ledger/{demand(app, name).id}"


def post(client: FlaskClient, page: str, action: str, **form: Any) -> Any:
    """The answer to a form of a demand's page, sent with its token."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).text)
    assert token
    query = "period=90d&tenant=default"
    return client.post(f"{page}/{action}?{query}", data={"csrf_token": token[1], **form})


def test_the_sentence_says_who_searched_in_vain_and_for_what(
    app: Flask, operator: FlaskClient
) -> None:
    record(
        app,
        search(ANNA, "surf {teacher} & co"),
        search(BEN, "surf {teacher} & co"),
        search(CARA, "chef"),
        search(CARA, "chef", found=3),
        search(DORA, "chef", days=40),
        {"session_id": ANNA, "email": "anna@example.com"},
    )
    page = operator.get("/demand").text
    assert sentence(page) == (
        "3 people searched in vain: 75.0 % of 4 searches found nothing, down from 100 %."
        " Most often it was “surf {teacher} &amp; co”, 2 times by 2 people;"
        " one person can be reached by e-mail."
    )
    assert "/people?period=28d&amp;query=surf+%7Bteacher%7D+%26+co&amp;zero=1#sessions" in page


def test_a_long_query_does_not_take_over_the_sentence(app: Flask, operator: FlaskClient) -> None:
    record(app, *(search(who, "a guide who speaks Welsh " * 10) for who in (ANNA, BEN)))
    whole = ("a guide who speaks welsh " * 10).strip()
    for page in ("/demand", "/overview", "/people?query=" + quote(whole)):
        assert f"“{whole[:59]}…”" in sentence(operator.get(page).text)


def test_arabic_does_not_turn_the_numbers_about_it_round(app: Flask, operator: FlaskClient) -> None:
    record(app, search(ANNA, "مستشار ضرائب"), search(BEN, "مستشار ضرائب"))
    page = sentence(operator.get("/demand").text)
    assert "it was “\u2068مستشار ضرائب\u2069”, 2 times by 2 people;" in page
    assert "\u2068" not in operator.get("/demand/zero-result-queries.json").text


def test_the_sentence_says_when_nothing_is_remarkable(app: Flask, operator: FlaskClient) -> None:
    assert "Nobody asked Sage in this period." in operator.get("/demand").text
    record(app, search(ANNA, "chef", found=3))
    assert sentence(operator.get("/demand").text) == "The only search found something."
    record(app, search(BEN, "chef", found=3))
    assert sentence(operator.get("/demand").text) == "Every one of 2 searches found something."
    record(app, search(ANNA, "surf teacher"))
    assert "It was for “surf teacher”, and nobody left an e-mail address." in sentence(
        operator.get("/demand").text
    )
    record(app, search(BEN, "cook"))
    assert "No two of these were for the same thing" in operator.get("/demand").text


def test_what_servers_searched_for_without_a_session_is_asked_by_nobody_known(
    app: Flask, operator: FlaskClient
) -> None:
    chef = {name: value for name, value in search("", "chef").items() if name != "session_id"}
    record(app, chef, chef)
    assert sentence(operator.get("/demand").text) == (
        "100 % of 2 searches found nothing. Most often it was “chef”, 2 times;"
        " nobody left an e-mail address."
    )
    assert sentence(operator.get("/overview").text).endswith(
        "The top unmet demand is “chef”: asked 2 times, none known."
    )


def test_the_ledger_has_near_duplicates_as_one_demand(app: Flask, operator: FlaskClient) -> None:
    record(
        app,
        search(ANNA, "surf teacher", days=14),
        search(BEN, "Surf teachers please", days=20),
        search(CARA, "chef"),
        {"session_id": ANNA, "email": "anna@example.com"},
    )
    rows = operator.get("/demand/demands.json").json["rows"]
    surf, chef = rows
    assert (surf["demand"], surf["people"], surf["emails"], surf["queries"]) == (
        "surf teacher",
        2,
        1,
        2,
    )
    # 2 people x (1 + 1 waiting) x 100 %, halved once in the 14 days since; chef: 1 x 1 x 100 %.
    assert surf["score"] == pytest.approx(2, rel=0.001)
    assert chef["score"] == pytest.approx(0.5 ** (1 / 14), rel=0.001)
    # the last 14 days are today and the 13 before it
    assert (surf["last_fortnight"], surf["fortnight_before"]) == (0, 2)
    assert (chef["last_fortnight"], chef["fortnight_before"]) == (1, 0)
    assert path(app, "chef") in operator.get("/demand").text
    assert "</a> chef</h1>" in operator.get(path(app, "chef")).text


def test_the_page_of_a_demand_tells_how_many_can_be_reached(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search(ANNA, "chef"))
    told = sentence(operator.get(path(app, "chef")).text)
    assert told == (
        "One person asked for “chef” in vain, one time so far. Nobody left an e-mail address. "
    )
    record(app, {"session_id": ANNA, "email": "anna@example.com"})
    assert "They can be reached by e-mail." in sentence(operator.get(path(app, "chef")).text)
    record(app, search(BEN, "chef"))
    assert "One of them can be reached by e-mail." in sentence(operator.get(path(app, "chef")).text)


def test_those_who_wait_are_a_click_away_in_the_same_period_and_tenant(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search(ANNA, "surf teacher") | {"email": "anna@example.com"})
    page = operator.get("/demand?period=90d&tenant=default").text
    there = f"{path(app, 'surf teacher')}?period=90d&amp;tenant=default#waiting"
    assert f'<a href="{there}">1</a>' in page


def test_a_demand_moves_through_its_work_and_every_step_is_on_record(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search(ANNA, "surf teacher"))
    page = path(app, "surf teacher")
    answer = post(operator, page, "status", status="recruiting")
    assert answer.status_code == 302
    assert answer.location == f"{page}?period=90d&tenant=default#work"
    post(operator, page, "notes", notes="Ask Lena.\r\nThen Tom.")
    post(operator, page, "status", status="filled")
    filled = demand(app, "surf teacher")
    assert (filled.status, filled.notes) == ("filled", "Ask Lena.\nThen Tom.")
    assert filled.filled_at is not None
    with app.extensions["database"].read(None) as session:
        actions = [e.action for e in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert actions[-3:] == ["demand.status", "demand.notes", "demand.status"]
    assert "Reopen" in operator.get(page).text
    rows = operator.get("/demand/demands.json?status=filled").json["rows"]
    assert [row["demand"] for row in rows] == ["surf teacher"]
    assert operator.get("/demand/demands.json?status=open").json["total"] == 0


def test_filling_a_demand_is_measured_with_an_interval(app: Flask, operator: FlaskClient) -> None:
    record(app, *(search(ANNA, "surf teacher", days=2 + n % 20) for n in range(40)))
    page = path(app, "surf teacher")
    assert operator.get(f"{page}/effect.json").json["rows"] == []
    post(operator, page, "status", status="filled")
    assert "Since it was filled nobody has asked for it." in operator.get(page).text
    record(app, *(search(BEN, "surf teacher", found=2, seconds=-n) for n in range(40)))
    before, since = operator.get(f"{page}/effect.json").json["rows"]
    # Wilson: 40 of 40 lies above 40 / (40 + 1.96^2), 0 of 40 below 1.96^2 / (40 + 1.96^2).
    assert (before["searches"], before["zero_result_rate"]) == (40, 1.0)
    assert before["low_rate"] == pytest.approx(0.9124, abs=0.0001)
    assert (since["searches"], since["zero_result_rate"]) == (40, 0.0)
    assert since["high_rate"] == pytest.approx(0.0876, abs=0.0001)
    # Newcombe: -1 + sqrt(0.0876^2 + 0.0876^2) = -0.876
    assert "that is at least 87.6 % less, with 95 % certainty" in sentence(operator.get(page).text)
    assert demand(app, "surf teacher").status == "filled"


def test_people_waiting_are_listed_and_their_export_is_on_record(
    app: Flask, operator: FlaskClient
) -> None:
    record(
        app,
        search(ANNA, "surf teacher"),
        search(ANNA, "surf teachers", days=2),
        search(BEN, "surf teacher"),
        {"session_id": ANNA, "email": "anna@example.com"},
    )
    page = path(app, "surf teacher")
    (row,) = operator.get(f"{page}/waiting.json").json["rows"]
    assert (row["email"], row["searches"]) == ("anna@example.com", 2)
    exported = operator.get(f"{page}/waiting.csv")
    assert exported.text.splitlines()[1].startswith("anna@example.com,2,")
    with app.extensions["database"].read(None) as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.action, last.detail["panel"], last.detail["rows"]) == (
        "panel.export",
        "waiting",
        1,
    )


def test_demands_are_merged_and_split_from_the_page(app: Flask, operator: FlaskClient) -> None:
    record(app, search(ANNA, "surf teacher"), search(BEN, "wave instructor"))
    surf, wave = path(app, "surf teacher"), path(app, "wave instructor")
    answer = post(operator, wave, "merge", into=surf.rsplit("/", 1)[1])
    assert answer.location == f"{surf}?period=90d&tenant=default"
    assert operator.get(wave).status_code == 404
    answer = post(operator, surf, "split", query=["wave instructor"])
    assert answer.status_code == 302
    assert demand(app, "wave instructor").people == 1
    assert answer.location.startswith(path(app, "wave instructor"))


def test_a_demand_is_offered_the_others_that_are_most_like_it_first(
    app: Flask, operator: FlaskClient
) -> None:
    asked = ["surf lessons for children", "bike repair", "teacher for surfing"]
    record(app, *(search(BEN, query) for query in [*asked[1:], asked[1]]), search(ANNA, asked[0]))
    offered = re.findall(r"<option[^>]+>(.+?)</option>", operator.get(path(app, asked[0])).text)
    at = {query: offered.index(query) for query in asked[1:]}
    assert at["teacher for surfing"] < at["bike repair"]


@pytest.mark.parametrize(
    ("action", "form"),
    [
        ("merge", {}),
        ("merge", {"into": "nonsense"}),
        ("merge", {"into": DORA}),
        ("split", {}),
        ("status", {"status": "done"}),
        ("notes", {"notes": "x" * 5001}),
    ],
)
def test_a_change_that_cannot_be_made_says_why(
    app: Flask, operator: FlaskClient, action: str, form: dict[str, str]
) -> None:
    record(app, search(ANNA, "surf teacher"))
    answer = post(operator, path(app, "surf teacher"), action, **form)
    assert answer.status_code == 422
    assert demand(app, "surf teacher").is_curated is False


def test_a_change_needs_the_token_of_a_form(app: Flask, operator: FlaskClient) -> None:
    record(app, search(ANNA, "surf teacher"))
    page = path(app, "surf teacher")
    assert operator.post(f"{page}/status", data={"status": "filled"}).status_code == 400
    assert demand(app, "surf teacher").status == "open"


def test_analysts_work_on_the_ledger_and_tenants_read_theirs(app: Flask) -> None:
    make_tenant(app, "acme")
    record(app, search(ANNA, "surf teacher"))
    record(app, search(ANNA, "chef"), tenant="acme")
    surf, chef = path(app, "surf teacher"), path(app, "chef")
    analyst = browser_of(app, make_operator(app, "ann@example.com", "analyst"))
    assert post(analyst, chef, "status", status="recruiting").status_code == 302
    reader = browser_of(app, make_operator(app, "tim@example.com", "tenant", ("acme",)))
    assert reader.get(surf).status_code == 404
    page = reader.get(chef)
    assert page.status_code == 200
    assert "Admins and analysts work on demands" in page.text
    assert 'name="notes"' not in page.text
    assert post(reader, chef, "status", status="open").status_code == 403


def test_what_is_no_demand_is_not_found(app: Flask, operator: FlaskClient) -> None:
    record(app, search(ANNA, "surf teacher"))
    assert operator.get("/demand/ledger/nonsense").status_code == 404
    assert operator.get(f"/demand/ledger/{DORA}").status_code == 404
    page = path(app, "surf teacher")
    assert post(operator, page, "nothing").status_code in (404, 405)


def test_a_cell_of_the_matrix_leads_to_its_sessions_and_says_what_it_counts(
    app: Flask, operator: FlaskClient
) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    for n, (name, left) in enumerate((("city", 5), ("language", 0))):
        payload = {"filter": name, "value": "x", "result_count": left}
        when = (at + timedelta(minutes=n)).isoformat()
        event = {"event_type": "filter_change", "session_id": ANNA, "occurred_at": when}
        record(app, event | {"payload": payload})
    page = operator.get("/demand").text
    assert "city, language: 100\u202f%, 1 × set, 0 results left (median)" in page
    assert "/people?period=28d&amp;filter=city&amp;with=language#sessions" in page
