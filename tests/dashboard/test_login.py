"""Logging in, out, and the password."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import PASSWORD
from tests.dashboard.conftest import ADMIN, browser_of, csrf_token, log_in, make_operator
from tracker.model import AuditEntry, LoginAttempt
from tracker.store import logins
from tracker.store.operators import create_operator, set_password

NEW_PASSWORD = "a better staple than before"


def test_a_page_leads_to_the_login_form_and_back(app: Flask, client: FlaskClient) -> None:
    make_operator(app)
    answer = client.get("/overview?period=7d")
    assert answer.status_code == 302
    assert answer.location == "/login?next=/overview?period%3D7d"
    answer = log_in(client, next="/overview?period=7d")
    assert answer.location == "/overview?period=7d"
    assert client.get(answer.location).status_code == 200


def test_the_address_without_a_path_leads_to_the_overview(client: FlaskClient) -> None:
    assert client.get("/").location == "/overview"


def test_a_wrong_password_and_a_wrong_address_get_the_same_answer(
    app: Flask, client: FlaskClient
) -> None:
    make_operator(app)
    wrong = log_in(client, password="something else")
    unknown = log_in(client, email="nobody@example.com")
    assert wrong.status_code == unknown.status_code == 401
    sentence = "E-mail address and password do not fit together."
    assert sentence in wrong.text
    assert sentence in unknown.text
    assert re.search(r'<input [^>]*autofocus[^>]*name="password"', wrong.text)  # what to type anew
    assert not re.search(r'<input [^>]*autofocus[^>]*name="email"', wrong.text)


def test_a_login_never_leads_to_another_site(app: Flask) -> None:
    make_operator(app)
    for target in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "///evil.example",
    ):
        assert log_in(app.test_client(), next=target).location == "/overview", target


def test_a_form_without_its_token_is_refused(app: Flask, client: FlaskClient) -> None:
    make_operator(app)
    form = {"email": ADMIN, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 400
    assert client.get("/overview").status_code == 302
    assert browser_of(app, ADMIN).post("/logout").status_code == 400


def test_guessing_an_account_is_slowed_down_in_every_process(
    app: Flask, client: FlaskClient
) -> None:
    make_operator(app)
    for _ in range(logins.ACCOUNT_LIMIT):
        assert log_in(app.test_client(), password="a guess").status_code == 401
    answer = log_in(client)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "Too many attempts" in answer.text


SPELLINGS = ("Ada@München.example", "ada@xn--mnchen-3ya.example", "ada@ｍünchen.example")
"""Of one address; of the second browsers make use in forms, whatever was typed."""


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_an_international_address_is_known_however_it_is_spelled(app: Flask, spelled: str) -> None:
    make_operator(app, SPELLINGS[0])
    assert log_in(app.test_client(), spelled).status_code == 302


def test_each_spelling_of_an_address_counts_against_its_account(app: Flask) -> None:
    make_operator(app, SPELLINGS[0])
    for n in range(logins.ACCOUNT_LIMIT):
        log_in(app.test_client(), SPELLINGS[n % len(SPELLINGS)], "a guess")
    assert log_in(app.test_client(), SPELLINGS[0]).status_code == 429


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8:1:2::{}"])
def test_a_client_that_tries_many_accounts_is_slowed_down(app: Flask, address: str) -> None:
    database = app.extensions["database"]
    with database.write() as connection:
        for n in range(logins.CLIENT_LIMIT):
            logins.count_attempt(connection, f"someone{n}@example.com", address.format(n))
    client, last = app.test_client(), {"REMOTE_ADDR": address.format(0)}
    form = {"email": ADMIN, "password": PASSWORD, "csrf_token": csrf_token(client)}
    answer = client.post("/login", data=form, environ_overrides=last)
    assert answer.status_code == 429
    assert log_in(client).status_code == 401


def test_a_login_that_goes_well_takes_the_failed_ones_back(app: Flask) -> None:
    make_operator(app)
    for _ in range(logins.ACCOUNT_LIMIT - 1):
        log_in(app.test_client(), password="a guess")
    assert log_in(app.test_client()).status_code == 302
    assert log_in(app.test_client(), password="a guess").status_code == 401


def test_no_address_is_kept_of_a_failed_login(app: Flask, client: FlaskClient) -> None:
    log_in(client, email="eve@example.com")
    with app.extensions["database"].read(None) as session:
        subjects = session.scalars(select(LoginAttempt.subject)).all()
    assert len(subjects) == 2
    assert all(len(subject) == 64 for subject in subjects)


def test_a_one_time_password_must_be_changed_before_anything_else(app: Flask) -> None:
    with app.extensions["database"].write() as connection:
        password = create_operator(connection, ADMIN, "admin", "test")
    client = app.test_client()
    assert log_in(client, password=password).status_code == 302
    assert client.get("/overview").location == "/account/password"
    assert client.get("/overview/totals.json").status_code == 403
    answer = _change_password(client, password, NEW_PASSWORD)
    assert answer.location == "/overview"
    assert client.get("/overview").status_code == 200


def test_a_new_password_ends_the_other_sessions(app: Flask, operator: FlaskClient) -> None:
    elsewhere = browser_of(app, ADMIN)
    assert _change_password(operator, PASSWORD, NEW_PASSWORD).status_code == 302
    assert operator.get("/overview").status_code == 200
    assert elsewhere.get("/overview").status_code == 302
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), password=NEW_PASSWORD).status_code == 302


def test_a_password_that_does_not_do_changes_nothing(operator: FlaskClient) -> None:
    for password in ("short", " " * 10, "   short   "):
        short = _change_password(operator, PASSWORD, password)
        assert short.status_code == 422
        assert "10 characters or more" in short.text
    assert _change_password(operator, "not mine at all", NEW_PASSWORD).status_code == 401
    assert _change_password(operator, PASSWORD, PASSWORD).status_code == 401


def test_an_operator_whose_password_is_reset_is_logged_out(
    app: Flask, operator: FlaskClient
) -> None:
    with app.extensions["database"].write() as connection:
        set_password(connection, ADMIN, "test")
    assert operator.get("/overview").status_code == 302


def test_after_a_logout_a_copy_of_the_cookie_opens_nothing(app: Flask) -> None:
    make_operator(app)
    client, thief = browser_of(app, ADMIN), app.test_client()
    cookie = client.get_cookie("session")
    assert cookie is not None
    thief.set_cookie("session", cookie.value)
    assert thief.get("/overview").status_code == 200
    client.post("/logout", data={"csrf_token": csrf_token(client, "/overview")})
    assert thief.get("/overview").status_code == 302
    assert log_in(client).status_code == 302


def test_logins_and_logouts_are_in_the_audit_log(app: Flask, client: FlaskClient) -> None:
    make_operator(app)
    log_in(client)
    token = csrf_token(client, "/overview")
    assert client.post("/logout", data={"csrf_token": token}).location == "/login"
    assert client.get("/overview").status_code == 302
    with app.extensions["database"].read(None) as session:
        entries = session.execute(
            select(AuditEntry.actor, AuditEntry.action).order_by(AuditEntry.id)
        ).all()
    assert (ADMIN, "operator.login") in [tuple(entry) for entry in entries]
    assert (ADMIN, "operator.logout") in [tuple(entry) for entry in entries]


def _change_password(client: FlaskClient, current: str, new: str):  # type: ignore[no-untyped-def]
    token = csrf_token(client, "/account/password")
    form = {"csrf_token": token, "current": current, "new": new, "again": new}
    return client.post("/account/password", data=form)
