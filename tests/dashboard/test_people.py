"""/people and the timelines: the sentence, who is found, and who may see it."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import make_tenant, record
from tests.dashboard.conftest import asked, browser_of, make_operator
from tests.dashboard.reading import WEEK, answer_of, in_words, links_of, panel_of
from tests.metrics.asking import ANNA, BEN, CARA, click, event, search

PAGE = f"/people?{WEEK}"
EMAIL = "anna@example.org"
_PANELS = ("visitors", "sessions", "funnel", "returns")


def a_visit() -> list[dict[str, Any]]:
    """Anna asks for a trip, anonymously; then she is known, and clicks."""
    return [
        search("02 09:00", ANNA, "Chef in Rome", found=("a",)),
        event("create_trip_attempted", "02 09:05", ANNA, input_snapshot={}) | {"request_id": "r"},
        event("create_trip_failed", "02 09:06", None, error_code="TIMEOUT") | {"request_id": "r"},
        {"session_id": ANNA, "email": EMAIL},
        click("02 09:10", ANNA, "a", position=1),
    ]


def entries(page: str) -> list[str]:
    """The timeline's words, in the order shown."""
    parts = panel_of(page, "timeline").split('<span class="entry-words">')[1:]
    return [in_words(part.split("</span>")[0]) for part in parts]


def test_the_sentence_tells_who_came_and_how_many_are_known(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search("01 09:00", CARA), *a_visit(), search("03 09:00", BEN))
    # 2 sessions, 1 in the week before; Anna searched and clicked and is known
    assert answer_of(operator.get(PAGE).text) == (
        "2 sessions, up from 1. 50.0 % of them searched or filtered and clicked an expert; "
        "50.0 % are known by name, up from 0 %."
    )


def test_the_sentence_compares_with_nothing_when_comparison_is_off(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search("01 09:00", CARA), *a_visit(), search("03 09:00", BEN))
    assert answer_of(operator.get(f"{PAGE}&compare=none").text) == (
        "2 sessions. 50.0 % of them searched or filtered and clicked an expert; "
        "50.0 % are known by name."
    )


def test_of_a_single_session_no_share_is_said(app: Flask, operator: FlaskClient) -> None:
    record(app, click("03 09:00", BEN, "a"))
    assert answer_of(operator.get(PAGE).text) == (
        "One session. It neither searched nor set a filter, and is not known by name."
    )
    record(app, search("01 09:00", ANNA), search("08 09:00", ANNA))
    day = "/people?from=2026-11-08&to=2026-11-08&compare=none"
    assert answer_of(operator.get(day).text) == (
        "One session. It searched or filtered without clicking an expert, and is not known by name."
    )


def test_numbers_of_everybody_are_left_out_beside_a_chosen_few(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *a_visit(), search("03 09:00", BEN))
    few = operator.get(f"{PAGE}&known=1").text
    assert [name for name in _PANELS if f'id="{name}"' in few] == ["sessions"]
    everybody = operator.get(PAGE).text
    assert [name for name in _PANELS if f'id="{name}"' in everybody] == list(_PANELS)


def test_without_a_session_the_page_says_so(operator: FlaskClient) -> None:
    assert answer_of(operator.get(PAGE).text) == "Nobody came in this period."


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("query=Chef+in+Rome", "One session searched “Chef in Rome” in this period."),
        ("query=chef&zero=1", "No session searched “chef” and found nothing in this period."),
        ("thin=1&query=tax", "No session searched “tax” and found one or two in this period."),
        ("filter=city&dead_end=1", "No session set city and found nothing left in this period."),
        ("known=1", "One session came, known by name, in this period."),
        ("expert_id=a&filter=city", "No session set city and clicked a in this period."),
        ("filter=city&value=%22Rome%22", "No session set city to Rome in this period."),
        ("filter=city&with=rate", "No session set city and set rate in this period."),
        ("with=city+%2B+rate", "No session set city and set rate in this period."),
        (
            "step=clicked+a+card",
            "One session set a filter or searched and clicked a card in this period.",
        ),
        ("step=had+any+event", "One session had any event in this period."),
        ("before=1", "No session had come before in this period."),
        (
            "first_week=2026-11-02",
            "One session first came in the week from 2 Nov and came in this period.",
        ),
        ("error_code=TIMEOUT", "One session had a trip fail with TIMEOUT in this period."),
    ],
)
def test_a_link_from_elsewhere_is_told_in_words(
    app: Flask, operator: FlaskClient, query: str, said: str
) -> None:
    record(app, *a_visit())
    page = operator.get(f"{PAGE}&{query}").text
    assert answer_of(page).lower() == f"{said} show everyone".lower()


def test_choices_that_nobody_made_are_not_shown(operator: FlaskClient) -> None:
    assert 'name="expert_id"' not in operator.get(PAGE).text
    assert 'name="expert_id"' in operator.get(f"{PAGE}&expert_id=a").text


def test_a_session_leads_to_its_timeline_and_an_address_to_the_persons(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *a_visit())
    links = links_of(panel_of(operator.get(PAGE).text, "sessions"))
    assert f"/people/session/{ANNA}?{WEEK}" in links
    assert f"/people/person/anna%40example.org?{WEEK}" in links


@pytest.mark.parametrize("path", [f"/people/session/{ANNA}", f"/people/person/{EMAIL}"])
def test_a_timeline_tells_the_anonymous_and_the_known_part_and_what_servers_did(
    app: Flask, operator: FlaskClient, path: str
) -> None:
    record(app, *a_visit())
    page = operator.get(path).text
    assert entries(page) == [
        "Asked Sage “Chef in Rome”: 1 result",
        "Asked for a trip",
        "The trip failed: TIMEOUT",
        "Clicked a in Sage’s answer, position 1",
        f"Became known as {EMAIL}",
    ]
    assert "period" not in answer_of(page)
    assert "no change" not in page


def test_a_persons_timeline_spans_sessions_and_events_of_the_user(
    app: Flask, operator: FlaskClient
) -> None:
    record(
        app,
        *a_visit(),
        search("04 09:00", BEN, "second browser"),
        {"session_id": BEN, "email": EMAIL, "user_id": "u7"},
        event(
            "plan_updated", "05 09:00", None, previousPlan="free", newPlan="team", status="active"
        )
        | {"user_id": "u7"},
        search("05 10:00", CARA, "somebody else"),
    )
    told = entries(operator.get(f"/people/person/{EMAIL}").text)
    assert "Asked Sage “second browser”: found nothing" in told
    assert "Moved from free to team, active" in told
    assert not any("somebody else" in words for words in told)
    rows = operator.get(f"/people/person/{EMAIL}/visits.json").json["rows"]
    assert [row["session_id"] for row in rows] == [BEN, ANNA]


def test_a_search_that_counts_as_one_in_vain_is_told_as_one(
    app: Flask, operator: FlaskClient
) -> None:
    line = search("04 09:00", BEN, "somebody")
    line["payload"] |= {"function_called": "apply_filters", "result_count": None}
    record(app, {**line, "payload": line["payload"] | {"zero_results": True}})
    told = entries(operator.get(f"/people/session/{BEN}").text)
    assert told == ["Asked Sage “somebody”: found nothing"]


def test_a_day_with_two_sessions_of_a_person_is_one_active_day(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *a_visit(), search("02 20:00", BEN), search("03 09:00", BEN))
    record(app, {"session_id": BEN, "email": EMAIL})
    (row,) = operator.get(f"/people/person/{EMAIL}/visitor.json").json["rows"]
    assert (row["sessions"], row["active_days"]) == (2, 2)


def test_the_sentence_of_a_session_tells_what_was_done(app: Flask, operator: FlaskClient) -> None:
    record(app, *a_visit())
    said = answer_of(operator.get(f"/people/session/{ANNA}").text)
    assert said == (
        f"{EMAIL} came on 2 Nov 09:00 and stayed 10 min 0 s: "
        "3 events, one search and one click among them."
    )


@pytest.mark.parametrize(
    "path",
    [
        f"/people/session/{BEN}",
        "/people/session/nonsense",
        "/people/person/nobody@example.org",
        "/people/person/nonsense",
    ],
)
def test_who_never_came_has_no_page(app: Flask, operator: FlaskClient, path: str) -> None:
    record(app, *a_visit())
    assert operator.get(path).status_code == 404


def test_another_tenants_people_have_no_page(app: Flask) -> None:
    make_tenant(app, "mine")
    record(app, *a_visit())
    browser = browser_of(app, make_operator(app, "t@example.com", "tenant", ("mine",)))
    assert browser.get(f"/people/session/{ANNA}").status_code == 404
    assert browser.get(f"/people/person/{EMAIL}").status_code == 404
    assert browser.get(f"/people/sessions.json?{WEEK}").json["rows"] == []


def test_the_pages_ask_as_much_for_many_sessions_as_for_few(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, *a_visit())
    for path in (PAGE, f"/people/person/{EMAIL}"):
        with asked(app) as few:
            operator.get(path)
        for n in range(40):
            session = f"{n:08}-0000-4000-8000-{len(path):012}"
            record(app, search("03 09:00", session), {"session_id": session, "email": EMAIL})
        with asked(app) as many:
            operator.get(path)
        assert len(many) == len(few) <= 16
