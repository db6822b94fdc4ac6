"""The activity feed of a tenant: paging that stays put, filters, exports, one event's page."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import bearer, make_key, make_tenant, record
from tests.dashboard.conftest import asked
from tests.dashboard.reading import answer_of
from tests.ingest.sending import CLICK, event_of
from tracker.catalog import CATALOG
from tracker.dashboard.words import in_words
from tracker.metrics.scope import MAX_ROWS
from tracker.model import AuditEntry
from tracker.store.settings import change_settings

FEED = "/business/acme/activity.json"


@pytest.fixture(autouse=True)
def acme(app: Flask) -> None:
    make_tenant(app, "acme")


def log(app: Flask, name: str, payload: dict[str, Any] | None = None, **more: Any) -> str:
    """Records one event; returns its id."""
    event_id = str(uuid4())
    event = event_of(name, event_id=event_id, **more)
    record(app, event | ({"payload": payload} if payload else {}), tenant="acme")
    return event_id


def ids(client: FlaskClient, query: str = "", path: str = FEED) -> list[str]:
    return [row["id"] for row in client.get(f"{path}?{query}").json["rows"]]


def quota(kind: str) -> dict[str, Any]:
    return {"quotaType": kind, "limit": 1, "attempted": 2}


def test_the_newest_received_comes_first_and_further_rows_stay_put(
    app: Flask, operator: FlaskClient
) -> None:
    sent = [log(app, "quota_exceeded") for _ in range(5)]
    first = ids(operator, "limit=2")
    assert first == [sent[4], sent[3]]
    log(app, "quota_exceeded")  # comes in while someone reads
    second = ids(operator, f"limit=2&starting_after={first[-1]}")
    assert second == [sent[2], sent[1]]
    assert ids(operator, f"limit=2&starting_after={second[-1]}") == [sent[0]]


def test_the_page_leads_to_further_rows_by_a_cursor(app: Flask, operator: FlaskClient) -> None:
    sent = [log(app, "quota_exceeded") for _ in range(20)]
    page = operator.get("/feed/acme").text
    assert f"activity.starting_after={sent[5]}" in page
    further = operator.get(f"/feed/acme?activity.starting_after={sent[5]}").text
    assert sent[4] in further
    assert sent[5] not in further.split("<tbody>")[1]


def test_a_cursor_that_is_none_is_refused(operator: FlaskClient) -> None:
    answer = operator.get(f"{FEED}?starting_after={uuid4()}")
    assert answer.status_code == 400
    assert answer.json["error"]["fields"][0]["path"] == "starting_after"
    assert operator.get("/feed/acme?activity.starting_after=x").status_code == 400


def test_lines_of_a_faulty_filter_are_refused(operator: FlaskClient) -> None:
    answer = operator.get("/feed/acme/activity.ndjson?q=a%00b")
    assert answer.status_code == 400
    assert answer.json["error"]["fields"][0]["path"] == "q"


def test_it_is_filtered_by_type_and_by_text_in_the_payload(
    app: Flask, operator: FlaskClient
) -> None:
    seats = log(app, "quota_exceeded", quota("Seats"))
    percent = log(app, "quota_exceeded", quota("100% of seats"))
    ingest = log(app, "ingest_started")
    assert ids(operator, "type=ingest_started") == [ingest]
    assert ids(operator, "type=quota_*") == [percent, seats]
    assert ids(operator, "q=SEATS") == [percent, seats]
    assert ids(operator, "q=100%25 of") == [percent]  # no wildcard
    assert ids(operator, "q=seats&type=ingest_started") == []


@pytest.mark.parametrize("text", ["ÄRZTE", "ärzte", 'im "Café"', "CAFÉ", "C:\\Öl", '"attempted"'])
def test_text_in_the_payload_is_found_in_every_language_and_with_quotes(
    app: Flask, operator: FlaskClient, text: str
) -> None:
    found = log(app, "quota_exceeded", quota('ÄRZTE im "Café" C:\\Öl'))
    log(app, "ingest_started")
    assert ids(operator, f"q={quote(text)}") == [found]


def test_it_holds_what_occurred_in_the_period(app: Flask, operator: FlaskClient) -> None:
    old = log(app, "quota_exceeded", occurred_at="2026-11-01T12:00:00Z")
    today = datetime.now(UTC).date()
    new = log(app, "quota_exceeded")
    assert ids(operator, f"from={today}&to={today}") == [new]
    assert ids(operator, "from=2026-11-01&to=2026-11-01") == [old]


def test_the_exports_have_the_same_events_and_are_audited(
    app: Flask, operator: FlaskClient
) -> None:
    event_id = log(app, "quota_exceeded")
    log(app, "ingest_started")
    lines = operator.get("/feed/acme/activity.ndjson?type=quota_exceeded")
    (line,) = [json.loads(text) for text in lines.text.splitlines()]
    api = app.test_client().get(
        "/api/events?type=quota_*", headers=bearer(make_key(app, "acme", ("read",)))
    )
    assert line == api.json["data"][0]
    table = operator.get("/feed/acme/activity.csv?type=quota_exceeded").text
    assert table.splitlines()[0].startswith("received_at,occurred_at,event_type,")
    assert event_id in table
    with app.extensions["database"].read(None) as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "panel.export"))
        found = [(one.tenant_id, one.detail["rows"]) for one in entries]
    assert found == [("acme", 1), ("acme", 1)]


def test_the_link_to_the_export_says_how_much_it_has_at_most(
    app: Flask, operator: FlaskClient
) -> None:
    log(app, "quota_exceeded")
    page = operator.get("/feed/acme").text
    assert f">the newest {MAX_ROWS:,} of these at most, as NDJSON</a>. For more choose" in page


def test_a_program_exports_lines_with_its_key(app: Flask, client: FlaskClient) -> None:
    event_id = log(app, "quota_exceeded")
    lines = "/feed/acme/activity.ndjson"
    answer = client.get(lines, headers=bearer(make_key(app, "acme", ("read",))))
    assert json.loads(answer.text)["id"] == event_id
    make_tenant(app, "blue")
    foreign = client.get(lines, headers=bearer(make_key(app, "blue", ("read",))))
    assert (foreign.status_code, foreign.json["error"]["code"]) == (403, "forbidden")
    assert client.get(lines).json["error"]["code"] == "login_required"


def test_an_event_s_page_shows_its_neighbours(app: Flask, operator: FlaskClient) -> None:
    start = {"sessionId": "s1", "conversationId": "c1"}
    first = log(app, "conversation_started", start, request_id="r1")
    handed = log(app, "escalation_triggered", {"conversationId": "c1", "reason": "billing"})
    same = log(app, "quota_exceeded", request_id="r1")
    log(app, "conversation_started", start | {"conversationId": "c2"})
    make_tenant(app, "blue")
    record(app, event_of("quota_exceeded", request_id="r1"), tenant="blue")
    page = operator.get(f"/events/{first}?tenant=acme")
    assert page.status_code == 200
    assert "&#34;conversationId&#34;: &#34;c1&#34;" in page.text
    assert page.text.count('class="entry-words" aria-current="true"') == 2  # under both titles
    assert f'href="/events/{handed}' in page.text
    assert ">Activity</a> Event</h1>" in page.text
    path = f"/events/{first}"
    assert ids(operator, "tenant=acme", f"{path}/same-conversation.json") == [first, handed]
    assert sorted(ids(operator, "tenant=acme", f"{path}/same-request.json")) == sorted(
        [first, same]
    )
    assert operator.get(f"/events/{uuid4()}?tenant=acme").status_code == 404
    assert operator.get("/events/nothing?tenant=acme").status_code == 404


def test_an_event_s_sentence_repeats_braces_as_they_came(app: Flask, operator: FlaskClient) -> None:
    asked_for = {"sourceType": "website", "url": "https://example.com/{{id}}/{page}?q={}"}
    event = log(app, "ingest_started", asked_for)
    said = answer_of(operator.get(f"/events/{event}?tenant=acme").text)
    assert said == "Began to read https://example.com/{{id}}/{page}?q={}."


def test_the_neighbours_of_an_event_are_those_around_it(app: Flask, operator: FlaskClient) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    sent = [str(uuid4()) for _ in range(110)]
    wrote = {"payload": {"conversationId": "c1", "role": "user"}}
    lines = [
        event_of("message_sent", event_id=one, occurred_at=(at + timedelta(seconds=n)).isoformat())
        for n, one in enumerate(sent)
    ]
    record(app, *(line | wrote for line in lines), tenant="acme")
    path = f"/events/{sent[55]}/same-conversation.json"
    assert ids(operator, "tenant=acme", path) == sent[6:106]


def test_a_page_of_the_feed_asks_few_questions(app: Flask, operator: FlaskClient) -> None:
    for _ in range(3):
        log(app, "quota_exceeded")
    with asked(app) as said:
        operator.get(FEED)
    assert len([one for one in said if "FROM events" in one]) == 1


def test_the_sentence_tells_how_much_there_is_and_most_of_what(
    app: Flask, operator: FlaskClient
) -> None:
    assert "Nothing was reported in this period." in operator.get("/feed/acme").text
    log(app, "quota_exceeded")
    page = operator.get("/feed/acme").text
    assert "One event</a> was reported, of the type quota_exceeded." in page
    log(app, "ingest_started")
    page = operator.get("/feed/acme").text
    assert "2 events</a> of 2 types were reported.</p>" in page  # neither is most of them
    log(app, "quota_exceeded")
    page = operator.get("/feed/acme").text
    assert "3 events</a> of 2 types were reported; most of them, 2, are quota_exceeded." in page
    for name in ("ingest_failed", "plan_updated"):
        log(app, name)
    page = operator.get("/feed/acme").text
    assert "of 4 types were reported; the most of one type, 2, are quota_exceeded." in page


@pytest.mark.parametrize(
    ("event_type", "payload", "words"),
    [
        ("filter_change", {"filter": "rate", "value": [20, 60]}, "Set rate to 20 to 60"),
        (
            "filter_change",
            {"filter": "tags", "value": ["family", "hiking"]},
            "Set tags to family, hiking",
        ),
        ("filter_change", {"filter": "city", "value": "[Porto]"}, "Set city to [Porto]"),
        (
            "message_sent",
            {"role": "assistant", "conversationId": "c1", "confidence": 0.84},
            "The assistant answered in conversation c1, 84\u202f% sure",
        ),
        ("ingest_completed", {"docs": 1, "url": "a.example"}, "Read 1 document of a.example"),
        ("ingest_completed", {"docs": 20, "url": "a.example"}, "Read 20 documents of a.example"),
    ],
)
def test_values_and_counts_in_an_event_s_words_read_as_on_other_pages(
    event_type: str, payload: dict[str, Any], words: str
) -> None:
    assert in_words(event_type, payload) == words


@pytest.mark.parametrize("name", CATALOG)
def test_every_event_type_has_words_made_from_its_payload(name: str) -> None:
    said = in_words(name, CATALOG[name].example)
    assert said
    assert "None" not in said
    assert name not in said


def test_the_activity_page_is_narrowed_to_a_type_that_a_tenant_made_up(
    app: Flask, operator: FlaskClient
) -> None:
    with app.extensions["database"].write() as connection:
        change_settings(connection, "default", "test", {"custom_events": True})
    record(app, CLICK, {"event_type": "tour_booked", "payload": {"seats": 2}})
    page = operator.get("/activity?type=custom:tour_booked")
    assert '<option value="custom:tour_booked" selected>' in page.text
    found = operator.get("/activity/events.json?type=custom:tour_booked").json
    assert [row["event_type"] for row in found["rows"]] == ["custom:tour_booked"]
