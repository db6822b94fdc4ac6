"""`flask demo load` and `flask demo remove`."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import make_tenant, record
from tracker.demo.simulation import SAMPLE_TENANTS, simulate
from tracker.model import Base, DailyEvents, Event, Tenant
from tracker.store import sample
from tracker.store.importing import Importer
from tracker.store.recount import check
from tracker.store.settling import settled_as_of

SMALL = ("--events", "1500", "--days", "30")


def demo(app: Flask, *args: str) -> Any:
    return app.test_cli_runner().invoke(args=["demo", *args])


def counts(app: Flask) -> dict[str, int]:
    """Rows by table, but for the log of what operators did."""
    with app.extensions["database"].read(None) as session:
        return {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
            if table.name != "audit_log"
        }


def test_a_load_ends_now_and_fills_every_sample_tenant(app: Flask) -> None:
    result = demo(app, "load", *SMALL)
    assert result.exit_code == 0, result.output
    accepted, refused = result.output.split()[1::6]
    assert 1_350 < int(accepted) < 1_650
    assert refused == "0"
    with app.extensions["database"].read(None) as session:
        kinds = dict(session.execute(select(Tenant.id, Tenant.kind)).all())
        newest = session.execute(select(func.max(Event.occurred_at))).scalar_one()
        filled = set(session.execute(select(Event.tenant_id).distinct()).scalars())
    assert {tenant for tenant, kind in kinds.items() if kind == "sample"} == set(SAMPLE_TENANTS)
    assert filled == set(SAMPLE_TENANTS)
    assert datetime.now(UTC) - timedelta(hours=12) < newest <= datetime.now(UTC)


def test_a_load_leaves_settled_rollups_that_agree_with_the_events(app: Flask) -> None:
    demo(app, "load", *SMALL)
    today = datetime.now(UTC).date()
    with app.extensions["database"].write() as connection:
        assert settled_as_of(connection) is None
        assert check(connection, today - timedelta(days=29), today) == []


def test_loading_twice_changes_nothing(app: Flask) -> None:
    demo(app, "load", *SMALL)
    before = counts(app)
    result = demo(app, "load", *SMALL)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == "accepted 0 duplicates 0 linked 0 rejected 0"
    assert "is loaded already" in result.output
    assert counts(app) == before


def test_a_load_that_was_cut_short_is_finished_by_the_next(app: Flask) -> None:
    database, settings = app.extensions["database"], app.extensions["settings"]
    until = datetime.now(UTC).isoformat(timespec="seconds")
    recipe = sample.Recipe(1, 30, 1500, until)
    with database.write() as connection:
        sample.claim(connection, SAMPLE_TENANTS, recipe)
    lines = list(simulate(1, 30, 1500, recipe.end))
    Importer(database, settings).run(lines[:700])
    result = demo(app, "load", *SMALL)
    assert result.exit_code == 0
    with database.read(None) as session:
        stored = session.execute(select(func.count()).select_from(Event)).scalar_one()
        held = sample.loaded(session)
    assert stored == sum("event_type" in line for _, line in lines)
    assert held is not None
    assert held.complete
    assert held.until == until


def test_other_sample_data_is_not_mixed_in(app: Flask) -> None:
    demo(app, "load", *SMALL)
    before = counts(app)
    result = demo(app, "load", *SMALL, "--seed", "2")
    assert result.exit_code == 1
    assert "flask demo remove" in result.output
    assert counts(app) == before


@pytest.mark.parametrize("environment", [{"TRACKER_RETENTION_DAYS": "90"}])
def test_no_more_days_are_loaded_than_are_kept(app: Flask) -> None:
    result = demo(app, "load", "--events", "1500", "--days", "400")
    assert result.exit_code == 0
    assert "Only 90 days are kept" in result.output
    with app.extensions["database"].read(None) as session:
        oldest = session.execute(select(func.min(DailyEvents.day))).scalar_one()
    assert oldest >= datetime.now(UTC).date() - timedelta(days=90)


@pytest.mark.parametrize("arguments", [("--days", "0"), ("--events", "12"), ("--seed", "x")])
def test_a_wrong_number_is_refused(app: Flask, arguments: tuple[str, str]) -> None:
    assert demo(app, "load", *arguments).exit_code == 2


def test_remove_leaves_nothing_of_the_sample_and_all_of_the_rest(app: Flask) -> None:
    make_tenant(app, "acme")
    line = {
        "event_type": "conversation_started",
        "payload": {"sessionId": "s", "conversationId": "c"},
    }
    record(app, line, tenant="acme")
    before = counts(app)
    demo(app, "load", *SMALL)
    result = demo(app, "remove")
    assert result.exit_code == 0, result.output
    assert f"{len(SAMPLE_TENANTS)} sample tenants removed" in result.output
    assert counts(app) == before


def test_remove_with_nothing_there_says_so(app: Flask) -> None:
    assert demo(app, "remove").output == "0 sample tenants removed, 0 rows\n"


def test_after_a_removal_other_data_can_be_loaded(app: Flask) -> None:
    demo(app, "load", *SMALL)
    demo(app, "remove")
    assert demo(app, "load", *SMALL, "--seed", "2").exit_code == 0
