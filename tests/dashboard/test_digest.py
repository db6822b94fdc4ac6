"""The digest as a page: the last full week, unless another period is chosen."""

from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import record
from tests.dashboard.test_panels import click
from tracker.metrics.digest import last_full_week


@pytest.mark.parametrize(
    ("today", "monday", "sunday"),
    [
        (date(2026, 11, 15), date(2026, 11, 2), date(2026, 11, 8)),  # a Sunday is not over
        (date(2026, 11, 16), date(2026, 11, 9), date(2026, 11, 15)),
        (date(2027, 1, 1), date(2026, 12, 21), date(2026, 12, 27)),
    ],
)
def test_the_last_full_week_is_monday_to_sunday(today: date, monday: date, sunday: date) -> None:
    assert last_full_week(today) == (monday, sunday)


def test_the_digest_is_of_the_last_full_week(app: Flask, operator: FlaskClient) -> None:
    period = operator.get("/digest/marketplace.json").json["period"]
    first, last = (date.fromisoformat(period[end]) for end in ("from", "to"))
    assert (first.weekday(), last.weekday(), (last - first).days) == (0, 6, 6)
    assert 'aria-current="true">Last week</a>' in operator.get("/digest").text


def test_another_period_can_be_chosen_and_stays_when_leaving(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, click())
    text = operator.get("/digest?period=7d").text
    assert 'aria-current="true">7d</a>' in text
    assert 'href="/digest"' in text  # the last week again
    assert 'href="/experts?period=7d"' in text
    assert operator.get("/overview?period=week").status_code == 200
