"""Deleting a tenant takes everything of it along, and nothing else."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import SESSION, make_key, make_tenant, record
from tracker.model import AuditEntry, Base, Delivery, Tenant
from tracker.store import alerts, channels, tenants
from tracker.store.access import AccessError
from tracker.store.tenants import delete_tenant, tables_of_tenants

LINES = (
    {
        "event_type": "sage_query",
        "session_id": SESSION,
        "payload": {
            "query_text": "sailing",
            "function_called": "search_experts",
            "result_count": 0,
            "expert_ids": [],
        },
    },
    {
        "event_type": "create_trip_attempted",
        "session_id": SESSION,
        "request_id": "r-1",
        "payload": {"input_snapshot": {"to": "Porto"}},
    },
    {"event_type": "no_such_type"},
    {"session_id": SESSION, "email": "a@example.org"},
)


def rows_of(app: Flask, tenant: str) -> int:
    with app.extensions["database"].read(None) as session:
        return sum(
            session.execute(
                select(func.count()).select_from(table).where(table.c.tenant_id == tenant)
            ).scalar_one()
            for table in tables_of_tenants()
        )


def test_a_deleted_tenant_leaves_nothing_behind(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tenants, "BATCH", 2)
    for tenant in ("acme", "other"):
        make_tenant(app, tenant)
        make_key(app, tenant, ("write",))
        record(app, *LINES, tenant=tenant)
    held, kept = rows_of(app, "acme"), rows_of(app, "other")
    assert held > 10
    assert delete_tenant(app.extensions["database"], "acme", "test") == held + 1
    assert rows_of(app, "acme") == 0
    assert rows_of(app, "other") == kept


def test_what_channels_were_told_of_a_deleted_tenant_goes_too(app: Flask) -> None:
    make_tenant(app, "acme")
    now = datetime.now(UTC)
    with app.extensions["database"].write() as connection:
        channels.create_channel(connection, "On call", "smtp", "a@example.org", "test", "key")
        rule_id = alerts.create_rule(connection, "Acme fails", "spike", {}, "test", "acme")
        for one in (alerts.find_rule(connection, rule_id), alerts.list_rules(connection)[0]):
            alerts.note(connection, one, now, alerts.Wrong(now, "40 of 80 failed.", {}))
    delete_tenant(app.extensions["database"], "acme", "test")
    with app.extensions["database"].read(None) as session:
        [told] = session.execute(select(Delivery.body)).scalars()
    assert "Trips fail more than usual" in told


def test_the_tenant_itself_is_gone_and_the_deletion_on_record(app: Flask) -> None:
    make_tenant(app, "acme")
    delete_tenant(app.extensions["database"], "acme", "anna@example.org")
    with app.extensions["database"].read(None) as session:
        assert session.get(Tenant, "acme") is None
        entry = session.execute(
            select(AuditEntry).where(AuditEntry.action == "tenant.delete")
        ).scalar_one()
    assert (entry.actor, entry.tenant_id) == ("anna@example.org", "acme")


def test_an_unknown_tenant_is_refused(app: Flask) -> None:
    with pytest.raises(AccessError, match="no tenant nobody"):
        delete_tenant(app.extensions["database"], "nobody", "test")


def test_every_table_with_a_tenant_is_emptied_but_the_audit_log() -> None:
    owned = {table.name for table in Base.metadata.sorted_tables if "tenant_id" in table.columns}
    assert {table.name for table in tables_of_tenants()} == owned - {"audit_log"}
