"""One tenant's page. The week asked about is 2 to 8 November 2026."""

from datetime import date

import pytest
from flask import Flask

from tests.conftest import record
from tests.metrics.asking import asked
from tests.metrics.business_lines import (
    bought,
    called,
    escalated,
    ingest,
    moved,
    over_quota,
    said,
    started,
)
from tracker.metrics import conversations, ingestion, plans, reliability


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_RETENTION_DAYS": "3650"}


def test_conversations_are_counted_on_every_day_zeros_too(app: Flask) -> None:
    record(app, started("02 10:00", "c1"), started("02 11:00", "c2"), started("08 10:00", "c3"))
    rows = asked(app, conversations.daily_conversations)
    assert [row[1] for row in rows] == [2, 0, 0, 0, 0, 0, 1]
    assert rows[0][0] == date(2026, 11, 2)


def test_the_rate_of_a_day_is_of_the_conversations_that_started_on_it(app: Flask) -> None:
    record(
        app,
        started("02 23:59", "c1"),
        escalated("03 00:01", "c1"),
        started("02 10:00", "c2"),
    )
    rows = asked(app, conversations.cohorts)
    assert rows[0] == (date(2026, 11, 2), 2, 1, 0.5, 0.5)
    assert rows[1] == (date(2026, 11, 3), 0, 0, None, None)


def test_reasons_that_begin_alike_are_told_apart(app: Flask) -> None:
    long = "x" * 199
    record(app, escalated("03 10:00", "c1", long + "a"), escalated("03 10:01", "c2", long + "b"))
    assert [row[:2] for row in asked(app, conversations.escalations)] == [
        (long + "a", 1),
        (long + "b", 1),
    ]


def test_reasons_are_counted_by_event_and_sorted_by_count_and_name(app: Flask) -> None:
    record(
        app,
        escalated("03 10:00", "c1", "billing"),
        escalated("03 10:01", "c2", "angry"),
        escalated("03 10:02", "c3", "low_confidence"),
        escalated("03 10:03", "c4", "low_confidence"),
    )
    assert asked(app, conversations.escalations) == [
        ("low_confidence", 2, 0.5),
        ("angry", 1, 0.25),
        ("billing", 1, 0.25),
    ]


def test_messages_are_counted_for_each_conversation_started(app: Flask) -> None:
    record(
        app,
        started("03 10:00", "c1"),
        started("03 11:00", "c2"),
        said("03 10:01", "c1"),
        said("03 10:02", "c1", "assistant"),
        said("03 11:01", "c2", "assistant"),
    )
    assert asked(app, conversations.messages) == [("assistant", 2, 1.0), ("user", 1, 0.5)]


def test_durations_are_nearest_ranks_over_pairs(app: Flask) -> None:
    # Durations of 1, 2, 3 and 10 s. p50: rank ceil(.5 * 4) = 2 -> 2 s; p95: rank 4 -> 10 s.
    # Another source type takes 0.5 s and fails.
    record(
        app,
        *(
            line
            for n, seconds in enumerate((1, 2, 3, 10))
            for line in (
                ingest("started", f"03 0{n}:00:00", url=f"https://a.example/{n}"),
                ingest(
                    "completed",
                    f"03 0{n}:00:{seconds:02}",
                    url=f"https://a.example/{n}",
                    docs=2,
                    chunks=5,
                ),
            )
        ),
        ingest("started", "03 09:00:00", "pdf"),
        ingest("failed", "03 09:00:00.500", "pdf", errorCode="TIMEOUT"),
    )
    assert asked(app, ingestion.ingestion) == [
        ("website", 4, 4, 0, 8, 20, 2.0, 10.0),
        ("pdf", 1, 0, 1, 0, 0, 0.5, 0.5),
    ]


def test_an_outcome_belongs_to_the_latest_earlier_start_of_its_url(app: Flask) -> None:
    # Two starts at :00 and :30, one outcome at :40 -> 10 s. Of another URL the outcome has no
    # start: no duration. The source type alone decides the row.
    record(
        app,
        ingest("completed", "03 10:00:40", docs=1, chunks=1),
        ingest("started", "03 10:00:30"),
        ingest("started", "03 10:00:00"),
        ingest("completed", "03 10:00:50", url="https://b.example", docs=1, chunks=1),
    )
    assert asked(app, ingestion.ingestion) == [("website", 2, 2, 0, 2, 2, 10.0, 10.0)]


def test_a_source_without_an_outcome_has_no_duration(app: Flask) -> None:
    record(app, ingest("started", "03 10:00"))
    assert asked(app, ingestion.ingestion) == [("website", 1, 0, 0, 0, 0, None, None)]


def test_documents_and_errors_are_counted_by_the_day_of_the_outcome(app: Flask) -> None:
    record(
        app,
        ingest("started", "02 23:59"),
        ingest("completed", "03 00:01", docs=7, chunks=70),
        ingest("failed", "03 10:00", errorCode="TIMEOUT"),
    )
    rows = asked(app, ingestion.daily_ingestion)
    assert rows[1] == (date(2026, 11, 3), 1, 1, 7, 70)
    assert rows[0] == (date(2026, 11, 2), 0, 0, 0, 0)
    assert asked(app, ingestion.ingest_errors) == [("TIMEOUT", "website", 1)]


def test_integrations_show_their_success_rate_and_their_most_frequent_error(app: Flask) -> None:
    record(
        app,
        called("03 10:00"),
        called("03 10:01", error="RATE"),
        called("03 10:02", error="AUTH"),
        called("03 10:03", error="AUTH"),
        called("03 10:04", "chat"),
    )
    # crm: 1 of 4 worked; AUTH twice
    assert asked(app, reliability.integrations) == [
        ("crm", "crm", 1, 3, 0.25, "AUTH"),
        ("chat", "crm", 1, 0, 1.0, None),
    ]


def test_quotas_show_rejections_and_on_how_many_days(app: Flask) -> None:
    record(
        app,
        over_quota("02 10:00"),
        over_quota("02 11:00"),
        over_quota("05 10:00"),
        over_quota("04 10:00", "messages"),
    )
    assert asked(app, reliability.quotas) == [
        ("seats", 3, 2, date(2026, 11, 5)),
        ("messages", 1, 1, date(2026, 11, 4)),
    ]


def test_changes_of_plan_are_counted_by_their_two_ends_and_status(app: Flask) -> None:
    record(
        app,
        moved("02 10:00", "free", "team"),
        moved("05 10:00", "free", "team"),
        moved("03 10:00", None, "free", "trialing"),
        bought("02 09:59"),
    )
    assert asked(app, plans.plans) == [
        ("free", "team", "active", 2, date(2026, 11, 5)),
        ("", "free", "trialing", 1, date(2026, 11, 3)),
    ]
    assert asked(app, plans.checkouts) == [("team", 1)]
