"""Operators, their browsers, and a count of what a page asks of the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from tests.conftest import PASSWORD
from tracker.dashboard import pageview
from tracker.model import Operator
from tracker.store.operators import create_operator

ADMIN = "ada@example.com"
_NO_QUESTION = ("BEGIN", "SET LOCAL", "SELECT set_config", "SAVEPOINT")


def make_operator(
    app: Flask, email: str = ADMIN, role: str = "admin", tenants: tuple[str, ...] = ()
) -> str:
    with app.extensions["database"].write() as connection:
        create_operator(connection, email, role, "test", password=PASSWORD, tenants=tenants)
    return email


def browser_of(app: Flask, email: str) -> FlaskClient:
    """A client whose session is the operator's, as after a login."""
    with app.extensions["database"].read(None) as session:
        operator = session.scalars(select(Operator).where(Operator.email == email)).one()
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = f"{operator.id}:{operator.session_version}"
        cookie["_fresh"] = True
    return client


@pytest.fixture(autouse=True)
def no_part_fails_unseen(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A page shows what is left when a part of it fails; a test would pass on that."""
    yield
    assert not [r.getMessage() for r in caplog.get_records("call") if r.name == pageview.__name__]


@pytest.fixture
def operator(app: Flask) -> FlaskClient:
    """A client where an admin is logged in."""
    return browser_of(app, make_operator(app))


def csrf_token(client: FlaskClient, path: str = "/login") -> str:
    """The token of the first form on a page."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found, f"no form on {path}"
    return found[1]


def log_in(client: FlaskClient, email: str = ADMIN, password: str = PASSWORD, **more: Any) -> Any:
    """The answer to a filled-in login form."""
    form = {"email": email, "password": password, "csrf_token": csrf_token(client), **more}
    return client.post("/login", data=form)


@contextmanager
def asked(app: Flask) -> Iterator[list[str]]:
    """The questions put to the database inside the block."""
    said: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(_NO_QUESTION):
            said.append(statement)

    reader = app.extensions["database"].reader
    event.listen(reader, "before_cursor_execute", note)
    yield said
    event.remove(reader, "before_cursor_execute", note)
