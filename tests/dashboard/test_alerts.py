"""/alerts: rules, channels and episodes from the operator's side."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from tests.conftest import record
from tests.dashboard.conftest import browser_of, csrf_token, make_operator
from tests.dashboard.reading import in_words
from tests.dashboard.test_panels import search
from tests.ingest.sending import event_of
from tracker.model import DailyIngest, Delivery
from tracker.store import alerts, channels, destinations


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1"}


def send(client: FlaskClient, action: str, **form: Any) -> Any:
    token = csrf_token(client, "/alerts")
    return client.post(f"/alerts/{action}", data=form | {"csrf_token": token})


def rules(app: Flask) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        return alerts.list_rules(session)


def held_channels(app: Flask) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        return channels.list_channels(session)


def fire(app: Flask) -> str:
    now = datetime.now(UTC)
    with app.extensions["database"].write() as connection:
        [rule, _] = alerts.list_rules(connection)
        alerts.note(connection, rule, now, alerts.Wrong(now, "40 of 80 attempts failed.", {}))
        return str(alerts.list_firings(connection, 1)[0].id)


WATCHED = {
    "name": "x",
    "kind": "panel",
    "number": "trips/errors/failures",
    "comparison": "above",
    "value": "1",
}
"""A rule about the failures with one error code."""


def test_a_new_deployment_watches_trips_and_says_that_nobody_is_told(operator: FlaskClient) -> None:
    page = operator.get("/alerts").text
    assert page.count(">Trips fail more than usual</a>") == 1
    assert "Failures in half an hour, against the same hour of four weeks" in page
    assert "No trip attempts come in" in page
    assert "nobody is told" in page


def test_a_rule_on_any_number_of_a_page_can_be_added(app: Flask, operator: FlaskClient) -> None:
    form = {"name": "Too few", "kind": "panel", "number": "overview/totals/sage_queries"}
    send(operator, "add-rule", **form, comparison="below", value="5", days="7")
    rule = rules(app)[-1]
    assert rule.options == {
        "page": "overview",
        "panel": "totals",
        "column": "sage_queries",
        "row": "",
        "comparison": "below",
        "value": 5.0,
        "days": 7,
        "whole_days": False,
    }
    page = in_words(operator.get("/alerts").text)
    assert "Overview, Totals: Searches below 5, over 7 days" in page


def test_a_rule_may_watch_what_is_on_a_tenants_page(app: Flask, operator: FlaskClient) -> None:
    form = {"name": "x", "kind": "panel", "comparison": "below", "value": "0.9"}
    number = {"number": "business/integrations/success_rate", "row": "integration_id=zendesk_1"}
    send(operator, "add-rule", **form, **number, tenant="default")
    words = "Business, Integrations: Success of integration_id=zendesk_1 below 90.0 %, over one day"
    assert words in in_words(operator.get("/alerts").text)
    for name in ("integration_succeeded", "integration_failed"):
        record(app, event_of(name))
    tried = in_words(operator.get(f"/alerts/rules/{rules(app)[-1].id}/test").text)
    assert "Success of integration_id=zendesk_1 on Business came to 50.0 %, below 90.0 %" in tried


def test_a_rule_may_wait_for_the_end_of_a_day(app: Flask, operator: FlaskClient) -> None:
    send(operator, "add-rule", **WATCHED, whole_days="yes")
    rule = rules(app)[-1]
    assert rule.options["whole_days"] is True
    assert (
        'name="whole_days" value="yes" checked'
        in operator.get(f"/alerts/rules/{rule.id}/test").text
    )
    assert "over one day up to yesterday" in operator.get("/alerts").text


def test_a_rule_may_watch_a_row_that_is_named(app: Flask, operator: FlaskClient) -> None:
    send(operator, "add-rule", **WATCHED, row="error_code=TIMEOUT")
    assert rules(app)[-1].options["row"] == "error_code=TIMEOUT"


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ({"name": "", "kind": "spike"}, "needs a name"),
        ({"name": "x", "kind": "moon"}, "A rule is one of"),
        ({"name": "x", "kind": "refusals", "percent": "many"}, "must be a number"),
        ({"name": "x", "kind": "refusals", "percent": "120"}, "from 0 to 100"),
        ({"name": "x", "kind": "panel", "number": "nowhere/at/all"}, "Choose a number"),
        ({"name": "x", "kind": "panel", "number": "trips/totals/attempt"}, "Choose a number"),
        ({"name": "x", "kind": "panel", "number": "trips/errors/error_code"}, "Choose a number"),
        (WATCHED | {"row": "code=TIMEOUT"}, "The columns are error_code, failures"),
        (WATCHED | {"row": "TIMEOUT"}, "A row is named as column=value"),
        ({"name": "x", "kind": "spike", "tenant": "nobody"}, "There is no tenant"),
    ],
)
def test_a_faulty_rule_is_refused_with_a_sentence(
    app: Flask, operator: FlaskClient, form: dict[str, str], why: str
) -> None:
    answer = send(operator, "add-rule", **form)
    assert answer.status_code == 422
    assert why in answer.text
    assert len(rules(app)) == 2


def test_a_channel_shows_its_signing_secret_once(app: Flask, operator: FlaskClient) -> None:
    form = {"name": "On call", "kind": "webhook", "address": "http://127.0.0.1:9/hook"}
    answer = send(operator, "add-channel", **form)
    assert re.search(r"whsec_[\w+/=]+", answer.text)
    assert "whsec_" not in operator.get("/alerts").text
    [channel] = held_channels(app)
    send(operator, "test-channel", channel=channel.id)
    assert "alert.test" in operator.get("/alerts").text
    send(operator, "delete-channel", channel=channel.id)
    assert held_channels(app) == []


def test_what_is_sent_again_waits_while_its_channel_is_stopped(
    app: Flask, operator: FlaskClient
) -> None:
    form = {"name": "On call", "kind": "webhook", "address": "http://127.0.0.1:9/hook"}
    send(operator, "add-channel", **form)
    [channel] = held_channels(app)
    send(operator, "test-channel", channel=channel.id)
    with app.extensions["database"].write() as connection:
        delivery = connection.scalars(select(Delivery.id)).one()
        destinations.disable(connection, channel.id, "It failed.", "test", datetime.now(UTC))
    assert "Every channel is stopped, so nobody is told." in operator.get("/alerts").text
    wanted = {"channel": channel.id, "delivery": delivery}
    send(operator, "replay", **wanted)
    assert "It is sent again once the channel is enabled." in operator.get("/alerts").text
    send(operator, "enable-channel", channel=channel.id)
    assert "nobody is told" not in operator.get("/alerts").text
    send(operator, "replay", **wanted)
    assert "It is sent again." in operator.get("/alerts").text


def test_every_delivery_is_listed_a_page_at_a_time(app: Flask, operator: FlaskClient) -> None:
    send(operator, "add-channel", name="Mail", kind="smtp", address="ada@example.com")
    [channel] = held_channels(app)
    with app.extensions["database"].write() as connection:
        for _ in range(51):
            channels.send_test(connection, channel.id, "test")
    first = operator.get("/alerts").text
    further = re.search(r'href="([^"]+)" rel="next"', first)
    assert further
    second = operator.get(further[1]).text
    assert [page.count(">alert.test<") for page in (first, second)] == [50, 1]
    assert 'rel="next"' not in second
    assert 'href="/alerts#deliveries" rel="prev"' in second


def test_a_slack_address_is_never_shown(app: Flask, operator: FlaskClient) -> None:
    form = {"name": "Chat", "kind": "slack", "address": "http://127.0.0.1:9/T0/secret-part"}
    send(operator, "add-channel", **form)
    assert "secret-part" not in operator.get("/alerts").text
    assert "secret-part" not in held_channels(app)[0].address


@pytest.mark.parametrize("address", ["not a url", "ftp://example.com/", "http://a:b@127.0.0.1/"])
def test_a_faulty_address_is_refused(app: Flask, operator: FlaskClient, address: str) -> None:
    answer = send(operator, "add-channel", name="x", kind="webhook", address=address)
    assert answer.status_code == 422
    assert held_channels(app) == []


def test_the_history_says_whether_a_channel_was_told(app: Flask, operator: FlaskClient) -> None:
    fire(app)
    assert ">nobody</td>" in operator.get("/alerts").text
    send(operator, "add-channel", name="x", kind="webhook", address="http://127.0.0.1:9/hook")
    page = operator.get("/alerts").text
    assert ">yes</td>" in page
    assert ">nobody</td>" not in page


def test_every_alert_that_was_is_listed_a_page_at_a_time(app: Flask, operator: FlaskClient) -> None:
    begin = datetime.now(UTC) - timedelta(days=60)
    with app.extensions["database"].write() as connection:
        [rule, _] = alerts.list_rules(connection)
        for hour in range(51):
            moment = begin + timedelta(hours=hour)
            alerts.note(connection, rule, moment, alerts.Wrong(moment, f"Wrong {hour}.", {}))
            alerts.note(connection, rule, moment + timedelta(minutes=30), None)
    first = operator.get("/alerts").text
    further = re.search(r'href="([^"]+)" rel="next">Earlier alerts', first)
    assert further
    second = operator.get(further[1]).text
    assert [page.count(">Wrong ") for page in (first, second)] == [50, 1]
    assert ">Wrong 0.<" in second
    assert "Earlier alerts" not in second
    newest = re.search(r"The last alert: ([^<]+)", first)
    assert newest
    assert newest[0] in second
    assert 'href="/alerts#history" rel="prev"' in second


def test_an_open_alert_is_acknowledged_and_resolved(app: Flask, operator: FlaskClient) -> None:
    firing = fire(app)
    assert "One alert" not in operator.get("/alerts").text
    assert "1 alert is open: 40 of 80 attempts failed." in operator.get("/alerts").text
    send(operator, "acknowledge", firing=firing)
    assert "ada@example.com" in operator.get("/alerts").text
    send(operator, "resolve", firing=firing)
    assert "Nothing is wrong. The last alert:" in operator.get("/alerts").text


def test_a_rule_is_snoozed_switched_off_tried_and_deleted(
    app: Flask, operator: FlaskClient
) -> None:
    rule = rules(app)[0].id
    send(operator, "snooze", rule=rule, hours="2")
    page = operator.get("/alerts").text
    assert "snoozed until" in page
    assert ">Wake</button>" in page
    with app.extensions["database"].write() as connection:
        over = datetime.now(UTC) - timedelta(minutes=1)
        alerts.change_rule(connection, rule, "test", snoozed_until=over)
    assert "snoozed until" not in operator.get("/alerts").text
    send(operator, "switch-rule", rule=rule, enabled="no")
    assert not rules(app)[0].enabled
    tried = operator.get(f"/alerts/rules/{rule}/test").text
    assert "would not have fired in 30 days" in tried
    send(operator, "delete-rule", rule=rule)
    assert len(rules(app)) == 1


def test_a_rule_is_changed_on_its_page(app: Flask, operator: FlaskClient) -> None:
    send(operator, "add-channel", name="Ada", kind="smtp", address="ada@example.com")
    send(operator, "add-rule", **WATCHED, row="error_code=TIMEOUT", days="7")
    rule, channel = rules(app)[-1], str(held_channels(app)[0].id)
    page = operator.get(f"/alerts/rules/{rule.id}/test").text
    assert 'name="number" value="trips/errors/failures"' in page
    assert 'value="error_code=TIMEOUT"' in page
    changed = WATCHED | {"name": "Timeouts", "value": "5", "row": "error_code=TIMEOUT"}
    send(operator, "edit-rule", rule=str(rule.id), **changed, days="7", channels=channel)
    after = rules(app)[-1]
    assert (after.id, after.name, after.options["value"]) == (rule.id, "Timeouts", 5.0)
    assert after.options["row"] == "error_code=TIMEOUT"
    assert list(after.channels) == [channel]
    audit = operator.get("/settings/audit").text
    assert "name: x → Timeouts; value: 1.0 → 5.0; channels: none →" in audit
    assert "error_code" not in audit


@pytest.mark.parametrize(
    ("kind", "form", "options"),
    [("zero_results", {"percent": "40"}, {"above": 0.4}), ("spike", {}, {})],
)
def test_a_changed_rule_watches_what_it_watched(
    app: Flask, operator: FlaskClient, kind: str, form: dict[str, str], options: dict[str, float]
) -> None:
    send(operator, "add-rule", name="x", kind=kind, percent="12.5")
    rule = rules(app)[-1]
    if form:
        assert (
            'name="percent" inputmode="decimal" required value="12.5"'
            in operator.get(f"/alerts/rules/{rule.id}/test").text
        )
    send(operator, "edit-rule", rule=str(rule.id), name="y", kind="refusals", **form)
    after = rules(app)[-1]
    assert (after.name, after.kind, after.options) == ("y", kind, options)
    refused = send(operator, "edit-rule", rule=str(rule.id), name=" ", percent="50")
    assert refused.status_code == 422
    assert rules(app)[-1].name == "y"


def test_a_rule_on_days_is_tried_on_days_and_says_which(app: Flask, operator: FlaskClient) -> None:
    with app.extensions["database"].write() as connection:
        rule = alerts.create_rule(connection, "Refused", "refusals", {"above": 0.1}, "test")
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        values = {"tenant_id": "default", "day": yesterday, "event_type": "card_click", "slot": 0}
        counts = dict.fromkeys(("accepted", "duplicates", "sampled", "late", "bots"), 0)
        connection.execute(insert(DailyIngest).values(**values, **counts | {"refused": 100}))
    tried = operator.get(f"/alerts/rules/{rule}/test").text
    assert "would have fired once" in tried
    day = f"{yesterday:%a} {yesterday.day} {yesterday:%b}"
    assert re.search(rf'<td class="time">{day}( \d+)?</td>', tried)  # the year, if it is over


def test_analysts_look_and_only_admins_change(app: Flask) -> None:
    analyst = browser_of(app, make_operator(app, "an@example.com", "analyst"))
    page = analyst.get("/alerts")
    assert page.status_code == 200
    assert "Add a rule" not in page.text
    assert send(analyst, "add-rule", name="x", kind="spike").status_code == 403
    assert 'href="/alerts"' in analyst.get("/overview").text


def test_a_tenants_operator_sees_no_alerts(app: Flask) -> None:
    guest = browser_of(app, make_operator(app, "t@example.com", "tenant", ("default",)))
    assert guest.get("/alerts").status_code == 403
    assert "/alerts" not in guest.get("/overview").text


def test_what_is_gone_is_refused(operator: FlaskClient) -> None:
    for action in ("acknowledge", "resolve", "delete-rule", "test-channel", "replay"):
        assert send(operator, action).status_code == 422
    assert send(operator, "nothing").status_code == 404
    assert operator.get("/alerts/rules/x/test").status_code == 404


def test_an_alert_names_and_writes_a_number_as_its_page_does(
    app: Flask, operator: FlaskClient
) -> None:
    form = {"name": "x", "kind": "panel", "comparison": "above", "value": "0.2"}
    send(operator, "add-rule", **form, number="overview/totals/zero_result_rate")
    record(app, search(1), search(2))
    tried = operator.get(f"/alerts/rules/{rules(app)[-1].id}/test").text
    assert "Found nothing on Overview came to 100 %, above 20.0 %, on" in tried
