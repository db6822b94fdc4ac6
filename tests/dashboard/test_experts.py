"""/experts and the page of one: the sentence, labels, and what the pages cost."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import make_tenant, record
from tests.dashboard.conftest import asked, browser_of, make_operator
from tests.dashboard.reading import WEEK, answer_of, links_of, panel_of
from tests.metrics.asking import ANNA, click, event, search
from tracker.dashboard import parts

PAGE = f"/experts?{WEEK}"


def a_gem() -> list[dict[str, Any]]:
    """Gem and dud change places all the time; only the gem is clicked, at rank 1."""
    lines = []
    for n in range(60):
        lines.append(search(f"02 09:{n:02}", ANNA, found=("gem", "dud")))
        lines.append(search(f"03 09:{n:02}", ANNA, found=("dud", "gem")))
        lines.append(click(f"02 10:{n:02}", ANNA, "gem", position=1))
    return lines


def test_the_sentence_names_who_deserves_a_better_place(app: Flask, operator: FlaskClient) -> None:
    record(app, *a_gem())
    # 60 clicks on 120 impressions at rank 1: 30 expected of each. Gem: 65/35 = 1.86.
    page = operator.get(PAGE).text
    assert answer_of(page) == (
        "Sage showed experts 240 times; of 2 known the one shown most got 50.0 % of it. "
        "gem deserves a better place: it is clicked 1.86 times as often as its places explain."
    )
    assert "hidden gem" in panel_of(page, "standing")
    assert "over-exposed" in panel_of(page, "standing")


def test_the_sentence_counts_nobody_as_shown_who_was_not(app: Flask, operator: FlaskClient) -> None:
    record(app, search("09 09:00", ANNA, found=("e0",)))
    alone = operator.get("/experts?from=2026-11-09&to=2026-11-09").text
    assert answer_of(alone).startswith("Sage showed the only expert known one time. Nobody")
    shown = ("e0",) * 2 + tuple(f"e{n}" for n in range(9))
    record(app, search("02 09:00", ANNA, found=shown), search("01 09:00", ANNA, found=("f1", "f2")))
    # 11 known, of whom 9 were shown 11 times; the tenth of them, rounded up, are 2: 3 + 1 of 11
    assert answer_of(operator.get(PAGE).text).startswith(
        "Sage showed experts 11 times; the most shown tenth of 11 known got 36.4 % of it"
    )


def test_who_was_clicked_and_never_shown_is_a_small_sample(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, click("02 10:00", ANNA, "unseen", position=1))
    page = operator.get(PAGE).text
    for panel in ("standing", "exposure"):
        assert ">n = 0</span>" in panel_of(page, panel)
    assert answer_of(page) == (
        "One click came in, but nothing of who was shown: without that no rate can be told."
    )
    assert "Every expert that is known was shown or clicked." in panel_of(page, "never-shown")


def test_an_id_of_any_kind_can_be_followed(app: Flask, operator: FlaskClient) -> None:
    name = "a/b?{c}#d%"
    record(app, *(line | {"payload": named(line["payload"], "gem", name)} for line in a_gem()))
    page = operator.get(PAGE).text
    assert f"{name} deserves a better place" in answer_of(page)
    link = next(link for link in links_of(page) if link.startswith("/experts/a"))
    assert answer_of(operator.get(link).text).startswith("Shown 120 times")


@pytest.mark.parametrize("name", ["a/b", "é? x", "a#b", "100%25", "a+b"])
def test_an_experts_page_leads_to_its_panels_whatever_its_id(
    app: Flask, operator: FlaskClient, name: str
) -> None:
    record(app, *(line | {"payload": named(line["payload"], "gem", name)} for line in a_gem()))
    page = operator.get(f"/experts/{quote(name, safe='')}?{WEEK}").text
    link = next(link for link in links_of(page) if "/totals.json" in link)
    assert operator.get(link).json["rows"][0]["sage_impressions"] == 120
    sorted_by = next(link for link in links_of(page) if "clicks.sort" in link)
    assert answer_of(operator.get(sorted_by).text).startswith("Shown 120 times")


def named(payload: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    if "expert_ids" in payload:
        return payload | {"expert_ids": [new if e == old else e for e in payload["expert_ids"]]}
    return payload | {"expert_id": new}


def test_without_an_impression_the_page_says_so(operator: FlaskClient) -> None:
    page = operator.get(PAGE).text
    assert answer_of(page) == "No expert was shown in this period."


def test_experts_that_were_not_shown_are_listed(app: Flask, operator: FlaskClient) -> None:
    record(app, search("01 09:00", ANNA, found=("z",)), search("02 09:00", ANNA, found=("a",)))
    panel = panel_of(operator.get(PAGE).text, "never-shown")
    assert f"/experts/z?{WEEK}" in links_of(panel)
    assert "1 Nov" in panel


def test_an_experts_page_tells_its_queries_filters_and_clicks(
    app: Flask, operator: FlaskClient
) -> None:
    record(
        app,
        search("02 09:00", ANNA, "chef", found=("x", "a/b")),
        search("02 09:05", ANNA, "chef", found=("a/b",)),
        event(
            "results_shown",
            "03 09:00",
            ANNA,
            view_id="v",
            context="grid",
            expert_ids=["a/b"],
            filters={"city": "Rome", "rate": [50, 120]},
        ),
        event(
            "results_shown",
            "03 09:30",
            ANNA,
            view_id="w",
            context="sage_panel",  # no grid: its impression is the answer's
            expert_ids=["a/b"],
            filters={"city": "Rome"},
        ),
        click("03 09:01", ANNA, "a/b", context="grid", position=1, filters={"city": "Rome"}),
    )
    path = "/experts/a%2Fb"
    assert answer_of(operator.get(f"{path}?{WEEK}").text) == (
        "Shown 3 times and clicked one time, about as often as its places explain"
        " (1.00 × expected)."
    )
    found = operator.get(f"{path}/found-by.json?{WEEK}").json["rows"]
    assert found == [
        {"query": "chef", "answers": 2, "best_rank": 1, "last_at": "2026-11-02T09:05:00Z"}
    ]
    assert operator.get(f"{path}/under-filters.json?{WEEK}").json["rows"] == [
        {"filter": "city", "value": '"Rome"', "impressions": 1, "clicks": 1},
        {"filter": "rate", "value": "[50,120]", "impressions": 1, "clicks": 0},
    ]
    [clicked] = operator.get(f"{path}/clicks.json?{WEEK}").json["rows"]
    assert clicked == {
        "occurred_at": "2026-11-03T09:01:00Z",
        "session_id": ANNA,
        "email": None,
        "context": "grid",
        "position": 1,
    }


def test_an_expert_that_nobody_knows_has_no_page(app: Flask, operator: FlaskClient) -> None:
    record(app, search("02 09:00", ANNA, found=("a",)))
    assert operator.get("/experts/a").status_code == 200
    assert operator.get("/experts/b").status_code == 404


def test_an_expert_of_another_tenant_has_no_page(app: Flask) -> None:
    make_tenant(app, "mine")
    record(app, search("02 09:00", ANNA, found=("a",)))
    browser = browser_of(app, make_operator(app, "t@example.com", "tenant", ("mine",)))
    assert browser.get("/experts/a").status_code == 404


def test_the_pages_ask_as_much_for_many_experts_as_for_few(
    app: Flask, operator: FlaskClient
) -> None:
    record(app, search("02 09:00", ANNA, found=("a",)))
    for path in (PAGE, f"/experts/a?{WEEK}"):
        with asked(app) as few:
            operator.get(path)
        record(app, search("02 10:00", ANNA, found=tuple(f"{path}{n}" for n in range(150))))
        with asked(app) as many:
            operator.get(path)
        assert len(many) == len(few) <= 16


def test_ranks_that_visitors_make_up_neither_spoil_the_chart_nor_fill_the_page(
    app: Flask, operator: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "MOST_DRAWN", 50)
    clicks = [click(f"02 10:{n:02}", ANNA, "a", position=10**9 + n) for n in range(60)]
    record(app, search("02 09:00", ANNA, found=("a", "b")), *clicks)
    told = panel_of(operator.get(PAGE).text, "click-positions")
    assert told.count("<tr") == 1 + 50
    block = re.search(r'<script type="application/json">(.*?)</script>', told, re.S)
    assert block
    assert {x for trace in json.loads(block[1])["data"] for x in trace["x"]} == {1, 2}
    assert operator.get(f"/experts/click-positions.json?{WEEK}").json["total"] == 62
