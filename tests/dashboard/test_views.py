"""Saved views: kept as they were, for oneself or for all."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from tests.conftest import make_tenant, record
from tests.dashboard.conftest import browser_of, csrf_token, make_operator
from tests.dashboard.test_panels import click
from tracker.model import AuditEntry, SavedView
from tracker.store import views
from tracker.store.erasure import erase

QUERY = "period=28d&zero-result-queries.sort=-emails"


def post(client: FlaskClient, to: str = "/views", **form: Any) -> Any:
    filled = {"path": "/overview", "query": QUERY, "name": "Every morning"} | form
    return client.post(to, data=filled | {"csrf_token": csrf_token(client, "/overview")})


def kept(app: Flask) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        return list(session.scalars(select(SavedView).order_by(SavedView.id)))


def test_a_view_is_the_page_as_it_was_and_stands_in_the_navigation(
    app: Flask, operator: FlaskClient
) -> None:
    answer = post(operator)
    assert answer.status_code == 302
    assert answer.location == f"/overview?{QUERY}"
    (view,) = kept(app)
    assert (view.path, view.query, view.tenant_id, view.shared) == ("/overview", QUERY, None, False)
    link = f'<a href="/overview?{QUERY.replace("&", "&amp;")}"'
    assert f"{link}>Every morning</a>" in operator.get("/catalog").text
    there = operator.get(f"/overview?{QUERY}").text
    assert f'{link} aria-current="page">Every morning</a>' in there


def test_a_view_of_an_id_with_a_question_mark_opens_its_page(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, click(payload={"expert_id": "a?b", "context": "grid"}))
    location = post(operator, path="/experts/a?b", query="period=7d").location
    assert location == "/experts/a%3Fb?period=7d"
    assert operator.get(location).status_code == 200
    assert 'href="/experts/a%3Fb?period=7d"' in operator.get("/catalog").text


def test_a_view_once_kept_with_a_path_that_names_a_host_leads_to_its_page(
    app: Flask, operator: FlaskClient
) -> None:
    post(operator, path="/experts/e1", query="")
    with app.extensions["database"].write() as connection:
        connection.execute(update(SavedView).values(path="//experts/e1"))
    page = operator.get("/views").text
    assert 'href="/experts/e1"' in page
    assert 'href="//' not in page


def test_a_relative_period_stays_relative(app: Flask, operator: FlaskClient) -> None:
    post(operator, query="period=7d")
    assert kept(app)[0].query == "period=7d"
    assert (
        'href="/overview?period=7d" aria-current="page">Every morning'
        in operator.get("/overview?period=7d").text
    )


def test_others_see_a_view_only_when_it_is_shared(app: Flask, operator: FlaskClient) -> None:
    post(operator, name="Mine")
    post(operator, name="Ours", shared="1")
    other = browser_of(app, make_operator(app, "ana@example.com", "analyst"))
    text = other.get("/views").text
    assert "Ours" in text
    assert "Mine" not in text
    assert "ada@example.com, shared" in text


def test_operators_of_a_tenant_see_shared_views_of_their_tenant_only(
    app: Flask, operator: FlaskClient
) -> None:
    make_tenant(app, "acme")
    make_tenant(app, "other")
    for tenant in ("acme", "other"):
        post(operator, name=f"Of {tenant}", query=f"tenant={tenant}", shared="1")
    post(operator, name="One of acme", path="/business/acme", query="", shared="1")
    post(operator, name="Of all", shared="1")
    for page in ("/overview", "/views"):
        assert "with all operators" not in operator.get(page).text
    theirs = browser_of(app, make_operator(app, "tom@example.com", "tenant", ("acme",)))
    text = theirs.get("/views").text
    assert "Of acme" in text
    assert "One of acme" in text
    assert "Of other" not in text
    assert "Of all" not in text
    assert post(theirs, query="tenant=other").status_code == 403


def test_a_view_is_renamed_shared_and_deleted_by_its_owner(
    app: Flask, operator: FlaskClient
) -> None:
    post(operator)
    view_id = kept(app)[0].id
    assert post(operator, f"/views/{view_id}", name="Later", shared="1").status_code == 302
    assert (kept(app)[0].name, kept(app)[0].shared) == ("Later", True)
    other = browser_of(app, make_operator(app, "ana@example.com", "analyst"))
    assert post(other, f"/views/{view_id}", name="Taken").status_code == 422
    assert post(other, f"/views/{view_id}/delete").status_code == 404
    assert post(operator, f"/views/{view_id}/delete").status_code == 302
    assert kept(app) == []
    with app.extensions["database"].read(None) as session:
        done = session.scalars(select(AuditEntry).order_by(AuditEntry.at)).all()
    assert [(it.action, it.detail["name"]) for it in done if it.action.startswith("view.")] == [
        ("view.create", "Every morning"),
        ("view.change", "Later"),
        ("view.delete", "Later"),
    ]


def test_an_admin_may_take_away_what_others_share(app: Flask, operator: FlaskClient) -> None:
    other = browser_of(app, make_operator(app, "ana@example.com", "analyst"))
    post(other, name="Shared", shared="1")
    post(other, name="Own")
    shared, own = (view.id for view in kept(app))
    assert post(operator, f"/views/{own}/delete").status_code == 404
    assert post(operator, f"/views/{shared}/delete").status_code == 302


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"name": "  "}, "1 to 60 characters"),
        ({"name": "x" * 61}, "1 to 60 characters"),
        ({"name": "There"}, "a view called There already"),
        ({"query": "q=" + "x" * 2000}, "Too much is chosen"),
    ],
)
def test_a_view_that_does_not_do_is_refused_with_the_reason(
    app: Flask, operator: FlaskClient, fault: dict[str, str], told: str
) -> None:
    post(operator, name="There")
    answer = post(operator, **fault)
    assert answer.status_code == 422
    assert told in answer.text
    assert len(kept(app)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/overview",
        "//experts/e1",
        "///experts/e1",
        "experts/e1",
        "https://evil.example",
        "/login",
        "/nowhere",
        "",
        "\0",
    ],
)
def test_only_pages_of_the_dashboard_can_be_saved(
    app: Flask, operator: FlaskClient, path: str
) -> None:
    assert post(operator, path=path).status_code == 422
    assert kept(app) == []


def test_an_operator_has_a_bounded_number_of_views(
    app: Flask, operator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "MOST", 1)
    post(operator)
    answer = post(operator, name="Another")
    assert answer.status_code == 422
    assert "Delete one first" in answer.text


def test_views_of_an_erased_person_go_and_others_stay(app: Flask, operator: FlaskClient) -> None:
    session_id = "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf"
    link = {"session_id": session_id, "email": "anna+1@example.org"}
    record(app, link, click(session_id=session_id))
    post(operator, name="A", path="/people", query="sessions.q=Anna%2B1%40example.org")
    post(operator, name="B", path=f"/people/session/{session_id}", query="")
    post(operator, name="C anna+1@example.org")
    post(operator, name="D", path="/people", query="sessions.q=anna")
    erase(app.extensions["database"], "email", "anna+1@example.org", "test")
    assert [view.name for view in kept(app)] == ["D"]
