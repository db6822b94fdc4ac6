"""The sample tenants, and the note on the first of them of what was loaded into them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.orm import Session

from tracker.model import Tenant
from tracker.store import access

_NOTE = "simulation"


@dataclass(frozen=True)
class Recipe:
    """What makes the sample data what it is. `complete` once all of it is loaded."""

    seed: int
    days: int
    events: int
    until: str
    complete: bool = False

    @property
    def end(self) -> datetime:
        return datetime.fromisoformat(self.until)

    def is_like(self, other: "Recipe") -> bool:
        """Whether both ask for the same data, up to the time at which it ends."""
        return replace(self, until="", complete=False) == replace(other, until="", complete=False)


def claim(connection: Connection, names: Mapping[str, str], recipe: Recipe) -> Recipe:
    """Makes the sample tenants; returns the recipe in force: an earlier load's, if any."""
    held = loaded(connection)
    if held is not None:
        return held
    there = {tenant.id for tenant in access.list_tenants(connection)}
    for tenant_id, name in names.items():
        if tenant_id not in there:
            access.create_tenant(connection, tenant_id, name, access.COMMAND_LINE, "sample")
    _write_down(connection, next(iter(names)), recipe)
    return recipe


def complete(connection: Connection, names: Mapping[str, str], recipe: Recipe) -> None:
    """Notes that all of the data is loaded."""
    _write_down(connection, next(iter(names)), replace(recipe, complete=True))


def loaded(session: Connection | Session) -> Recipe | None:
    """What was loaded, or began to be; None when there is no sample data."""
    statement = select(Tenant.settings).where(Tenant.kind == "sample").order_by(Tenant.id)
    notes = (settings.get(_NOTE) for settings in session.execute(statement).scalars())
    found: Any = next((note for note in notes if note), None)
    return Recipe(**found) if found else None


def tenant_ids(session: Connection | Session) -> list[str]:
    """Every tenant of the kind `sample`."""
    statement = select(Tenant.id).where(Tenant.kind == "sample").order_by(Tenant.id)
    return list(session.execute(statement).scalars())


def _write_down(connection: Connection, tenant_id: str, recipe: Recipe) -> None:
    chosen = Tenant.id == tenant_id
    settings = connection.execute(select(Tenant.settings).where(chosen)).scalar_one()
    changed = {**settings, _NOTE: asdict(recipe)}
    connection.execute(update(Tenant).where(chosen).values(settings=changed))
