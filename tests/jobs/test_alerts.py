"""Alerts: one message per episode, to every channel, and quiet when nothing is wrong."""

import threading
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
import pytest
from flask import Flask
from sqlalchemy import delete, insert, select, update
from standardwebhooks import Webhook

from tests.conftest import record, today
from tests.jobs.receiver import Receiver
from tracker.jobs.alerts import Episode, dry_run, watch
from tracker.jobs.deliveries import deliver_due
from tracker.jobs.judging import Judge, Watchable
from tracker.metrics import overview
from tracker.metrics.scope import Scope
from tracker.model import AlertFiring, AlertRule, DailyIngest, Delivery, TripAttempt
from tracker.store import alerts, channels
from tracker.store.destinations import disable

ZONE = ZoneInfo("UTC")
NOW = datetime.now(UTC).replace(second=0, microsecond=0)


def watchable(ask: Any) -> Watchable:
    """A panel whose numbers are named and written as they are."""
    return Watchable(ask, "Page", str, lambda _column, number: f"{number:g}")


PANELS = {("overview", "totals"): watchable(overview.totals)}


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1"}


def in_words(day: date) -> str:
    return f"{day.day} {day:%b}"


def only_rule(app: Flask, kind: str, **options: Any) -> str:
    with app.extensions["database"].write() as connection:
        connection.execute(delete(AlertRule))
        return alerts.create_rule(connection, f"A rule on {kind}", kind, options, "test")


def channel(app: Flask, url: str = "http://127.0.0.1:9/") -> tuple[str, str]:
    key = app.extensions["settings"].secret_key
    with app.extensions["database"].write() as connection:
        return channels.create_channel(connection, "on call", "webhook", url, "test", key)


def attempts(app: Flask, begin: datetime, minutes: int, made: int, failed: int) -> None:
    """Attempts spread over some minutes, and their failures too."""
    bad = [n * failed // made < (n + 1) * failed // made for n in range(made)]
    rows = [
        {
            "tenant_id": "default",
            "id": str(uuid4()),
            "request_id": str(uuid4()),
            "created_at": (at := begin + n * timedelta(minutes=minutes) / made),
            "day": at.date(),
            "status": "failed" if bad[n] else "success",
            "error_code": "NO_ROUTE" if bad[n] else None,
            "prompt_contract_version": "classic_v1",
            "bucket": -1,
        }
        for n in range(made)
    ]
    with app.extensions["database"].write() as connection:
        connection.execute(insert(TripAttempt), rows)


def usual_weeks(app: Flask) -> None:
    for week in range(1, 5):
        begin = NOW - timedelta(weeks=week, hours=3)
        attempts(app, begin, minutes=300, made=600, failed=30)


def spike(app: Flask, end: datetime) -> None:
    for minutes in (30, 15):
        attempts(app, end - timedelta(minutes=minutes), 15, made=40, failed=20)


def look(app: Flask, at: datetime) -> None:
    watch(app.extensions["database"], ZONE, PANELS, at)


def messages(app: Flask) -> list[dict[str, Any]]:
    with app.extensions["database"].read(None) as session:
        ordered = select(Delivery.body).order_by(Delivery.created_at, Delivery.event_type)
        return [orjson.loads(body) for body in session.execute(ordered).scalars()]


def firings(app: Flask) -> list[Any]:
    with app.extensions["database"].read(None) as session:
        return alerts.list_firings(session, 100)


def test_a_spike_is_told_once_and_so_is_its_end(app: Flask) -> None:
    only_rule(app, "spike")
    channel(app)
    usual_weeks(app)
    look(app, NOW - timedelta(minutes=1))
    spike(app, NOW)
    for seconds in (0, 30, 60):
        look(app, NOW + timedelta(seconds=seconds))
    [told] = messages(app)
    assert told["type"] == "alert.fired"
    failed = "A rule on spike: 40 of 80 trip attempts failed in the half hour to "
    assert told["text"].startswith(f"{failed}{in_words(NOW)} {NOW:%H:%M} UTC: 50.0 %")
    assert told["text"].endswith("50.0 %, usually 5.0 %. Most: NO_ROUTE.")
    for minutes in (20, 40, 70, 100):
        look(app, NOW + timedelta(minutes=minutes))
    kinds = [message["type"] for message in messages(app)]
    assert kinds == ["alert.fired", "alert.resolved"]
    assert messages(app)[1]["text"].startswith("A rule on spike: Over, and last wrong at ")
    [episode] = firings(app)
    assert episode.resolved_by == "clock"
    assert episode.figures["error_code"] == "NO_ROUTE"


def test_an_episode_of_some_hours_ago_that_came_late_is_told_too(app: Flask) -> None:
    only_rule(app, "spike")
    channel(app)
    look(app, NOW)
    usual_weeks(app)
    spike(app, NOW - timedelta(hours=2))
    look(app, NOW + timedelta(minutes=6))
    look(app, NOW + timedelta(minutes=12))
    assert [message["type"] for message in messages(app)] == ["alert.fired", "alert.resolved"]
    assert len(firings(app)) == 1


def test_workers_that_look_at_once_tell_once(app: Flask) -> None:
    only_rule(app, "spike")
    channel(app)
    usual_weeks(app)
    spike(app, NOW)
    workers = [threading.Thread(target=look, args=(app, NOW)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(messages(app)) == 1
    assert len(firings(app)) == 1


def test_silence_is_told_and_ends_with_the_next_attempts(app: Flask) -> None:
    only_rule(app, "silence")
    channel(app)
    usual_weeks(app)
    attempts(app, NOW - timedelta(minutes=40), 10, made=20, failed=0)
    look(app, NOW)
    [told] = messages(app)
    assert told["text"].startswith("A rule on silence: No trip attempt since ")
    attempts(app, NOW, 40, made=80, failed=4)
    look(app, NOW + timedelta(minutes=45))
    assert messages(app)[-1]["type"] == "alert.resolved"


def test_a_snoozed_rule_records_and_tells_nobody(app: Flask) -> None:
    rule = only_rule(app, "spike")
    channel(app)
    usual_weeks(app)
    spike(app, NOW)
    with app.extensions["database"].write() as connection:
        later = NOW + timedelta(hours=1)
        alerts.change_rule(connection, rule, "test", snoozed_until=later)
    look(app, NOW)
    look(app, NOW + timedelta(hours=2))
    assert messages(app) == []
    assert len(firings(app)) == 1


def test_what_goes_on_when_a_rule_is_no_longer_snoozed_is_told_then(app: Flask) -> None:
    rule = only_rule(app, "spike")
    channel(app)
    usual_weeks(app)
    with app.extensions["database"].write() as connection:
        later = NOW + timedelta(minutes=10)
        alerts.change_rule(connection, rule, "test", snoozed_until=later)
    spike(app, NOW)
    look(app, NOW)
    assert messages(app) == []
    spike(app, NOW + timedelta(minutes=15))
    for minutes in (11, 12, 60):
        look(app, NOW + timedelta(minutes=minutes))
    assert [message["type"] for message in messages(app)] == ["alert.fired", "alert.resolved"]


def test_the_end_of_what_was_told_is_told_while_its_rule_is_snoozed(app: Flask) -> None:
    rule = only_rule(app, "spike")
    channel(app)
    usual_weeks(app)
    spike(app, NOW)
    look(app, NOW)
    with app.extensions["database"].write() as connection:
        later = NOW + timedelta(hours=8)
        alerts.change_rule(connection, rule, "test", snoozed_until=later)
    look(app, NOW + timedelta(hours=2))
    assert [message["type"] for message in messages(app)] == ["alert.fired", "alert.resolved"]


def test_what_goes_on_is_told_to_a_channel_that_comes_later(app: Flask) -> None:
    only_rule(app, "refusals", above=0.1)
    refuse(app, NOW.date(), NOW.date() - timedelta(days=1))
    look(app, NOW - timedelta(hours=13))
    look(app, NOW - timedelta(hours=1))
    channel(app)
    look(app, NOW)
    look(app, NOW + timedelta(seconds=30))
    assert [message["type"] for message in messages(app)] == ["alert.fired"]


def test_an_episode_can_be_acknowledged_and_resolved_by_hand(app: Flask) -> None:
    only_rule(app, "spike")
    channel(app)
    usual_weeks(app)
    spike(app, NOW)
    look(app, NOW)
    [episode] = firings(app)
    with app.extensions["database"].write() as connection:
        alerts.acknowledge(connection, episode.id, "ops@example.com")
        alerts.resolve(connection, episode.id, "ops@example.com", NOW)
    [episode] = firings(app)
    assert (episode.acknowledged_by, episode.resolved_by) == ("ops@example.com",) * 2
    look(app, NOW + timedelta(seconds=30))
    assert len(firings(app)) == 1  # what was resolved by hand does not begin again at once
    assert len(messages(app)) == 2


def test_too_many_searches_that_find_nothing_are_told(app: Flask) -> None:
    only_rule(app, "zero_results", above=0.5)
    channel(app)
    for n in range(40):
        record(app, search(n, found=int(n < 10)), settle=False)
    look(app, now := datetime.now(UTC))
    found = "found nothing: 30 of 40."
    text = f"A rule on zero_results: 75.0 % of the searches of {in_words(now)} {found}"
    assert messages(app)[0]["text"] == text


def test_what_is_told_names_the_tenant_that_a_rule_watches(app: Flask) -> None:
    rule = only_rule(app, "refusals", above=0.1)
    channel(app)
    with app.extensions["database"].write() as connection:
        connection.execute(
            update(AlertRule).where(AlertRule.id == rule).values(tenant_id="default")
        )
    refuse(app, NOW.date())
    look(app, NOW)
    assert messages(app)[0]["text"].startswith(
        "A rule on refusals (default): 20.0 % of the events "
    )


def search(number: int, found: int) -> dict[str, Any]:
    payload = {
        "query_text": f"query {number}",
        "function_called": "search_experts",
        "result_count": found,
        "expert_ids": ["e"] * found,
    }
    return {"event_type": "sage_query", "session_id": str(uuid4()), "payload": payload}


def test_too_many_refused_events_are_told(app: Flask) -> None:
    only_rule(app, "refusals", above=0.1)
    channel(app)
    now = datetime.now(UTC)
    refuse(app, now.date())
    look(app, now)
    day = in_words(now)
    text = f"A rule on refusals: 20.0 % of the events sent on {day} were refused: 20 of 100."
    assert messages(app)[0]["text"] == text


def refuse(app: Flask, *days: date) -> None:
    """A fifth of the days' events are refused."""
    counts = {"accepted": 80, "refused": 20, "duplicates": 0, "sampled": 0, "late": 0, "bots": 0}
    same = {"tenant_id": "default", "event_type": "card_click", "slot": 0, **counts}
    with app.extensions["database"].write() as connection:
        connection.execute(insert(DailyIngest), [same | {"day": day} for day in days])


def test_any_number_of_a_panel_can_be_watched(app: Flask) -> None:
    options = {"page": "overview", "panel": "totals", "column": "sage_queries"}
    only_rule(app, "panel", **options, comparison="below", value=5, days=7)
    channel(app)
    record(app, search(1, 0), settle=False)
    look(app, now := datetime.now(UTC))
    told = "sage_queries on Page came to 1, below 5, in the 7 days to"
    assert messages(app)[0]["text"] == f"A rule on panel: {told} {in_words(now)}."


def test_a_count_may_be_too_low_only_once_its_day_is_over(app: Flask) -> None:
    options = {"page": "overview", "panel": "totals", "column": "sage_queries"}
    rule = only_rule(app, "panel", **options, comparison="below", value=2, days=1, whole_days=True)
    record(app, *(search(n, 0) for n in range(2)))
    midnight = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    with app.extensions["database"].read(None) as session:
        judge = Judge(session, alerts.find_rule(session, rule), ZONE, PANELS)
        before = judge(midnight + timedelta(days=1) - timedelta.resolution * 2)
        ended = judge(midnight + timedelta(days=1) - timedelta.resolution)
        after = judge(midnight + timedelta(days=1, hours=23))
        next_day = judge(midnight + timedelta(days=2))
    yesterday, tomorrow = midnight - timedelta(days=1), midnight + timedelta(days=1)
    assert before
    assert f"came to 0, below 2, on {in_words(yesterday)}." in before.words
    assert (ended, after) == (None, None)
    assert next_day
    assert next_day.words.endswith(f"on {in_words(tomorrow)}.")


def test_an_alert_on_a_row_names_the_row(app: Flask) -> None:
    options = {"page": "trips", "panel": "errors", "column": "failures", "row": "error_code=X"}
    rule = only_rule(app, "panel", **options, comparison="above", value=1)
    failures = [
        SimpleNamespace(error_code=code, failures=number) for code, number in (("Y", 9), ("X", 2))
    ]
    panels = {("trips", "errors"): watchable(lambda *_: failures)}
    with app.extensions["database"].read(None) as session:
        wrong = Judge(session, alerts.find_rule(session, rule), ZONE, panels)(NOW)
    assert wrong
    assert (
        wrong.words == f"failures of error_code=X on Page came to 2, above 1, on {in_words(NOW)}."
    )


def test_the_clock_which_has_no_request_can_watch_every_panel(app: Flask) -> None:
    record(app, search(1, 0), settle=False)
    scope = Scope(("default",), today(), today(), ZONE, datetime.now(UTC))
    with app.extensions["database"].read(scope.tenants) as session:
        panels = app.extensions["watchable"]
        found = {place: panel.ask(session, scope) for place, panel in panels.items()}
    assert found["overview", "totals"][0].events == 1


def test_a_dry_run_says_how_often_it_would_have_fired(app: Flask) -> None:
    only_rule(app, "spike")
    for day in (1, 3, 5):
        end = NOW - timedelta(days=day)
        for week in range(1, 5):
            attempts(app, end - timedelta(weeks=week, hours=2), 240, made=480, failed=24)
        spike(app, end)
    assert len(tried(app)) == 3
    assert firings(app) == []


def tried(app: Flask) -> list[Episode]:
    with app.extensions["database"].read(None) as session:
        [rule] = alerts.list_rules(session)
        return dry_run(session, rule, ZONE, PANELS)


def test_a_dry_run_of_a_rule_on_one_day_fires_on_every_wrong_day(app: Flask) -> None:
    only_rule(app, "refusals", above=0.1)
    days = [today() - timedelta(days=n) for n in range(3)]
    refuse(app, *days)
    found = tried(app)
    assert [one.fired_at.date() for one in found] == days[::-1]
    assert [one.wrong_until for one in found] == [one.fired_at for one in found]
    assert [one.fired_at.time() for one in found[:-1]] == 2 * [time.max]
    assert f"of the events sent on {in_words(days[2])} were refused" in found[0].words


@pytest.mark.parametrize(
    ("more", "wrong_ago"),
    [({"days": 7}, (0, 1, 2, 9)), ({"days": 1, "whole_days": True}, (1, 2, 9))],
)
def test_a_dry_run_of_a_rule_that_has_days_before_stays_wrong_over_midnight(
    app: Flask, more: dict[str, Any], wrong_ago: tuple[int, ...]
) -> None:
    only_rule(app, "panel", page="p", panel="q", column="n", comparison="above", value=1, **more)
    wrong = {today() - timedelta(days=n) for n in wrong_ago}
    panels = {
        ("p", "q"): watchable(
            lambda _session, scope: [SimpleNamespace(n=2 if scope.last in wrong else 0)]
        )
    }
    with app.extensions["database"].read(None) as session:
        [rule] = alerts.list_rules(session)
        found = dry_run(session, rule, ZONE, panels)
    ago = [[(today() - at.date()).days for at in one[:2]] for one in found]
    assert ago == [[9, 9], [2, 0]]


def test_a_broken_rule_leaves_the_others_alone(app: Flask) -> None:
    only_rule(app, "panel", page="nowhere")
    with app.extensions["database"].write() as connection:
        alerts.create_rule(connection, "Spikes", "spike", {}, "test")
    channel(app)
    usual_weeks(app)
    spike(app, NOW)
    look(app, NOW)
    assert len(messages(app)) == 1


def test_an_alert_arrives_signed_at_a_receiver(app: Flask) -> None:
    only_rule(app, "spike")
    usual_weeks(app)
    spike(app, NOW)
    with Receiver() as receiver:
        _, secret = channel(app, receiver.url)
        look(app, NOW)
        deliver_due(app.extensions["database"], app.extensions["settings"])
    [got] = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)["type"] == "alert.fired"


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, None),
        ({"TRACKER_PUBLIC_URL": "https://tracker.example.com/"}, "https://tracker.example.com"),
    ],
)
def test_a_message_leads_to_its_episode_where_the_dashboards_address_is_known(
    app: Flask, url: str | None
) -> None:
    only_rule(app, "spike")
    usual_weeks(app)
    spike(app, NOW)
    settings = app.extensions["settings"].model_copy(update={"allow_private_webhooks": True})
    with Receiver() as receiver:
        channel(app, receiver.url)
        with app.extensions["database"].write() as connection:
            key = settings.secret_key
            channels.create_channel(connection, "chat", "slack", receiver.url, "test", key)
        look(app, NOW)
        deliver_due(app.extensions["database"], settings)
    [episode] = firings(app)
    link = url and f"{url}/alerts#{episode.id}"
    signed, chat = sorted((orjson.loads(got.body) for got in receiver.got), key=len, reverse=True)
    assert signed.get("url") == link
    text = f"A rule on spike: {episode.words}"
    assert chat == {"text": "\n".join(filter(None, (text, link)))}


def test_a_new_channel_is_told_of_the_alerts_of_the_last_hours(app: Flask) -> None:
    only_rule(app, "spike")
    usual_weeks(app)
    spike(app, NOW - timedelta(hours=2))
    look(app, NOW)  # nobody is there to be told
    assert messages(app) == []
    assert [one.told for one in firings(app)] == [False]
    for _ in range(2):
        channel(app)
    assert [one.told for one in firings(app)] == [True]
    told = sorted(message["type"] for message in messages(app))
    assert told == 2 * ["alert.fired"] + 2 * ["alert.resolved"]


def test_a_new_channel_is_not_told_of_what_is_old_snoozed_or_for_others(app: Flask) -> None:
    first, _ = channel(app)
    with app.extensions["database"].write() as connection:
        connection.execute(delete(AlertRule))
        rules = [
            alerts.create_rule(connection, "Rule", "spike", {}, "test", channels=only)
            for only in ([], [], [first])
        ]
        for rule, hours, told in zip(rules, (13, 1, 1), (True, False, True), strict=True):
            at = datetime.now(UTC) - timedelta(hours=hours)
            if not told:
                until = at + timedelta(minutes=5)
                alerts.change_rule(connection, rule, "test", snoozed_until=until)
            fired = {"began_at": at, "fired_at": at, "wrong_until": at, "words": "It broke."}
            connection.execute(
                insert(AlertFiring).values(
                    id=str(uuid4()), rule_id=rule, figures={}, told=told, **fired
                )
            )
    channel(app)
    assert messages(app) == []


def test_a_rule_whose_only_channel_is_deleted_tells_the_others(app: Flask) -> None:
    gone, _ = channel(app)
    only_rule(app, "spike")
    with app.extensions["database"].write() as connection:
        connection.execute(update(AlertRule).values(channels=[gone]))
        channels.delete_channel(connection, gone, "test")
    channel(app)
    usual_weeks(app)
    spike(app, NOW)
    look(app, NOW)
    assert [message["type"] for message in messages(app)] == ["alert.fired"]


def test_other_channels_are_told_when_one_is_given_up(app: Flask) -> None:
    gone, _ = channel(app)
    channel(app)
    database = app.extensions["database"]
    with database.write() as connection:
        disable(connection, gone, "Nothing arrived.", "clock", NOW)
        channels.tell_given_up(connection, [gone])
    [told] = messages(app)
    assert told["type"] == "channel.disabled"
    with database.read(None) as session:
        assert session.execute(select(AlertFiring.id)).all() == []
