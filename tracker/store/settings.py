"""A tenant's choices: what is sampled, redacted, allowed and kept, and who may send it.

They stand in `tenants.settings` as JSON. Requests read them through `TenantChoices`, which
asks the database every few seconds and not for every event; a change is felt everywhere
within that time.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from tracker.catalog import CATALOG
from tracker.catalog.calendar import Calendar
from tracker.catalog.custom import custom_type
from tracker.catalog.hygiene import NOTHING_MORE, Hygiene, hygiene
from tracker.catalog.parsing import Terms
from tracker.config import Settings, browser_origin, is_origin
from tracker.model import Tenant
from tracker.store.access import AccessError, audit
from tracker.store.budgets import forced_sampling

FRESH_SECONDS = 2.0
MOST_SAMPLED = 1000
RETENTION_DAYS = (30, 3650)


@dataclass(frozen=True)
class Choices:
    """A tenant's choices, ready to be used."""

    exists: bool = True
    """Whether there is such a tenant."""
    sampling: Mapping[str, int] = field(default_factory=dict)
    """Of how many events of a type one is kept, forced by a budget or chosen."""
    hygiene: Hygiene = NOTHING_MORE
    custom_events: bool = False
    allowed_origins: tuple[str, ...] = ()
    retention_days: int = RETENTION_DAYS[1]
    """For how long raw events are kept, unless the deployment keeps all for less."""


class TenantChoices:
    """The choices of all tenants, at most a few seconds old. Safe to use from any thread."""

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Session]],
        today: Callable[[], date],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._today = today
        self._clock = clock
        self._known: dict[str, tuple[float, Choices]] = {}

    def of(self, tenant_id: str) -> Choices:
        """The tenant's choices. Without the database, those known last; raises without any."""
        known = self._known.get(tenant_id)
        if known and self._clock() - known[0] < FRESH_SECONDS:
            return known[1]
        try:
            with self._read() as session:
                choices = choices_of(session, tenant_id, self._today())
        except (SQLAlchemyError, OSError):
            if known is None:
                raise
            return known[1]
        self._known[tenant_id] = (self._clock(), choices)
        return choices

    def forget(self, tenant_id: str) -> None:
        """After a change: the next question asks the database."""
        self._known.pop(tenant_id, None)


def choices_of(session: Connection | Session, tenant_id: str, today: date) -> Choices:
    """The choices in force now."""
    stored = session.execute(select(Tenant.settings).where(Tenant.id == tenant_id)).first()
    if stored is None:
        return Choices(exists=False)
    settings = stored.settings or {}
    return choices_in(settings, forced_sampling(session, tenant_id, settings, today))


def choices_in(settings: Mapping[str, Any], sampling: Mapping[str, int]) -> Choices:
    """The choices that stand in a tenant's settings; `sampling` may be forced by a budget."""
    redaction = settings.get("redaction") or {}
    return Choices(
        sampling=sampling,
        hygiene=hygiene(redaction.get("keys") or (), redaction.get("patterns") or ()),
        custom_events=bool(settings.get("custom_events")),
        allowed_origins=tuple(map(browser_origin, settings.get("allowed_origins") or ())),
        retention_days=settings.get("retention_days") or RETENTION_DAYS[1],
    )


def terms_for(
    tenant_id: str,
    choices: Choices,
    settings: Settings,
    calendar: Calendar,
    *,
    received_at: datetime,
    source: str,
    with_key: bool,
    is_bot: bool = False,
    clock_offset: timedelta = timedelta(),
) -> Terms:
    """On what terms events of a tenant are taken in that come like this."""
    return Terms(
        received_at=received_at,
        source=source,
        with_key=with_key,
        is_bot=is_bot,
        clock_offset=clock_offset,
        tenant_id=tenant_id,
        calendar=calendar,
        retention=timedelta(days=min(choices.retention_days, settings.retention_days)),
        phone_region=settings.phone_region,
        sampling=choices.sampling,
        hygiene=choices.hygiene,
        custom_events=choices.custom_events,
    )


def settings_of(session: Connection | Session, tenant_id: str) -> dict[str, Any]:
    """The settings as they are stored; empty for a tenant that there is not."""
    found = session.execute(select(Tenant.settings).where(Tenant.id == tenant_id)).scalar()
    return dict(found or {})


def shorter_retentions(
    session: Connection | Session, retention_days: int
) -> dict[int, tuple[str, ...]]:
    """The tenants that keep their raw events for fewer days than all others, by those days."""
    found: dict[int, tuple[str, ...]] = {}
    for row in session.execute(select(Tenant.id, Tenant.settings).order_by(Tenant.id)):
        days = (row.settings or {}).get("retention_days")
        if days is not None and days < retention_days:
            found[days] = (*found.get(days, ()), row.id)
    return found


def change_settings(
    connection: Connection, tenant_id: str, actor: str, changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Sets some of a tenant's choices; None takes one away. AccessError for what can't be.

    Writes what changed into the audit log; returns it as {name: [before, after]}.
    """
    for name, value in changes.items():
        if value is not None:
            _CHECKS[name](value)
    row = connection.execute(
        select(Tenant.settings).where(Tenant.id == tenant_id).with_for_update()
    ).first()
    if row is None:
        raise AccessError(f"There is no tenant {tenant_id}.")
    before = dict(row.settings or {})
    after = {**before, **changes}
    after = {name: value for name, value in after.items() if value is not None}
    changed = {
        name: [before.get(name), after.get(name)]
        for name in changes
        if before.get(name) != after.get(name)
    }
    if changed:
        connection.execute(update(Tenant).where(Tenant.id == tenant_id).values(settings=after))
        audit(connection, actor, "tenant.settings", tenant_id, changed=changed)
    return changed


def rename_tenant(connection: Connection, tenant_id: str, name: str, actor: str) -> None:
    """Another name for a tenant; its id stays."""
    name = name.strip()
    if not 1 <= len(name) <= 200:
        raise AccessError("A name has 1 to 200 characters.")
    before = connection.execute(select(Tenant.name).where(Tenant.id == tenant_id)).scalar()
    if before is None:
        raise AccessError(f"There is no tenant {tenant_id}.")
    connection.execute(update(Tenant).where(Tenant.id == tenant_id).values(name=name))
    audit(connection, actor, "tenant.rename", tenant_id, changed={"name": [before, name]})


def _check_sampling(value: Any) -> None:
    for name, one_in in value.items():
        _require_samplable(name)
        if not isinstance(one_in, int) or not 1 <= one_in <= MOST_SAMPLED:
            raise AccessError(f"One in N events is kept: N is from 1 to {MOST_SAMPLED}.")


def _check_budgets(value: Any) -> None:
    for name, events in value.items():
        _require_samplable(name)
        if not isinstance(events, int) or events < 1:
            raise AccessError("A budget is a whole number of events a day, 1 or more.")


def _require_samplable(name: str) -> None:
    event_type = CATALOG.get(name) or (custom_type(name) if name.startswith("custom:") else None)
    if event_type is None:
        raise AccessError(f"There is no event type {name}.")
    if not event_type.samplable:
        raise AccessError(f"{name} can't be sampled: not all of its numbers can be scaled.")


def _check_redaction(value: Any) -> None:
    try:
        hygiene(value.get("keys") or (), value.get("patterns") or ())
    except ValueError as error:
        raise AccessError(str(error)) from None


def _check_origins(value: Any) -> None:
    for origin in value:
        if not is_origin(browser_origin(origin)):
            raise AccessError(f"An origin looks like https://shop.example: {origin!r} does not.")


def _check_retention(value: Any) -> None:
    least, most = RETENTION_DAYS
    if not isinstance(value, int) or not least <= value <= most:
        raise AccessError(f"Events are kept for {least} to {most} days.")


_CHECKS: dict[str, Callable[[Any], None]] = {
    "sampling": _check_sampling,
    "budgets": _check_budgets,
    "redaction": _check_redaction,
    "custom_events": lambda _: None,
    "allowed_origins": _check_origins,
    "retention_days": _check_retention,
}
