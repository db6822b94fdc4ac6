"""Docs that can't rot: the taxonomy is the catalog's, and every query of the docs runs."""

import re
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from docs.generate import DOCS, GENERATED
from tests.conftest import make_tenant, record
from tests.metrics.business_lines import (
    called,
    escalated,
    ingest,
    moved,
    over_quota,
    said,
    started,
)
from tracker.catalog import CATALOG

QUERIES = re.findall(
    r"^## (\d+\. .+?)$.*?^```sql\n(.+?)^```", (DOCS / "queries.md").read_text(), re.S | re.M
)


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == GENERATED[name](), "run `make docs`"


def test_the_taxonomy_tells_of_every_type() -> None:
    page = (DOCS / "taxonomy.md").read_text()
    assert all(f"### {name}\n" in page for name in CATALOG)


def test_there_are_a_dozen_queries_or_more() -> None:
    assert len(QUERIES) >= 12


# The week is 2 to 8 November: two conversations, one of them handed over after the week; two
# ingestions of 2 and 10 s, one that failed; three calls that worked and one that did not.
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "1": [("2026-11-02", 1), ("2026-11-03", 1)],
    "2": [(2, 1, 0.5, 0.5)],
    "3": [("billing", 1)],
    "4": [("assistant", 1, 0.5), ("user", 2, 1.0)],
    "5": [("website", 2, 2, 0, 5, 50), ("pdf", 1, 0, 1, 0, 0)],
    "6": [(2.0, 10.0)],
    "7": [("crm", 3, 1, 0.75)],
    "8": [("seats", 2, 2)],
    "9": [("acme", "free", "team", "active", 1)],
    "10": [("acme", 2, 6, 4)],
    "11": [("blue", "2026-11-01")],
    "12": [("conversation_started",), ("message_sent",), ("escalation_triggered",)],
    "13": [("a tailor", 1, 1)],
}


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_a_query_of_the_docs_gives_what_it_says(app: Flask, title: str, query: str) -> None:
    _fill(app)
    with app.extensions["database"].read(None) as session:
        found = [tuple(map(_plain, row)) for row in session.execute(text(query))]
    number = title.split(".")[0]
    if number == "12":
        found = [row[1:2] for row in found]
    assert found == EXPECTED[number]


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if hasattr(value, "as_tuple") else value


def _fill(app: Flask) -> None:
    for tenant in ("acme", "blue"):
        make_tenant(app, tenant)
    record(app, over_quota("01 10:00"), tenant="blue")
    nothing = {
        "query_text": "A tailor",
        "function_called": "search_experts",
        "result_count": 0,
        "expert_ids": [],
    }
    record(
        app,
        started("02 10:00", "c_7041"),
        said("02 10:01", "c_7041"),
        escalated("09 10:00", "c_7041"),
        started("03 10:00", "c2"),
        said("03 10:01", "c2"),
        said("03 10:02", "c2", "assistant"),
        escalated("03 10:03", "c3", "billing"),
        ingest("started", "03 09:00:00", url="https://a"),
        ingest("completed", "03 09:00:02", url="https://a", docs=2, chunks=20),
        ingest("started", "03 09:00:00", url="https://b"),
        ingest("completed", "03 09:00:10", url="https://b", docs=3, chunks=30),
        ingest("started", "03 09:00:00", "pdf"),
        ingest("failed", "03 09:00:01", "pdf", errorCode="TIMEOUT"),
        *(called(f"03 10:0{n}") for n in range(3)),
        called("03 10:04", error="AUTH"),
        over_quota("02 10:00"),
        over_quota("03 10:00"),
        moved("04 10:00", "free", "team"),
        {
            "event_type": "sage_query",
            "occurred_at": "2026-11-05T10:00:00Z",
            "session_id": "5516cb1f-6c99-46ba-bbf2-ae6444a9a4cf",
            "payload": nothing,
        },
        tenant="acme",
    )
