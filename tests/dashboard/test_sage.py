"""/sage: the sentence, where numbers lead, and what the page costs."""

from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import record
from tests.dashboard.conftest import asked
from tests.dashboard.reading import WEEK, answer_of, links_of, panel_of
from tests.metrics.asking import ANNA, BEN, click, search

PAGE = f"/sage?{WEEK}"


def a_week() -> list[dict[str, Any]]:
    return [
        search("01 09:00", ANNA, "tax adviser", found=("a",)),  # the week before
        search("02 09:00", ANNA, "tax adviser", found=("a", "b")),
        click("02 09:01", ANNA, "a"),
        search("03 09:00", BEN, "chef", found=("b",)),
        search("03 09:02", BEN, "private chef"),
        search("03 09:10", BEN, "private chef"),
    ]


def test_the_sentence_tells_how_often_answers_were_clicked_and_failed(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *a_week())
    # 1 of 4 clicked, 0 of 1 in the week before; 2 of 4 found nothing, before 0; "chef" had a
    # result, no click, and was asked again within two minutes.
    assert answer_of(operator.get(PAGE).text) == (
        "25.0 % of 4 searches led to a click on one of Sage’s experts, up from 0 %. "
        "It found nothing for 50.0 %, up from 0 %; "
        "one answer was passed over and asked again."
    )


def test_the_sentence_has_nothing_to_complain_of_when_all_went_well(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search("02 09:00", ANNA, found=("a",)), click("02 09:01", ANNA, "a"))
    assert answer_of(operator.get(PAGE).text) == (
        "100 % of one search led to a click on one of Sage’s experts. It always found some."
    )


def test_a_rate_of_zero_is_drawn_and_one_of_nothing_is_not(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search("02 09:00", ANNA, found=("a",)))
    page = operator.get(PAGE).text
    for name in ("daily-clicks", "daily-zero-rate"):
        assert "data-chart" in panel_of(page, name)
    page = operator.get("/sage?from=2026-10-01&to=2026-10-07").text
    assert "data-chart" not in page


def test_without_a_search_the_page_says_so(operator: FlaskClient) -> None:
    page = operator.get(PAGE).text
    assert answer_of(page) == "Nobody asked Sage anything in this period."
    assert "sage_query" in page


def test_a_query_leads_to_the_sessions_behind_it(app: Flask, operator: FlaskClient) -> None:
    record(app, *a_week())
    link, in_vain = (
        link
        for link in links_of(panel_of(operator.get(PAGE).text, "top-queries"))
        if link.startswith("/people") and "private" in link
    )
    assert link == "/people?from=2026-11-02&to=2026-11-08&query=private+chef#sessions"
    assert in_vain == link.replace("#", "&zero=1#")
    people = operator.get(link.replace("/people?", "/people/sessions.json?")).json
    assert [row["session_id"] for row in people["rows"]] == [BEN]


def test_a_small_sample_is_marked(app: Flask, operator: FlaskClient) -> None:
    record(app, *a_week())
    assert "n = 4" in panel_of(operator.get(PAGE).text, "answers")


def test_the_page_asks_as_much_for_many_queries_as_for_few(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search("02 09:00", ANNA))
    with asked(app) as few:
        operator.get(PAGE)
    record(app, *(search(f"02 09:{n:02}", BEN, f"query {n}") for n in range(60)))
    with asked(app) as many:
        operator.get(PAGE)
    assert len(many) == len(few) <= 24
