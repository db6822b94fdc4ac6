"""The forms of /alerts: rules, episodes, channels and deliveries."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app, request
from sqlalchemy import Connection

from tracker.dashboard.answers import number_columns, row_type
from tracker.dashboard.panels import Metric
from tracker.dashboard.settings_changes import Done, form_number, form_text
from tracker.jobs.addresses import Refused, resolve
from tracker.store import alerts, channels, destinations
from tracker.store.access import IS_UUID, AccessError, audit

_LONGEST_SNOOZE_HOURS = 24 * 30


def _id(name: str) -> str:
    value = form_text(name)
    if not IS_UUID(value):
        raise AccessError("There is no such thing any more.")
    return value


def _number(name: str, what: str) -> float:
    try:
        value = float(form_text(name))
    except ValueError:
        raise AccessError(f"{what} must be a number.") from None
    if not -1e12 < value < 1e12:
        raise AccessError(f"{what} is out of range.")
    return value


def _add_rule(connection: Connection, actor: str) -> Done:
    kind = form_text("kind")
    name, tenant = form_text("name"), form_text("tenant") or None
    alerts.create_rule(connection, name, kind, _options(kind), actor, tenant, _channels())
    return Done(
        "The rule watches, and looks back 12 hours. Click its name to try it on the last 30 days."
    )


def _edit_rule(connection: Connection, actor: str) -> Done:
    rule = alerts.find_rule(connection, _id("rule"))
    options = _options(rule.kind)
    alerts.edit_rule(connection, rule.id, actor, form_text("name"), options, _channels())
    return Done("The rule is changed. What fired before stays as it was.")


def _channels() -> list[str]:
    return [one for one in request.form.getlist("channels") if IS_UUID(one)]


def _options(kind: str) -> dict[str, Any]:
    if kind in ("zero_results", "refusals"):
        percent = _number("percent", "The share")
        if not 0 <= percent <= 100:
            raise AccessError("The share is a percentage from 0 to 100.")
        return {"above": percent / 100}
    if kind != "panel":
        return {}
    parts = form_text("number").rsplit("/", 2)
    panel = current_app.extensions["watchable"].get(tuple(parts[:2]))
    if panel is None or parts[2:] not in [[name] for name in number_columns(panel.ask)]:
        raise AccessError("Choose a number of a page.")
    comparison = form_text("comparison")
    if comparison not in ("above", "below"):
        raise AccessError("A number is watched for being above or below a limit.")
    return {
        "page": parts[0],
        "panel": parts[1],
        "column": parts[2],
        "row": _row(panel.ask),
        "comparison": comparison,
        "value": _number("value", "The limit"),
        "days": form_number("days", "The days", 1, 365) or 1,
        "whole_days": form_text("whole_days") == "yes",
    }


def _row(metric: Metric) -> str:
    """The row that is named. One that can't be there would never be found, and nobody be told."""
    row = form_text("row")[:200]
    column, equals, _ = row.partition("=")
    if row and not (equals and column in row_type(metric).__annotations__):
        columns = ", ".join(row_type(metric).__annotations__)
        raise AccessError(f"A row is named as column=value. The columns are {columns}.")
    return row


def _switch_rule(connection: Connection, actor: str) -> Done:
    enabled = form_text("enabled") == "yes"
    alerts.change_rule(connection, _id("rule"), actor, enabled=enabled)
    return Done("The rule watches again." if enabled else "The rule is switched off.")


def _snooze(connection: Connection, actor: str) -> Done:
    hours = form_number("hours", "The hours", 0, _LONGEST_SNOOZE_HOURS) or 0
    until = datetime.now(UTC) + timedelta(hours=hours) if hours else None
    alerts.change_rule(connection, _id("rule"), actor, snoozed_until=until)
    quiet = f"For {hours} h nobody is told of what begins; the end of what was told is."
    return Done(quiet if hours else "Channels are told again.")


def _delete_rule(connection: Connection, actor: str) -> Done:
    alerts.delete_rule(connection, _id("rule"), actor)
    return Done("The rule and its history are gone.")


def _acknowledge(connection: Connection, actor: str) -> Done:
    alerts.acknowledge(connection, _id("firing"), actor)
    return Done("Others see that you look after it.")


def _resolve(connection: Connection, actor: str) -> Done:
    alerts.resolve(connection, _id("firing"), actor, datetime.now(UTC))
    return Done("It is over.")


def _add_channel(connection: Connection, actor: str) -> Done:
    kind, address = form_text("kind"), form_text("address")
    settings = current_app.extensions["settings"]
    if kind != "smtp":
        try:
            resolve(address, settings.allow_private_webhooks)
        except Refused as error:
            raise AccessError(str(error)) from None
    name, key = form_text("name"), settings.secret_key
    _, secret = channels.create_channel(connection, name, kind, address, actor, key)
    return Done(
        "The channel is told of every alert, and now of the last 12 hours’.",
        secret,
        "signing secret",
    )


def _test_channel(connection: Connection, actor: str) -> Done:
    channels.send_test(connection, _id("channel"), actor)
    return Done("A test is on its way.")


def _enable_channel(connection: Connection, actor: str) -> Done:
    channel = _id("channel")
    channels.require_channel(connection, channel)
    destinations.enable(connection, channel, actor)
    return Done("The channel is sent to again, beginning with what waits.")


def _delete_channel(connection: Connection, actor: str) -> Done:
    channels.delete_channel(connection, _id("channel"), actor)
    return Done("The channel is gone.")


def _replay(connection: Connection, actor: str) -> Done:
    channel, delivery = _id("channel"), _id("delivery")
    found = channels.require_channel(connection, channel)
    if not destinations.replay(connection, channel, delivery):
        raise AccessError("There is no such delivery, or it is being sent this moment.")
    detail = {"name": found.name, "channel": channel, "delivery": delivery}
    audit(connection, actor, "channel.replay", **detail)
    is_stopped = found.disabled_at is not None
    return Done("It is sent again" + (" once the channel is enabled." if is_stopped else "."))


CHANGES: dict[str, Callable[[Connection, str], Done]] = {
    "add-rule": _add_rule,
    "edit-rule": _edit_rule,
    "switch-rule": _switch_rule,
    "snooze": _snooze,
    "delete-rule": _delete_rule,
    "acknowledge": _acknowledge,
    "resolve": _resolve,
    "add-channel": _add_channel,
    "test-channel": _test_channel,
    "enable-channel": _enable_channel,
    "delete-channel": _delete_channel,
    "replay": _replay,
}
"""By the last part of the form's address."""
