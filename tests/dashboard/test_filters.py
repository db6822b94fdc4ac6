"""/filters as an operator sees it."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import plotly.graph_objects
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import record
from tests.dashboard.reading import in_words
from tests.dashboard.test_figures import resolved
from tests.metrics.asking import ANNA, BEN, CARA
from tracker.dashboard.wording import value_in_words


def change(
    session: str, name: str, value: object, left: int, minutes: int = 0, days: int = 1
) -> dict[str, Any]:
    """A filter set some days ago, some minutes after noon."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    at = noon - timedelta(days=days) + timedelta(minutes=minutes)
    payload = {"filter": name, "value": value, "result_count": left}
    return {
        "event_type": "filter_change",
        "session_id": session,
        "occurred_at": at.isoformat(),
        "payload": payload,
    }


def sentence(page: str) -> str:
    """The page's answer, without its markup."""
    found = re.search(r'<p class="answer">(.*?)</p>', page, re.S)
    assert found
    return re.sub(r"<[^>]+>", "", found[1]).replace("\u202f", " ")


def test_the_sentence_names_the_filter_and_the_value_that_ended_it(
    app: Flask, operator: FlaskClient
) -> None:
    for session in (ANNA, BEN, CARA):
        record(
            app,
            change(session, "city", "Porto", 5),
            change(session, "language", ["Dutch", "Frisian"], 0, minutes=1),
        )
    record(app, change(ANNA, "city", "Porto", 5, days=40))
    page = operator.get("/filters").text
    assert sentence(page) == (
        "50.0 % of 6 filter settings left nothing, up from 0 %. The last straw was most often"
        " language, 3 times, 3 of them with Dutch, Frisian."
    )
    assert 'href="/people?period=28d&amp;filter=language#sessions"' in page


def test_the_sentence_names_the_value_that_is_wanted_and_not_there(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *(change(ANNA, "city", "Porto", 0, minutes=n) for n in range(9)))
    assert "Wanted but not offered" not in operator.get("/filters").text
    record(app, change(BEN, "city", "Porto", 0), change(CARA, "city", "Rome", 5))
    page = operator.get("/filters").text
    assert "Wanted but not offered: city Porto, set 10 times and always in vain." in sentence(page)
    assert "filter=city&amp;value=%22Porto%22&amp;dead_end=1#sessions" in page


def test_the_sentence_says_when_nothing_stands_out(app: Flask, operator: FlaskClient) -> None:
    assert "Nobody set a filter" in operator.get("/filters").text
    record(app, change(ANNA, "city", "Porto", 5))
    assert "Whatever people chose, something was left." in operator.get("/filters").text
    record(app, change(BEN, "city", "Porto", 0))
    assert "No filter stands out as the one that ended it." in operator.get("/filters").text


def test_values_are_shown_in_words_and_kept_as_json(app: Flask, operator: FlaskClient) -> None:
    record(app, change(ANNA, "rate", [50, 120], 5))
    assert ">50 to 120</a>" in operator.get("/filters").text
    rows = operator.get("/filters/values.json").json["rows"]
    assert rows == [{"filter": "rate", "value": "[50,120]", "sets": 1, "zero_results": 0}]


def test_values_can_be_cut_to_one_filter_from_the_page(app: Flask, operator: FlaskClient) -> None:
    record(app, change(ANNA, "city", "Porto", 5), change(ANNA, "area", "North", 5))
    page = operator.get("/filters?filter=area").text
    assert ">North</a>" in page
    assert ">Porto</a>" not in page
    assert operator.get("/filters/values.json?filter=area").json["total"] == 1


def test_words_for_values_say_what_a_reader_would() -> None:
    said = {
        '"Dutch"': "Dutch",
        "[50,120]": "50 to 120",
        "[50,null]": "50 or more",
        "[null,120]": "up to 120",
        "[null,null]": "any",
        '["a","b"]': "a, b",
        '["a",null,true]': "a, none, yes",
        "true": "yes",
        "false": "no",
        "3": "3",
        '""': "empty",
        '" "': "empty",
        "[]": "empty",
        '[""]': "empty",
        "[true,false]": "yes, no",
        "[[1,2],[]]": "[1, 2], []",
        '"cut sho': '"cut sho',
    }
    assert {value: value_in_words(value) for value in said} == said


def test_a_value_of_nothing_can_be_seen_and_followed(app: Flask, operator: FlaskClient) -> None:
    record(app, *(change(ANNA, "city", value, 0) for value in ("", [], " ")))
    for page in ("/filters", "/demand"):
        shown = operator.get(page).text
        assert shown.count(">empty</a>") == 3
        assert not re.search(r"<a [^>]*>\s*</a>", shown)
    told = operator.get("/people?filter=city&value=%22%22&dead_end=1").text
    assert "One session set city to empty and found nothing left" in in_words(told)
    assert in_words(operator.get("/activity").text).count("Set city to empty: found nothing") == 3


def test_the_rate_charts_are_what_plotly_understands(app: Flask, operator: FlaskClient) -> None:
    record(app, change(ANNA, "rate", [50, 100], 0), change(BEN, "rate", [75, 125], 6))
    figures = [
        json.loads(found)
        for found in re.findall(
            r'<script type="application/json">(.*?)</script>', operator.get("/filters").text, re.S
        )
    ]
    for figure in figures:
        plotly.graph_objects.Figure(resolved(figure))
    demand, supply = figures
    dead, alive = demand["data"]
    assert dead["y"] == [1, 1, 0]
    assert alive["y"] == [0, 1, 1]
    assert dead["customdata"] == ["50 to 75", "75 to 100", "100 to 125"]
    assert demand["layout"]["xaxis"]["tickvals"] == [50, 75, 100, 125]
    assert supply["data"][0]["y"] == [0, 0, 6]


def test_long_marks_of_the_rate_scale_leave_each_other_room(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, change(ANNA, "rate", [900, 1100], 5))
    drawn = re.findall(
        r'<script type="application/json">(.*?)</script>', operator.get("/filters").text, re.S
    )
    marks = [json.loads(figure)["layout"]["xaxis"]["tickvals"] for figure in drawn]
    assert marks == [[900, 950, 1000, 1050, 1100]] * 2
