"""The settings pages: what an admin changes there holds, and is in the audit log."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text
from standardwebhooks import Webhook

from tests.conftest import bearer, make_key, make_tenant
from tests.dashboard.conftest import ADMIN, browser_of, csrf_token, log_in, make_operator
from tests.dashboard.reading import in_words
from tests.ingest.sending import CLICK, event_of
from tests.jobs.receiver import Receiver
from tracker.jobs.deliveries import deliver_due
from tracker.log_event import EventRefused, log_event
from tracker.model import AuditEntry
from tracker.store import alerts

ACME = "/settings/tenants/acme"
QUOTA = event_of("quota_exceeded")


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOW_PRIVATE_WEBHOOKS": "1"}


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")


def post(client: FlaskClient, path: str, **form: Any) -> Any:
    token = csrf_token(client, "/settings")
    return client.post(path, data={"csrf_token": token, **form}, follow_redirects=True)


def secret_of(answer: Any) -> str:
    found = re.search(r'class="secret-text">([^<]+)<', answer.text)
    assert found, "no secret is shown"
    return found[1]


def audited(app: Flask) -> list[tuple[str, str, str | None]]:
    with app.extensions["database"].read(None) as session:
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(one.actor, one.action, one.tenant_id) for one in entries]


def send(client: FlaskClient, key: str, event: dict[str, Any] = QUOTA) -> Any:
    return client.post("/api/events", json=event, headers=bearer(key))


def test_a_tenant_and_its_first_key_are_made_and_work_at_once(
    app: Flask, operator: FlaskClient
) -> None:
    answer = post(operator, "/settings/tenants", id="Harbor", name="Harbor Line")
    assert "The tenant harbor is there" in answer.text
    answer = post(operator, "/settings/tenants/harbor/keys", name="server", scope=["write", "read"])
    secret = secret_of(answer)
    assert send(app.test_client(), secret).status_code == 202
    # shown once: the page does not have it any more
    assert secret not in operator.get("/settings/tenants/harbor").text
    assert (ADMIN, "tenant.create", "harbor") in audited(app)
    assert (ADMIN, "key.create", "harbor") in audited(app)


def test_a_rotated_key_works_beside_its_successor_and_a_revoked_one_ends_at_once(
    app: Flask, operator: FlaskClient
) -> None:
    first = secret_of(post(operator, f"{ACME}/keys", name="server", scope="write"))
    page = operator.get(ACME).text
    key_id = re.search(r'name="key" value="([^"]+)"', page)[1]  # type: ignore[index]
    second = secret_of(post(operator, f"{ACME}/rotate-key", key=key_id))
    client = app.test_client()
    assert [send(client, key).status_code for key in (first, second)] == [202, 202]
    post(operator, f"{ACME}/revoke-key", key=key_id)
    assert [send(client, key).status_code for key in (first, second)] == [401, 202]


def test_the_key_of_another_tenant_can_t_be_revoked_here(app: Flask, operator: FlaskClient) -> None:
    make_tenant(app, "blue")
    secret = make_key(app, "blue", ("write",))
    with app.extensions["database"].read(None) as session:
        key_id = str(session.execute(text("SELECT id FROM api_keys")).scalar_one())
    answer = post(operator, f"{ACME}/revoke-key", key=key_id)
    assert answer.status_code == 422
    assert send(app.test_client(), secret).status_code == 202


@pytest.mark.parametrize(
    ("action", "form", "sentence"),
    [
        ("keys", {"name": "x"}, "A key needs one scope or both"),
        ("keys", {"name": "", "scope": "read"}, "what the key is for"),
        ("name", {"name": " "}, "1 to 200 characters"),
        ("sampling", {"one_in.message_sent": "often"}, "one in” of message_sent must be a whole"),
        ("sampling", {"one_in.message_sent": "-1"}, "from 1 to 1,000."),
        ("sampling", {"one_in.message_sent": "1000000000000"}, "from 1 to 1,000."),
        ("sampling", {"budget.message_sent": "0"}, "daily budget of message_sent must be"),
        ("redaction", {"patterns": "**"}, "A pattern has 3 to 100"),
        ("origins", {"origins": "shop.example"}, "An origin looks like"),
        ("origins", {"origins": "https://shop.example\nhttps://*.example"}, "An origin looks like"),
        ("retention", {"days": "10"}, "from 30 to 3,650."),
        ("stripe-secret", {"secret": "short"}, "A secret has 8"),
        ("webhooks", {"url": "ftp://x", "types": "*"}, "The URL must start with"),
        ("webhooks", {"url": "http://127.0.0.1/", "types": ""}, "1 to 50 event types"),
        ("delete", {"confirm": "other"}, "Type the id"),
        ("name", {"name": "a\0b"}, "NUL"),
    ],
)
def test_what_can_t_be_is_refused_with_a_sentence(
    app: Flask, operator: FlaskClient, action: str, form: dict[str, Any], sentence: str
) -> None:
    answer = post(operator, f"{ACME}/{action}", **form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert not [entry for entry in audited(app) if entry[0] == ADMIN and entry[2] == "acme"]


@pytest.mark.parametrize(
    ("path", "form", "kept"),
    [
        (
            f"{ACME}/sampling",
            {"one_in.message_sent": "often", "budget.conversation_started": "77"},
            ['value="often"', 'value="77"'],
        ),
        (f"{ACME}/redaction", {"keys": "Badge", "patterns": "**"}, [">Badge<", ">**<"]),
        (f"{ACME}/retention", {"days": "10"}, ['value="10"']),
        (
            f"{ACME}/webhooks",
            {"url": "ftp://x", "types": "a b", "name": "Ops"},
            ['value="ftp://x"', 'value="a b"', 'value="Ops"'],
        ),
        ("/settings/tenants/default/origins", {"origins": "shop.example"}, [">shop.example<"]),
        ("/settings/operators/add", {"email": "tom@x", "role": "tenant"}, ['value="tom@x"']),
        (
            "/alerts/add-rule",
            {"name": "Low", "kind": "refusals", "percent": "x", "tenant": "acme"},
            ['value="Low"', 'value="acme" selected'],
        ),
        (
            "/alerts/add-channel",
            {"name": "Ops", "kind": "slack", "address": "ftp://x"},
            ['value="Ops"', 'value="slack" selected', 'value="ftp://x"'],
        ),
    ],
)
def test_a_refused_form_keeps_what_was_typed_and_the_others_of_its_page_do_not_get_it(
    operator: FlaskClient, path: str, form: dict[str, str], kept: list[str]
) -> None:
    answer = post(operator, path, **form)
    assert answer.status_code == 422
    assert [answer.text.count(one) for one in kept] == [1] * len(kept)


def test_choices_hold_for_the_next_event(app: Flask, operator: FlaskClient) -> None:
    key, client = make_key(app, "acme", ("write",)), app.test_client()
    custom = {"event_type": "report_printed", "payload": {"badge": "A-1", "by": "BADGE-12"}}
    assert send(client, key, custom).status_code == 422
    post(operator, f"{ACME}/custom-events", custom_events="1")
    post(operator, f"{ACME}/redaction", keys="Badge", patterns="BADGE-##")
    assert send(client, key, custom).status_code == 202
    post(operator, f"{ACME}/sampling", **{"one_in.quota_exceeded": "1000"})
    outcomes = [send(client, key).json["sampled"] for _ in range(20)]
    assert sum(outcomes) > 15
    with app.extensions["database"].read(None) as session:
        payload = session.execute(
            text("SELECT payload FROM events WHERE event_type = 'custom:report_printed'")
        ).scalar_one()
    assert "A-1" not in str(payload)
    assert "BADGE-12" not in str(payload)
    changes = [entry for entry in audited(app) if entry[1] == "tenant.settings"]
    assert changes == [(ADMIN, "tenant.settings", "acme")] * 3


@pytest.mark.parametrize("typed", ["https://shop.example/\n", " HTTPS://Shop.Example"])
def test_an_origin_allowed_here_may_send_from_browsers(
    app: Flask, operator: FlaskClient, typed: str
) -> None:
    client, headers = app.test_client(), {"Origin": "https://shop.example"}
    assert client.post("/api/events", json=CLICK, headers=headers).status_code == 403
    post(operator, "/settings/tenants/default/origins", origins=typed)
    answer = client.post("/api/events", json=CLICK, headers=headers)
    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_a_webhook_is_made_listed_replayed_and_deleted(app: Flask, operator: FlaskClient) -> None:
    key, client = make_key(app, "acme", ("write",)), app.test_client()
    with Receiver(answers=[500]) as receiver:
        answer = post(operator, f"{ACME}/webhooks", url=receiver.url, types="quota_*", name="ops")
        assert secret_of(answer).startswith("whsec_")
        hook = re.search(rf'href="({ACME}/webhooks/[^"]+)"', answer.text)[1]  # type: ignore[index]
        event_id = str(uuid4())
        send(client, key, QUOTA | {"event_id": event_id})
        deliver_due(app.extensions["database"], app.extensions["settings"])
        page = operator.get(hook).text
        assert "HTTP 500" in page
        assert "waiting" in page
        assert f'title="{event_id}">…{event_id[-8:]}<' in page
        delivery = re.search(r'name="delivery" value="([^"]+)"', page)[1]  # type: ignore[index]
        assert "It is sent again" in post(operator, f"{hook}/replay", delivery=delivery).text
        deliver_due(app.extensions["database"], app.extensions["settings"])
        assert len(receiver.got) == 2
        arrived = operator.get(f"{hook}?state=delivered").text
        assert "HTTP 204" in arrived
        assert re.search(r">delivered [^<]+</td>", arrived)
        assert 'class="time">–</td>' in arrived  # nothing comes next
        assert "Nothing was missed" in post(operator, f"{hook}/replay-missed", hours="1").text
        assert "from 1 to 720" in post(operator, f"{hook}/replay-missed", hours="0").text
    assert "The types are changed" in post(operator, f"{hook}/types", types="*").text
    assert secret_of(post(operator, f"{hook}/secret")).startswith("whsec_")
    assert "This enables the webhook" not in operator.get(hook).text
    stopped = post(operator, f"{hook}/disable").text
    assert "Stopped" in stopped
    assert "This enables the webhook, too" in stopped
    assert "of acme is stopped" in operator.get("/settings").text
    assert "once the webhook is enabled" in post(operator, f"{hook}/replay", delivery=delivery).text
    assert "Stopped" not in post(operator, f"{hook}/enable").text
    changes = {(action, tenant) for _, action, tenant in audited(app)}
    assert {("destination.disable", "acme"), ("destination.enable", "acme")} <= changes
    assert "The webhook is gone" in post(operator, f"{hook}/delete").text
    assert operator.get(hook).status_code == 404


def test_a_test_of_a_webhook_is_signed_and_listed_but_is_no_event(
    app: Flask, operator: FlaskClient
) -> None:
    with Receiver() as receiver:
        answer = post(operator, f"{ACME}/webhooks", url=receiver.url, types="quota_*", name="ops")
        hook = re.search(rf'href="({ACME}/webhooks/[^"]+)"', answer.text)[1]  # type: ignore[index]
        assert "A test is on its way" in post(operator, f"{hook}/test").text
        deliver_due(app.extensions["database"], app.extensions["settings"])
        [got] = receiver.got
    sent = Webhook(secret_of(answer)).verify(got.body, got.headers)
    assert (sent["type"], sent["data"]) == ("webhook.test", {})
    page = operator.get(hook).text
    assert ">webhook.test<" in page
    assert "/events/" not in page
    assert ("ada@example.com", "webhook.test", "acme") in audited(app)
    post(operator, f"{hook}/disable")
    assert "Send a test" not in operator.get(hook).text


def test_every_delivery_is_listed_a_page_at_a_time(app: Flask, operator: FlaskClient) -> None:
    url = "http://127.0.0.1:9/hook"
    answer = post(operator, f"{ACME}/webhooks", url=url, types="*", name="ops")
    hook = re.search(rf'href="({ACME}/webhooks/[^"]+)"', answer.text)[1]  # type: ignore[index]
    sent = [QUOTA | {"event_id": str(uuid4())} for _ in range(102)]
    key = make_key(app, "acme", ("write",))
    app.test_client().post("/api/events", json={"events": sent}, headers=bearer(key))
    listed, path = set(), f"{hook}?state=waiting"
    for rows, leads_on in ((100, True), (2, False)):
        page = operator.get(path).text
        found = re.findall(r'name="delivery" value="([^"]+)"', page)
        assert len(found) == rows
        listed |= set(found)
        further = re.search(r'href="([^"]+)" rel="next"', page)
        assert (further is not None) == leads_on
        path = further[1].replace("&amp;", "&") if further else ""
    assert len(listed) == len(sent)
    assert "Newest deliveries" in page
    assert "Sent: 102 events." in post(operator, f"{hook}/replay-missed", hours="1").text


def test_a_tenant_is_deleted_with_everything_once_its_id_is_typed(
    app: Flask, operator: FlaskClient
) -> None:
    key = make_key(app, "acme", ("write",))
    send(app.test_client(), key)
    answer = post(operator, f"{ACME}/delete", confirm="acme")
    rows = re.search(r"The tenant acme is gone, with (\d+) rows\.", answer.text)
    assert rows
    assert logged(operator, "tenant.delete") == f"rows: {rows[1]}"
    assert operator.get(ACME).status_code == 404
    assert send(app.test_client(), key).status_code == 401
    answer = post(operator, "/settings/tenants/default/delete", confirm="default")
    assert answer.status_code == 422


def test_the_process_takes_nothing_more_for_a_tenant_that_it_deleted(
    app: Flask, operator: FlaskClient
) -> None:
    with app.app_context():
        log_event("acme", "quota_exceeded", QUOTA["payload"])
        post(operator, f"{ACME}/delete", confirm="acme")
        with pytest.raises(EventRefused, match="must be a tenant's id"):
            log_event("acme", "quota_exceeded", QUOTA["payload"])


def test_a_tenant_without_anything_is_one_row(operator: FlaskClient) -> None:
    answer = post(operator, f"{ACME}/delete", confirm="acme")
    assert "is gone, with one row." in answer.text


def test_operators_are_added_changed_and_shut_out(app: Flask, operator: FlaskClient) -> None:
    form = {"email": "Tom@Example.com", "role": "tenant", "tenant": "acme"}
    answer = post(operator, "/settings/operators/add", **form)
    assert "may log in. The one-time password is shown this once" in answer.text
    password = secret_of(answer)
    tom = app.test_client()
    assert log_in(tom, "tom@example.com", password).status_code == 302
    page = post(operator, "/settings/operators/role", email="tom@example.com", role="analyst")
    assert "has another role" in page.text
    assert tom.get("/business").status_code == 302  # the role change ended the session
    post(operator, "/settings/operators/disable", email="tom@example.com")
    assert log_in(app.test_client(), "tom@example.com", password).status_code == 401
    post(operator, "/settings/operators/enable", email="tom@example.com")
    again = secret_of(post(operator, "/settings/operators/reset-password", email="tom@example.com"))
    assert log_in(app.test_client(), "tom@example.com", again).status_code == 302
    for action in ("disable", "role"):
        for spelled in (ADMIN, ADMIN.upper()):
            answer = post(operator, f"/settings/operators/{action}", email=spelled, role="analyst")
            assert answer.status_code == 422
    answer = post(operator, "/settings/operators/role", email="tom@example.com", role="tenant")
    assert "The role tenant needs one tenant or more; other roles take none." in answer.text


def test_the_audit_log_shows_who_changed_what(app: Flask, operator: FlaskClient) -> None:
    for n in range(52):
        post(operator, f"{ACME}/name", name=f"Acme {n}")
    page = operator.get("/settings/audit?tenant=acme").text
    assert page.count("tenant.rename") == 50
    assert "Acme 51" in page
    further = re.search(r'href="(/settings/audit\?[^"]*before=[^"]+)"', page)[1]  # type: ignore[index]
    assert "name: Acme 0 → Acme 1<" in operator.get(further.replace("&amp;", "&")).text


def logged(operator: FlaskClient, action: str) -> str:
    """The details of the newest entry with this action, as the audit log shows them."""
    page = operator.get("/settings/audit").text
    found = re.search(rf'{action}</td>.*?data-label="Details"[^>]*>(.*?)</td>', page)
    assert found, f"no {action}"
    return in_words(found[1])


def test_what_ends_for_good_asks_once_more(operator: FlaskClient) -> None:
    post(operator, f"{ACME}/keys", name="server", scope="write")
    page = operator.get(ACME).text
    asked = re.search(r'<details class="sure"[^>]*>(.*?)</details>', page, re.S)
    assert asked
    assert in_words(asked[1]) == "Revoke the key server Yes, end it now"
    assert page.count("/revoke-key") == asked[1].count("/revoke-key") == 1
    assert "Yes, log me out" in operator.get("/settings/operators").text


def test_the_tabs_say_which_page_of_the_settings_is_open(operator: FlaskClient) -> None:
    current = r'<a href="[^"]+" aria-current="[^"]+">([^<]+)</a>\s+<'
    for path, tab in (("/settings/audit", "Audit log"), (ACME, "Tenants")):
        tabs = operator.get(path).text.split('aria-label="Settings"')[1].split("</nav>")[0]
        assert re.findall(current, tabs + "<") == [tab]


def test_the_audit_log_names_what_is_gone_and_no_secret(operator: FlaskClient) -> None:
    secret = secret_of(post(operator, f"{ACME}/keys", name="server <i>", scope="write"))
    page = operator.get(ACME).text
    key_id = re.search(r'name="key" value="([^"]+)"', page)[1]  # type: ignore[index]
    named = f"name: server <i>; prefix: {secret[:12]}; "
    assert logged(operator, "key.create") == f"{named}scopes: write; key: {key_id}"
    post(operator, f"{ACME}/rotate-key", key=key_id)
    assert logged(operator, "key.rotate") == f"{named}key: {key_id}; overlap_hours: 24"
    post(operator, f"{ACME}/revoke-key", key=key_id)
    assert logged(operator, "key.revoke") == f"{named}key: {key_id}"
    assert secret not in operator.get("/settings/audit").text
    form = {"url": "http://127.0.0.1:9/hook", "types": "*", "name": "ops"}
    answer = post(operator, f"{ACME}/webhooks", **form)
    hook = re.search(rf'href="({ACME}/webhooks/[^"]+)"', answer.text)[1]  # type: ignore[index]
    for action in ("disable", "enable", "secret", "types", "delete"):
        post(operator, f"{hook}/{action}", types="ingest_*")
    ended = ("destination.disable", "destination.enable", "webhook.rotate_secret", "webhook.delete")
    for action in ended:
        assert logged(operator, action).startswith("name: ops; ")
    assert "types: * → ingest_*" in logged(operator, "webhook.types")


def test_the_audit_log_tells_what_was_before(operator: FlaskClient) -> None:
    post(operator, f"{ACME}/name", name="Acme & Co")
    assert logged(operator, "tenant.rename") == "name: Acme → Acme & Co"
    post(operator, f"{ACME}/custom-events", custom_events="1")
    assert logged(operator, "tenant.settings") == "custom_events: none → yes"
    post(operator, f"{ACME}/sampling", **{"one_in.message_sent": "10"})
    assert logged(operator, "tenant.settings") == "sampling: none → message_sent 10"
    post(operator, "/settings/operators/add", email="tom@example.com", role="analyst")
    form = {"email": "tom@example.com", "role": "tenant", "tenant": "acme"}
    post(operator, "/settings/operators/role", **form)
    told = "operator: tom@example.com; tenants: acme; role: analyst → tenant"
    assert logged(operator, "operator.role") == told


def test_the_audit_log_tells_what_was_done_to_alerts(app: Flask, operator: FlaskClient) -> None:
    post(operator, "/alerts/add-rule", name="Refused", kind="refusals", percent="5")
    told = logged(operator, "alert.create")
    assert told.startswith("name: Refused; kind: refusals; above: 0.05; rule: ")
    rule = told.rpartition(" ")[2]
    post(operator, "/alerts/switch-rule", rule=rule, enabled="no")
    assert logged(operator, "alert.change") == f"name: Refused; enabled: no; rule: {rule}"
    post(operator, "/alerts/snooze", rule=rule, hours="0")
    assert "snoozed_until: none" in logged(operator, "alert.change")
    now = datetime.now(UTC)
    with app.extensions["database"].write() as connection:
        held = alerts.find_rule(connection, rule)
        alerts.note(connection, held, now, alerts.Wrong(now, "Too many.", {}))
        firing = alerts.list_firings(connection, 1)[0].id
    for action in ("acknowledge", "resolve"):
        post(operator, f"/alerts/{action}", firing=firing)
        assert logged(operator, f"alert.{action}") == f"name: Refused; firing: {firing}"
    form = {"name": "Ops", "kind": "webhook", "address": "http://127.0.0.1:9/"}
    post(operator, "/alerts/add-channel", **form)
    channel = logged(operator, "channel.create").rpartition(" ")[2]
    for action in ("test", "delete"):
        post(operator, f"/alerts/{action}-channel", channel=channel)
        assert logged(operator, f"channel.{action}") == f"name: Ops; channel: {channel}"


def test_a_type_that_a_tenant_made_up_is_sampled_like_any_other(
    app: Flask, operator: FlaskClient
) -> None:
    key = make_key(app, "acme", ("write",))
    post(operator, f"{ACME}/custom-events", custom_events="1")
    own = [{"event_type": "button_pressed", "payload": {}}] * 100
    assert send(app.test_client(), key, {"events": own}).json["accepted"] == 100
    assert 'name="one_in.custom:button_pressed"' in operator.get(ACME).text
    post(operator, f"{ACME}/sampling", **{"one_in.custom:button_pressed": "5"})
    answer = send(app.test_client(), key, {"events": own})
    assert answer.json["sampled"] > 50
    post(operator, f"{ACME}/sampling", **{"one_in.custom:button_pressed": ""})
    assert send(app.test_client(), key, {"events": own}).json["sampled"] == 0


@pytest.mark.parametrize("role", ["analyst", "tenant"])
def test_only_admins_see_or_change_settings(app: Flask, role: str) -> None:
    tenants = ("acme",) if role == "tenant" else ()
    someone = browser_of(app, make_operator(app, "t@example.com", role, tenants))
    paths = ["/settings", ACME, "/settings/operators", "/settings/audit"]
    assert [someone.get(path).status_code for path in paths] == [403] * 4
    assert "/settings" not in someone.get("/business").text
    token = csrf_token(someone, "/business")
    for path in ("/settings/tenants", f"{ACME}/keys", f"{ACME}/delete", "/settings/operators/add"):
        assert someone.post(path, data={"csrf_token": token}).status_code == 403


def test_a_change_needs_the_token_of_a_form(app: Flask, operator: FlaskClient) -> None:
    assert operator.post(f"{ACME}/name", data={"name": "Evil"}).status_code == 400
    assert app.test_client().get("/settings").status_code == 302


@pytest.mark.parametrize(
    ("path", "form"),
    [
        (f"{ACME}/keys", {"name": "server", "scope": "write"}),
        (f"{ACME}/webhooks", {"url": "http://127.0.0.1:9/hook", "types": "*"}),
        ("/settings/operators/add", {"email": "tom@example.com", "role": "analyst"}),
        ("/alerts/add-channel", {"name": "x", "kind": "webhook", "address": "http://127.0.0.1:9/"}),
    ],
)
def test_a_page_with_a_secret_does_nothing_again_when_it_is_reloaded(
    app: Flask, operator: FlaskClient, path: str, form: dict[str, str]
) -> None:
    sent = form | {"csrf_token": csrf_token(operator, "/settings")}
    first = operator.post(path, data=sent)
    secret_of(first)
    done = audited(app)
    again = operator.post(path, data=sent)
    assert again.status_code == 400
    assert "sent before" in again.text
    assert audited(app) == done
    # the forms of the page itself are good
    token = re.search(r'name="csrf_token" value="([^"]+)"', first.text)[1]  # type: ignore[index]
    answer = operator.post(f"{ACME}/name", data={"csrf_token": token, "name": "Acme & Co"})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/settings/tenants", "/settings"),
        (f"{ACME}/keys", ACME),
        (f"{ACME}/webhooks/some/secret", f"{ACME}/webhooks/some"),
        ("/settings/operators/add", "/settings/operators"),
        ("/settings/privacy/export", "/settings/privacy"),
        ("/alerts/add-rule", "/alerts"),
        ("/annotations/acme/some/delete", "/annotations"),
        ("/logout", "/"),
    ],
)
def test_where_only_forms_go_leads_to_their_page(
    operator: FlaskClient, path: str, page: str
) -> None:
    assert operator.get(path).location == page


def test_pages_of_a_tenant_are_headed_by_its_name(app: Flask, operator: FlaskClient) -> None:
    post(operator, f"{ACME}/name", name="Acme & Sons")
    page = operator.get(ACME).text
    assert "<h1>" in page
    assert "Acme &amp; Sons</h1>" in page
    assert "<code>acme</code>, made" in page
    post(operator, f"{ACME}/webhooks", url="http://127.0.0.1:9/hook", types="*", name="hook")
    hook = re.search(rf'href="({ACME}/webhooks/[^"]+)"', operator.get(ACME).text)
    assert hook
    assert f'<a class="parent" href="{ACME}">Acme &amp; Sons</a>' in operator.get(hook[1]).text
