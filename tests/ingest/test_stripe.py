"""Stripe's webhooks. Signatures are made by Stripe's own library."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import stripe
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.conftest import make_tenant, real_data
from tracker.store.secrets import STRIPE, set_secret

SECRET = "whsec_of_the_tests"
PATH = "/api/webhooks/stripe/acme"


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")
    secret_key = app.extensions["settings"].secret_key
    with app.extensions["database"].write() as connection:
        set_secret(connection, "acme", STRIPE, SECRET, "test", secret_key)


def post(client: FlaskClient, event: Any, secret: str = SECRET, age: int = 0, path: str = PATH):  # type: ignore[no-untyped-def]
    body = event if isinstance(event, str) else json.dumps(event)
    header = stripe.WebhookSignature.generate_signature_header(
        body, secret, timestamp=int(time.time()) - age
    )
    return client.post(path, data=body, headers={"Stripe-Signature": header})


def stored(app: Flask) -> list[tuple[str, dict[str, Any]]]:
    with app.extensions["database"].read(None) as session:
        rows = session.execute(text("SELECT event_type, payload FROM events ORDER BY received_at"))
        return [(row[0], json.loads(row[1]) if isinstance(row[1], str) else row[1]) for row in rows]


def subscription(kind: str, plan: str = "team", **data: Any) -> dict[str, Any]:
    price = {"id": "price_1", "lookup_key": plan, "nickname": "Team, monthly"}
    thing = {
        "id": "sub_1",
        "status": "active",
        "customer": "cus_1",
        "metadata": {},
        "items": {"data": [{"price": price}]},
    }
    return {
        "id": f"evt_{kind}_{plan}",
        "type": f"customer.subscription.{kind}",
        "created": int(time.time()),
        "data": {"object": thing, **data},
    }


def test_stripe_s_own_examples_become_business_events_without_anything_personal(
    app: Flask, client: FlaskClient
) -> None:
    folder = real_data() / "stripe"
    for path in sorted(Path(folder).glob("*.json")):
        assert post(client, path.read_text()).json == {"received": True, "outcome": "stored"}
    session_id = "cs_test_" + "0" * 58
    price = "price_" + "0" * 24
    # the checkout names no plan; the subscription changed its schedule and not its plan
    assert stored(app) == [
        ("checkout_completed", {"plan": "unknown", "stripeSessionId": session_id}),
        ("plan_updated", {"previousPlan": price, "newPlan": price, "status": "active"}),
    ]


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (subscription("created"), (None, "team", "active")),
        (subscription("deleted"), ("team", None, "active")),
        (subscription("updated"), ("team", "team", "active")),
        (
            subscription(
                "updated",
                previous_attributes={"items": {"data": [{"price": {"nickname": "Starter"}}]}},
            ),
            ("Starter", "team", "active"),
        ),
        (
            subscription("updated", previous_attributes={"plan": {"id": "plan_old"}}),
            ("plan_old", "team", "active"),
        ),
    ],
)
def test_subscriptions_become_changes_of_plan(
    app: Flask, client: FlaskClient, event: dict[str, Any], payload: tuple[Any, ...]
) -> None:
    assert post(client, event).status_code == 200
    ((kind, found),) = stored(app)
    assert kind == "plan_updated"
    assert (found["previousPlan"], found["newPlan"], found["status"]) == payload


@pytest.mark.parametrize(
    ("before", "previous"),
    [
        ({"items": {"data": [{"price": {"id": "price_1"}, "quantity": 3}]}, "quantity": 3}, "team"),
        ({"items": {"data": [{"price": {"id": "price_0"}}]}}, "team"),
        ({"metadata": {"seats": "3"}}, "team"),
        ({"metadata": {"plan": "starter"}}, "starter"),
        ({"metadata": {"plan": None}}, "price_1"),
        (
            {"metadata": {"plan": None}, "items": {"data": [{"price": {"id": "price_0"}}]}},
            "price_0",
        ),
    ],
)
def test_a_plan_that_the_metadata_names_changes_with_its_name_alone(
    app: Flask, client: FlaskClient, before: dict[str, Any], previous: str
) -> None:
    event = subscription("updated", previous_attributes=before)
    event["data"]["object"] |= {
        "metadata": {"plan": "team"},
        "items": {"data": [{"price": {"id": "price_1"}, "quantity": 5}]},
    }
    post(client, event)
    ((_, found),) = stored(app)
    assert found == {"previousPlan": previous, "newPlan": "team", "status": "active"}


def test_the_metadata_may_name_the_plan(app: Flask, client: FlaskClient) -> None:
    event = subscription("created")
    event["data"]["object"]["metadata"] = {"plan": "business", "email": "ann@example.com"}
    post(client, event)
    assert stored(app)[0][1]["newPlan"] == "business"


def test_a_replay_is_ignored(app: Flask, client: FlaskClient) -> None:
    event = subscription("created")
    assert [post(client, event).json["outcome"] for _ in range(2)] == ["stored", "duplicate"]
    assert len(stored(app)) == 1


def test_other_types_are_taken_and_ignored(app: Flask, client: FlaskClient) -> None:
    event = {"id": "evt_1", "type": "invoice.paid", "created": 1, "data": {"object": {}}}
    answer = post(client, event)
    assert (answer.status_code, answer.json["outcome"]) == (200, "ignored")
    assert stored(app) == []


@pytest.mark.parametrize("age", [240, -299])
def test_a_timestamp_within_five_minutes_either_way_is_accepted(
    client: FlaskClient, age: int
) -> None:
    assert post(client, subscription("created"), age=age).status_code == 200


@pytest.mark.parametrize("age", [310, -360])
def test_a_timestamp_off_by_more_is_refused_either_way(
    app: Flask, client: FlaskClient, age: int
) -> None:
    answer = post(client, subscription("created"), age=age)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_signature")
    assert stored(app) == []


@pytest.mark.parametrize("header", ["", "t=1", "nonsense", "t=x,v1=y", "t=1,v1=\u00e4"])
def test_a_broken_signature_is_refused(client: FlaskClient, header: str) -> None:
    headers = {"Stripe-Signature": header.encode("latin-1").decode("latin-1")}
    answer = client.post(PATH, data="{}", headers=headers)
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_signature")


def test_each_tenant_has_a_secret_of_its_own(app: Flask, client: FlaskClient) -> None:
    make_tenant(app, "blue")
    assert post(client, subscription("created"), secret="whsec_other").status_code == 400
    for path in ("/api/webhooks/stripe/blue", "/api/webhooks/stripe/nobody"):
        assert post(client, subscription("created"), path=path).status_code == 400
    assert stored(app) == []


def test_a_signed_body_that_is_no_event_is_taken_and_stores_nothing(
    app: Flask, client: FlaskClient
) -> None:
    no_events = ["[]", "{}", "not json", '{"type": "customer.subscription.created", "data": 1}']
    no_times = [subscription("created") | {"created": at} for at in (1e30, "soon", None)]
    for body in [*no_events, *no_times]:
        answer = post(client, body)
        assert (answer.status_code, answer.json["outcome"]) == (200, "refused")
    assert stored(app) == []


def test_the_command_line_sets_the_secret_from_standard_input(
    app: Flask, client: FlaskClient
) -> None:
    runner = app.test_cli_runner()
    done = runner.invoke(args=["stripe", "set-secret", "acme"], input="whsec_another_one\n")
    assert done.exit_code == 0, done.output
    assert "whsec" not in done.output
    assert post(client, subscription("created")).status_code == 400
    assert post(client, subscription("created"), secret="whsec_another_one").status_code == 200
    unknown = runner.invoke(args=["stripe", "set-secret", "nobody"], input="whsec_another_one\n")
    assert unknown.exit_code == 1


def test_the_secret_is_nowhere_in_the_clear(app: Flask) -> None:
    with app.extensions["database"].read(None) as session:
        sealed = session.execute(text("SELECT sealed FROM tenant_secrets")).scalar_one()
        entries = session.execute(text("SELECT action, detail FROM audit_log")).all()
    assert SECRET not in sealed
    assert not any(SECRET in str(entry) for entry in entries)
    assert any(entry.action == "stripe.set_secret" for entry in entries)
