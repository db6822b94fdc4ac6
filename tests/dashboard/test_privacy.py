"""/settings/privacy: a person's data as a file, and its end."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import SESSION, record
from tests.dashboard.conftest import browser_of, csrf_token, make_operator

EMAIL = "grace@example.com"


def send(client: FlaskClient, action: str, **form: Any) -> Any:
    token = csrf_token(client, "/settings/privacy")
    return client.post(f"/settings/privacy/{action}", data=form | {"csrf_token": token})


def test_an_admin_downloads_all_that_is_held_about_somebody(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, {"session_id": SESSION, "email": EMAIL, "user_id": "u1"})
    answer = send(operator, "export", by="email", value=EMAIL)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="person.json"'
    assert answer.json["identities"][0]["session_id"] == SESSION


def test_erasing_needs_to_be_meant(app: Flask, operator: FlaskClient) -> None:
    record(app, {"session_id": SESSION, "email": EMAIL})
    unsure = send(operator, "erase", by="email", value=EMAIL)
    assert (unsure.status_code, "Tick that you mean it" in unsure.text) == (422, True)
    done = send(operator, "erase", by="email", value=EMAIL, sure="yes")
    assert "Erased: one session, " in done.text
    assert EMAIL not in done.text
    again = send(operator, "export", by="email", value=EMAIL)
    assert "Nothing is held under this identifier" in again.text
    assert EMAIL not in operator.get("/settings/audit").text


def test_who_is_not_known_is_said_to_be_so(operator: FlaskClient) -> None:
    """A slip in an address must not look like a person of whom all is gone."""
    answer = send(operator, "erase", by="email", value="grcae@example.com", sure="yes")
    assert "nothing to erase" in answer.text
    assert "Erased:" not in answer.text
    assert '<a href="/settings/privacy" aria-current="true">Privacy</a>' in answer.text


def test_a_faulty_identifier_is_refused(operator: FlaskClient) -> None:
    for by, value in (("email", "nobody"), ("session", "x"), ("moon", "x"), ("user", "\0")):
        assert send(operator, "export", by=by, value=value).status_code == 422


def test_only_admins_may(app: Flask) -> None:
    analyst = browser_of(app, make_operator(app, "an@example.com", "analyst"))
    assert analyst.get("/settings/privacy").status_code == 403
