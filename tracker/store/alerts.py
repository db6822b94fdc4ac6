"""Alert rules and their episodes.

An episode and its message are written in one transaction, and a rule has one open episode at a
time by a unique index: however many workers look, one is told once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session
from uuid_utils import uuid7

from tracker.model import AlertFiring, AlertRule, Uuid
from tracker.store import bulk
from tracker.store.access import IS_UUID, AccessError, audit, require_tenant
from tracker.store.deliveries import CLOCK
from tracker.store.telling import tell_fired, tell_resolved

KINDS = ("spike", "silence", "zero_results", "refusals", "panel")
QUIET = timedelta(minutes=30)
"""Two quiet windows: for so long nothing must be wrong before an episode is over."""

RULES, FIRINGS = AlertRule.__table__, AlertFiring.__table__


@dataclass(frozen=True)
class Wrong:
    """What a rule found wrong: since when, in words, and the numbers."""

    began_at: datetime
    words: str
    figures: Mapping[str, Any]


def create_rule(
    connection: Connection,
    name: str,
    kind: str,
    options: Mapping[str, Any],
    actor: str,
    tenant_id: str | None = None,
    channels: Sequence[str] = (),
) -> str:
    """A new rule's id. No channels mean all; no tenant means all that count."""
    if kind not in KINDS:
        raise AccessError(f"A rule is one of {', '.join(KINDS)}.")
    _require_name(name)
    if tenant_id:
        require_tenant(connection, tenant_id)
    rule_id = _insert_rule(connection, name, kind, options, tenant_id, channels)
    detail = {"name": name, "kind": kind, **_on_record(options), "rule": rule_id}
    audit(connection, actor, "alert.create", tenant_id, **detail)
    return rule_id


def _require_name(name: str) -> None:
    if not name.strip():
        raise AccessError("A rule needs a name.")


def _on_record(options: Mapping[str, Any]) -> dict[str, Any]:
    # a row may be named by what somebody asked, which must not outlive them in the audit log
    return {option: value for option, value in options.items() if option != "row"}


def _insert_rule(
    connection: Connection,
    name: str,
    kind: str,
    options: Mapping[str, Any],
    tenant_id: str | None = None,
    channels: Sequence[str] = (),
) -> str:
    rule_id = str(uuid7())
    connection.execute(
        insert(RULES).values(
            id=rule_id,
            tenant_id=tenant_id,
            name=name.strip()[:200],
            kind=kind,
            options=dict(options),
            channels=list(channels),
            enabled=True,
            created_at=datetime.now(UTC),
        )
    )
    return rule_id


def make_first_rules(connection: Connection) -> None:
    """The rules that a new deployment begins with."""
    _insert_rule(connection, "Trips fail more than usual", "spike", {})
    _insert_rule(connection, "No trip attempts come in", "silence", {})


def list_rules(session: Session | Connection) -> list[Any]:
    """All rules, oldest first."""
    return list(session.execute(select(RULES).order_by(RULES.c.created_at, RULES.c.id)))


def find_rule(session: Session | Connection, rule_id: str) -> Any:
    """A rule; AccessError when there is none."""
    rule = session.execute(select(RULES).where(RULES.c.id == rule_id)).first()
    if rule is None:
        raise AccessError("There is no such rule.")
    return rule


def change_rule(connection: Connection, rule_id: str, actor: str, **values: Any) -> None:
    """Enables, disables or snoozes a rule."""
    rule = find_rule(connection, rule_id)
    connection.execute(update(RULES).where(RULES.c.id == rule_id).values(**values))
    detail = {"name": rule.name, **{name: _plain(value) for name, value in values.items()}}
    audit(connection, actor, "alert.change", rule.tenant_id, **detail, rule=rule_id)


def edit_rule(
    connection: Connection,
    rule_id: str,
    actor: str,
    name: str,
    options: Mapping[str, Any],
    channels: Sequence[str],
) -> None:
    """Another name, other limits, other channels. What it watches stays, and so its history."""
    _require_name(name)
    rule = find_rule(connection, rule_id)
    values = {"name": name.strip()[:200], "options": dict(options), "channels": list(channels)}
    connection.execute(update(RULES).where(RULES.c.id == rule_id).values(**values))
    before = {"name": rule.name, **_on_record(rule.options), "channels": rule.channels}
    after = {"name": values["name"], **_on_record(options), "channels": values["channels"]}
    changed = {
        what: [before.get(what), new] for what, new in after.items() if before.get(what) != new
    }
    audit(
        connection,
        actor,
        "alert.edit",
        rule.tenant_id,
        name=rule.name,
        rule=rule_id,
        changed=changed,
    )


def _plain(value: object) -> object:
    return value.isoformat(timespec="minutes") if isinstance(value, datetime) else value


def delete_rule(connection: Connection, rule_id: str, actor: str) -> None:
    """Deletes a rule with its history."""
    rule = find_rule(connection, rule_id)
    connection.execute(delete(FIRINGS).where(FIRINGS.c.rule_id == rule_id))
    connection.execute(delete(RULES).where(RULES.c.id == rule_id))
    audit(connection, actor, "alert.delete", rule.tenant_id, name=rule.name, rule=rule_id)


def list_firings(
    session: Session | Connection, limit: int, open_only: bool = False, before: str = ""
) -> list[Any]:
    """Episodes with their rules' names, the newest first; from behind the episode `before` on."""
    statement = (
        select(*FIRINGS.columns, RULES.c.name, RULES.c.kind, RULES.c.snoozed_until)
        .join(RULES, RULES.c.id == FIRINGS.c.rule_id)
        .order_by(FIRINGS.c.fired_at.desc(), FIRINGS.c.id.desc())
        .limit(limit)
    )
    if open_only:
        statement = statement.where(FIRINGS.c.resolved_at.is_(None))
    if IS_UUID(before):
        fired = select(FIRINGS.c.fired_at).where(FIRINGS.c.id == before).scalar_subquery()
        here = tuple_(fired, literal(before, Uuid()))
        statement = statement.where(tuple_(FIRINGS.c.fired_at, FIRINGS.c.id) < here)
    return list(session.execute(statement))


def open_firing(session: Session | Connection, rule_id: str) -> Any:
    """The rule's episode that is not over, if there is one."""
    statement = select(FIRINGS).where(FIRINGS.c.rule_id == rule_id, FIRINGS.c.resolved_at.is_(None))
    return session.execute(statement).first()


def is_known(session: Session | Connection, rule_id: str, moment: datetime) -> bool:
    """Whether an episode that is over covers the moment, give or take two windows."""
    statement = select(FIRINGS.c.id).where(
        FIRINGS.c.rule_id == rule_id,
        FIRINGS.c.resolved_at.is_not(None),
        FIRINGS.c.began_at <= moment,
        FIRINGS.c.wrong_until >= moment - QUIET,
    )
    return session.execute(statement.limit(1)).first() is not None


def note(connection: Connection, rule: Any, moment: datetime, wrong: Wrong | None) -> None:
    """Begins, goes on with or ends the rule's episode by what is wrong at a moment.

    Going back in time changes nothing: what is older than the episode's last moment is known.
    What began while the rule was snoozed, or while there was no channel, is told once that is
    over, if it still goes on.
    """
    held = open_firing(connection, rule.id)
    if held is None:
        if wrong is not None and not is_known(connection, rule.id, moment):
            _fire(connection, rule, moment, wrong)
    elif wrong is not None and moment > held.wrong_until:
        _update(connection, held, wrong_until=moment)
        if not (held.told or _is_snoozed(rule, moment)):
            tell_fired(connection, rule, held._asdict())
    elif wrong is None and moment - held.wrong_until >= QUIET:
        resolve(connection, held.id, CLOCK, moment)


def _is_snoozed(rule: Any, moment: datetime) -> bool:
    return rule.snoozed_until is not None and moment < rule.snoozed_until


def _fire(connection: Connection, rule: Any, moment: datetime, wrong: Wrong) -> None:
    firing = {
        "id": str(uuid7()),
        "rule_id": rule.id,
        "tenant_id": rule.tenant_id,
        "began_at": wrong.began_at,
        "fired_at": moment,
        "wrong_until": moment,
        "words": wrong.words,
        "figures": dict(wrong.figures),
        "told": False,
    }
    # The index of open episodes refuses a second one that another worker begins.
    if bulk.insert_new(connection, FIRINGS, [firing]) and not _is_snoozed(rule, moment):
        tell_fired(connection, rule, firing)


def _update(connection: Connection, firing: Any, **values: Any) -> None:
    connection.execute(update(FIRINGS).where(FIRINGS.c.id == firing.id).values(**values))


def acknowledge(connection: Connection, firing_id: str, actor: str) -> None:
    """Says that somebody looks after an episode."""
    firing = _find(connection, firing_id)
    _update(connection, firing, acknowledged_at=datetime.now(UTC), acknowledged_by=actor)
    _audit_firing(connection, actor, "alert.acknowledge", firing)


def resolve(connection: Connection, firing_id: str, actor: str, moment: datetime) -> None:
    """Ends an episode, and says so to those who were told of it."""
    firing = _find(connection, firing_id)
    if firing.resolved_at is not None:
        return
    _update(connection, firing, resolved_at=moment, resolved_by=actor)
    if actor != CLOCK:
        _audit_firing(connection, actor, "alert.resolve", firing)
    if firing.told:
        tell_resolved(connection, find_rule(connection, firing.rule_id), firing._asdict())


def _audit_firing(connection: Connection, actor: str, action: str, firing: Any) -> None:
    rule = find_rule(connection, firing.rule_id)
    audit(connection, actor, action, firing.tenant_id, name=rule.name, firing=firing.id)


def _find(connection: Connection, firing_id: str) -> Any:
    firing = connection.execute(select(FIRINGS).where(FIRINGS.c.id == firing_id)).first()
    if firing is None:
        raise AccessError("There is no such episode.")
    return firing


def mark_checked(connection: Connection, rule_id: str, moment: datetime) -> None:
    """Remembers up to when a rule was looked at."""
    connection.execute(
        update(RULES)
        .where(RULES.c.id == rule_id)
        .where(or_(RULES.c.checked_until.is_(None), RULES.c.checked_until < moment))
        .values(checked_until=moment)
    )
