"""/trips: what its sentence tells of failures."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import record
from tests.dashboard.test_filters import sentence
from tests.metrics.test_trips import tried

WEEK = "/trips?from=2026-11-02&to=2026-11-08"


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


def attempts(failed: int, finished: int, name: str, **inputs: Any) -> list[dict[str, Any]]:
    return [
        line
        for n in range(finished)
        for line in tried("02 10:00", f"{name}{n}", 10, "X" if n < failed else "", **inputs)
    ]


def test_the_sentence_prefers_an_input_that_many_attempts_had(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *attempts(6, 150, "other", mode="car"), *attempts(10, 12, "few", mode="bus"))
    told = sentence(operator.get(WEEK).text)
    assert "mode = bus fail 8.44 times as often as usual, though only 12 finished." in told
    record(app, *attempts(25, 40, "many", mode="train"))
    told = sentence(operator.get(WEEK).text)
    assert "mode = train fail 3.08 times as often as usual." in told
