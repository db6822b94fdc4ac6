"""The real data, imported once per database and only read by the tests."""

import gzip
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from tests.conftest import (
    bearer,
    dispose,
    make_app,
    make_key,
    real_data,
)
from tests.postgres import new_database

SPAN = (date(2026, 10, 18), date(2026, 11, 15))
"""The days of the data, both included; in UTC, which is the reporting time zone here."""

PERIODS = [SPAN, (date(2026, 10, 25), date(2026, 11, 7)), (date(2026, 11, 10), date(2026, 11, 10))]


ALL_TAKEN_IN = "accepted 25256 duplicates 0 linked 720 rejected 0"


@pytest.fixture(scope="session")
def lines() -> list[dict[str, Any]]:
    """Every line of the file, with `at` as a datetime and `day` where it is an event."""
    with gzip.open(real_data() / "sgd_dev.ndjson.gz") as file:
        found = [orjson.loads(line) for line in file]
    for line in found:
        if "event_type" in line:
            line["at"] = datetime.fromisoformat(line["occurred_at"])
            line["day"] = line["at"].date()
    return found


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def imported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """An app with all of the real data, settled."""
    file = real_data() / "sgd_dev.ndjson.gz"
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('real') / 'tracker.db'}"
    else:
        url = new_database(request.getfixturevalue("postgres_url"))
    app = make_app(url, {"TRACKER_RETENTION_DAYS": "3650"})
    with app.app_context():
        upgrade()
    result = app.test_cli_runner().invoke(args=["events", "import", str(file)])
    assert result.output.splitlines()[-1] == ALL_TAKEN_IN
    yield app
    dispose(app)


@pytest.fixture(scope="session")
def reader(imported: Flask) -> dict[str, str]:
    """The headers of a program that may read."""
    return bearer(make_key(imported, "default", ("read",)))


@pytest.fixture
def panel(imported: Flask, reader: dict[str, str]) -> Any:
    """Asks a panel over a period for all its rows: `panel("/sage/top-queries", period)`."""
    client: FlaskClient = imported.test_client()

    def ask(path: str, period: tuple[date, date], **query: str) -> list[dict[str, Any]]:
        days = {"from": period[0].isoformat(), "to": period[1].isoformat(), "limit": "100000"}
        answer = client.get(f"{path}.json", query_string=days | query, headers=reader)
        assert answer.status_code == 200, answer.text
        body = answer.json
        assert body["total"] == len(body["rows"])
        assert all(list(row) == body["columns"] for row in body["rows"])
        rows: list[dict[str, Any]] = body["rows"]
        return rows

    return ask


def within(lines: list[dict[str, Any]], period: tuple[date, date], *types: str) -> list[Any]:
    """The events of a period, of these types or of all."""
    return [
        line
        for line in lines
        if "event_type" in line
        and period[0] <= line["day"] <= period[1]
        and (not types or line["event_type"] in types)
    ]
