"""The first rows: what a fresh database begins with, and what another default tenant adds."""

from flask import Flask

from tracker.store.access import list_tenants
from tracker.store.alerts import list_rules
from tracker.store.first_start import make_first_rows


def test_another_default_tenant_is_made_by_its_id_and_without_the_first_rules_again(
    app: Flask,
) -> None:
    database = app.extensions["database"]
    another = app.extensions["settings"].model_copy(update={"default_tenant": "shop"})
    for _ in range(2):
        with database.write() as connection:
            make_first_rows(connection, another)
    with database.read(None) as session:
        assert [(tenant.id, tenant.name) for tenant in list_tenants(session)] == [
            ("default", "Default"),
            ("shop", "shop"),
        ]
        assert [rule.kind for rule in list_rules(session)] == ["spike", "silence"]
