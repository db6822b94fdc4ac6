"""The Python client, against a scripted HTTP server: what it sends, retries and gives up."""

import gzip
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.faults.service import free_port
from tracker.catalog.calendar import Calendar
from tracker.catalog.parsing import Terms, parse

CLIENT = Path(__file__).parents[2] / "clients" / "python"
sys.path.insert(0, str(CLIENT))

from tracker_client import Tracker, Trip  # noqa: E402

SESSION = "5f0c1d7e-6d0a-4f6e-9a38-0d6b7d1e2c11"
ACCEPTED = (202, {}, {"accepted": 1, "duplicates": 0, "sampled": 0, "rejected": []})


class Service(ThreadingHTTPServer):
    """Answers from `script` in turn, then 202 to everything; keeps the requests."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.script: list[tuple[int, dict[str, str], dict[str, Any]]] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.times: list[float] = []
        self.hold = threading.Event()
        self.hold.set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for _, _, body in self.requests for event in body.get("events", [])]

    def stop(self) -> None:
        self.hold.set()
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.times.append(time.monotonic())
        self.server.requests.append((self.path, dict(self.headers), json.loads(body)))
        self.server.hold.wait()
        status, headers, answer = self.server.script.pop(0) if self.server.script else ACCEPTED
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        content = json.dumps(answer).encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.stop()


@pytest.fixture
def client(service: Service) -> Iterator[Tracker]:
    client = Tracker(service.url, "trk_secret", linger=0.01)
    yield client
    service.hold.set()
    client.close()


def run_a_trip_that_raises(
    client: Tracker, error: Exception, first: Callable[[Trip], None]
) -> None:
    with client.track_trip() as trip:
        first(trip)
        raise error


def test_ids_may_be_numbers_and_uuids(service: Service, client: Tracker) -> None:
    with client.track_trip(request_id=81, session_id=UUID(SESSION), user_id=7) as trip:
        trip.succeeded(1)
    client.log_event("quota_exceeded", request_id=UUID(SESSION), session_id="", user_id=0)
    client.link(UUID(SESSION), 7)
    assert client.flush(60)
    attempted, succeeded, quota = service.events
    ids = ("request_id", "session_id", "user_id")
    for event in (attempted, succeeded):
        assert [event[name] for name in ids] == ["81", SESSION, "7"]
    assert [quota.get(name) for name in ids] == [SESSION, None, "0"]
    assert service.requests[-1][2] == {"session_id": SESSION, "user_id": "7"}


def test_a_trip_that_succeeds_reports_attempt_and_outcome(
    service: Service, client: Tracker
) -> None:
    with client.track_trip(
        session_id=SESSION,
        user_id="u-7",
        input_snapshot={"to": "Porto", "travelers": 2},
        effective_defaults={"currency": "EUR"},
        prompt_contract_version="classic_v2",
    ) as trip:
        trip.succeeded("trip_1")
    assert client.flush(60)
    attempted, succeeded = service.events
    assert attempted["event_type"] == "create_trip_attempted"
    assert attempted["payload"] == {
        "input_snapshot": {"to": "Porto", "travelers": 2},
        "effective_defaults": {"currency": "EUR"},
        "prompt_contract_version": "classic_v2",
    }
    assert (attempted["session_id"], attempted["user_id"]) == (SESSION, "u-7")
    assert succeeded["event_type"] == "create_trip_succeeded"
    assert succeeded["payload"]["trip_id"] == "trip_1"
    assert succeeded["payload"]["duration_ms"] >= 0
    assert attempted["request_id"] == succeeded["request_id"] == trip.request_id


def test_the_request_carries_the_key_and_the_time_it_was_sent(
    service: Service, client: Tracker
) -> None:
    client.log_event("integration_succeeded", {"integrationId": "crm", "type": "crm"})
    assert client.flush(60)
    path, headers, body = service.requests[0]
    assert path == "/api/events"
    assert headers["Authorization"] == "Bearer trk_secret"
    assert datetime.fromisoformat(body["sent_at"]).tzinfo is not None


def test_everything_it_sends_is_accepted_by_the_catalog(service: Service, client: Tracker) -> None:
    with client.track_trip(session_id=SESSION, input_snapshot={"to": "Porto"}) as trip:
        trip.succeeded(17)
    with client.track_trip() as trip:
        trip.failed("NO_ROUTE")
    client.log_event("checkout_completed", {"plan": "team", "stripeSessionId": "cs_1"})
    assert client.flush(60)
    now = datetime.now(UTC)
    calendar = Calendar(ZoneInfo("UTC"))
    terms = Terms(now, calendar, timedelta(days=90), "acme", source="server", with_key=True)
    assert len([parse(event, terms) for event in service.events]) == 5


def test_event_ids_are_version_7_and_distinct(service: Service, client: Tracker) -> None:
    for _ in range(50):
        client.log_event("conversation_started")
    assert client.flush(60)
    ids = {UUID(event["event_id"]) for event in service.events}
    assert len(ids) == 50
    assert {one.version for one in ids} == {7}


def test_an_exception_is_reported_by_its_class_and_goes_on_untouched(
    service: Service, client: Tracker
) -> None:
    error = LookupError("no train")
    with pytest.raises(LookupError) as caught, client.track_trip():
        raise error
    assert caught.value is error
    assert client.flush(60)
    assert service.events[1]["event_type"] == "create_trip_failed"
    assert service.events[1]["payload"]["error_code"] == "LookupError"


def test_a_code_given_before_the_exception_stands(service: Service, client: Tracker) -> None:
    with pytest.raises(LookupError):
        run_a_trip_that_raises(client, LookupError(), lambda trip: trip.failed("NO_ROUTE"))
    assert client.flush(60)
    assert [event["payload"].get("error_code") for event in service.events] == [None, "NO_ROUTE"]


def test_an_exception_after_success_does_not_make_it_a_failure(
    service: Service, client: Tracker
) -> None:
    with pytest.raises(LookupError):
        run_a_trip_that_raises(client, LookupError(), lambda trip: trip.succeeded("trip_1"))
    assert client.flush(60)
    assert [event["event_type"] for event in service.events] == [
        "create_trip_attempted",
        "create_trip_succeeded",
    ]


def test_a_block_without_an_outcome_leaves_the_attempt_pending(
    service: Service, client: Tracker, caplog: pytest.LogCaptureFixture
) -> None:
    with client.track_trip(request_id="r-1"):
        pass
    assert client.flush(60)
    assert [event["event_type"] for event in service.events] == ["create_trip_attempted"]
    assert "r-1 ended without an outcome" in caplog.text


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"at": datetime(2026, 3, 1, tzinfo=UTC)}, "payload.at must be JSON, not datetime"),
        ({"price": [Decimal("9.90")]}, "payload.price.0 must be JSON, not Decimal"),
        ({"ids": {"a": {1, 2}}}, "payload.ids.a must be JSON, not set"),
        ({"n": float("nan")}, "payload.n must be a finite number"),
        ({("a", "b"): 1}, "payload must have strings as keys"),
    ],
)
def test_a_value_that_is_no_json_drops_the_event_and_the_log_names_its_place(
    data: Any, fault: str, service: Service, client: Tracker, caplog: pytest.LogCaptureFixture
) -> None:
    client.log_event("quota_exceeded", data)
    assert client.flush(60)
    assert client.dropped == 1
    assert not service.requests
    assert f"dropped 1 (1 so far): quota_exceeded: {fault}" in caplog.text


def test_mappings_and_tuples_are_json(service: Service, client: Tracker) -> None:
    data = MappingProxyType({"at": (1, None, True), "in": MappingProxyType({"x": 0.5})})
    client.log_event("checkout_completed", data)
    assert client.flush(60)
    assert service.events[0]["payload"] == {"at": [1, None, True], "in": {"x": 0.5}}


def test_a_time_of_ones_own_is_sent_in_utc(service: Service, client: Tracker) -> None:
    moment = datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    client.log_event("conversation_started", occurred_at=moment)
    assert client.flush(60)
    assert service.events[0]["occurred_at"] == "2026-03-01T08:00:00+00:00"


def test_what_the_caller_changes_later_is_not_sent(service: Service, client: Tracker) -> None:
    data = {"plan": "team"}
    client.log_event("checkout_completed", data)
    data["plan"] = "free"
    assert client.flush(60)
    assert service.events[0]["payload"] == {"plan": "team"}


def test_half_a_character_is_sent_as_the_sign_for_one_that_is_lost(
    service: Service, client: Tracker
) -> None:
    data = {"reason": "caf\udce9", "cut": "holiday \ud83c", "\udfd6": "🏖", "spelled": "\\ud83c"}
    client.log_event("escalation_triggered", data)
    assert client.flush(60)
    assert service.events[0]["payload"] == {
        "reason": "caf\ufffd",
        "cut": "holiday \ufffd",
        "\ufffd": "🏖",
        "spelled": "\\ud83c",
    }


def endless() -> dict[str, Any]:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    return circle


class Unspeakable:
    """What some objects of callers are like."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("end", [Trip.succeeded, Trip.failed])
def test_an_outcome_that_has_no_text_is_reported_by_its_class(
    client: Tracker, service: Service, end: Callable[[Trip, object], None]
) -> None:
    with client.track_trip() as trip:
        end(trip, Unspeakable())
    assert client.flush(60)
    assert "Unspeakable" in service.events[1]["payload"].values()


@pytest.mark.parametrize(
    ("data", "more"),
    [
        (endless(), {}),
        ({"x": "y" * 10**6}, {}),
        ({}, {"occurred_at": object()}),
    ],
)
def test_what_cannot_be_sent_is_dropped_in_words_and_never_raised(
    data: Any,
    more: dict[str, Any],
    service: Service,
    client: Tracker,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client.log_event("quota_exceeded", data, **more)
    assert client.flush(60)
    assert client.dropped == 1
    assert not service.requests
    assert "dropped 1" in caplog.text


def test_events_are_sent_in_batches_in_order(service: Service) -> None:
    client = Tracker(service.url, "k", batch_size=10, linger=30)
    for number in range(25):
        client.log_event("message_sent", {"number": number})
    assert client.close(60)
    assert [event["payload"]["number"] for event in service.events] == list(range(25))
    assert [len(body["events"]) for _, _, body in service.requests] == [10, 10, 5]
    assert client.sent == 25


def test_a_request_stays_below_the_limit_in_bytes(service: Service, client: Tracker) -> None:
    service.hold.clear()
    for _ in range(30):
        client.log_event("create_trip_attempted", {"notes": "x" * 40_000})
    service.hold.set()
    assert client.flush(60)
    assert len(service.events) == 30
    assert max(len(json.dumps(body)) for _, _, body in service.requests) < 512 * 1024


def test_a_link_goes_to_its_own_address_after_the_events_before_it(
    service: Service, client: Tracker
) -> None:
    client.log_event("conversation_started")
    client.link(SESSION, "u-7", email="a@example.com")
    client.log_event("message_sent")
    assert client.flush(60)
    assert [path for path, _, _ in service.requests] == [
        "/api/events",
        "/api/sessions/link",
        "/api/events",
    ]
    assert service.requests[1][2] == {
        "session_id": SESSION,
        "user_id": "u-7",
        "email": "a@example.com",
    }


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_passing_failure_is_tried_again_with_the_same_event_ids(
    status: int, service: Service
) -> None:
    client = Tracker(service.url, "k", linger=30)
    service.script = [(status, {}, {"error": {"code": "overloaded", "message": "Later."}})]
    client.log_event("conversation_started")
    client.log_event("message_sent")
    assert client.close(60)
    first, second = (body["events"] for _, _, body in service.requests)
    assert [event["event_id"] for event in first] == [event["event_id"] for event in second]
    assert (client.sent, client.dropped) == (2, 0)


def test_a_passing_failure_whose_answer_breaks_off_is_tried_again(
    service: Service, client: Tracker
) -> None:
    service.script = [(503, {"Content-Length": "100000"}, {})]
    client.log_event("quota_exceeded")
    assert client.flush(60)
    assert (client.sent, client.dropped, len(service.requests)) == (1, 0, 2)


def test_it_waits_as_long_as_retry_after_says(service: Service, client: Tracker) -> None:
    service.script = [(503, {"Retry-After": "2"}, {})]
    client.log_event("conversation_started")
    assert client.flush(60)
    assert service.times[1] - service.times[0] >= 2


def test_retry_after_may_be_a_date(service: Service, client: Tracker) -> None:
    then = datetime.now(UTC) + timedelta(seconds=3)
    service.script = [(429, {"Retry-After": format_datetime(then, usegmt=True)}, {})]
    client.log_event("conversation_started")
    assert client.flush(60)
    assert datetime.now(UTC) >= then.replace(microsecond=0)


@pytest.mark.parametrize("told", ["0", "²", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_pause_that_is_none_grows_as_if_nothing_were_told(told: str, service: Service) -> None:
    client = Tracker(service.url, "k", linger=0.01, give_up_after=1)
    service.script = [(503, {"Retry-After": told}, {})] * 1000
    client.log_event("conversation_started")
    assert client.flush(60)
    assert client.dropped == 1
    assert 2 <= len(service.requests) <= 4
    client.close()


def test_a_service_that_is_away_gets_everything_when_it_is_back() -> None:
    port = free_port()
    client = Tracker(f"http://127.0.0.1:{port}", "k", linger=0.01)
    client.log_event("conversation_started")
    assert not client.flush(0.2)
    service = Service(port)
    try:
        assert client.close(60)
        assert len(service.events) == 1
    finally:
        service.stop()


def test_a_refused_batch_is_not_sent_again_and_the_log_says_why(
    service: Service, client: Tracker, caplog: pytest.LogCaptureFixture
) -> None:
    fault = {"path": "payload.plan", "message": "is required"}
    error = {"code": "invalid_event", "message": "Nothing could be stored.", "fields": [fault]}
    service.script = [(422, {}, {"error": error})]
    client.log_event("checkout_completed")
    assert client.flush(60)
    assert len(service.requests) == 1
    assert client.dropped == 1
    assert "HTTP 422 invalid_event: Nothing could be stored.; payload.plan: is required" in (
        caplog.text
    )


def test_single_refusals_of_an_accepted_batch_are_counted_and_named(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = Tracker(service.url, "k", linger=30)
    verdict = {
        "index": 1,
        "code": "invalid_event",
        "fields": [{"path": "payload.role", "message": "is required"}],
    }
    service.script = [(202, {}, {"accepted": 1, "rejected": [verdict]})]
    client.log_event("conversation_started")
    client.log_event("message_sent")
    assert client.close(60)
    assert (client.sent, client.dropped) == (1, 1)
    assert "message_sent: invalid_event; payload.role: is required" in caplog.text


def test_a_redirect_is_refused_so_that_the_key_stays_here(
    service: Service, client: Tracker
) -> None:
    service.script = [(302, {"Location": "http://127.0.0.1:1/elsewhere"}, {})]
    client.log_event("conversation_started")
    assert client.flush(60)
    assert client.dropped == 1


def test_an_answer_that_is_no_json_is_survived(service: Service, client: Tracker) -> None:
    service.script = [(404, {}, ["a page"])]  # type: ignore[list-item]
    client.log_event("conversation_started")
    assert client.flush(60)
    client.log_event("conversation_started")
    assert client.flush(60)
    assert (client.sent, client.dropped) == (1, 1)


def test_a_full_queue_drops_the_newest_and_says_so_once(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.hold.clear()
    client = Tracker(service.url, "k", queue_size=5, linger=30)
    for _ in range(20):
        client.log_event("message_sent")
    assert client.dropped == 15
    assert caplog.text.count("the queue is full (5)") == 1
    service.hold.set()
    assert client.close(60)
    assert len(service.events) == 5


def test_flush_gives_up_when_its_time_is_over(service: Service, client: Tracker) -> None:
    service.hold.clear()
    client.log_event("conversation_started")
    assert client.flush(0.1) is False
    assert not service.hold.is_set()


def test_a_batch_is_given_up_after_the_time_allowed(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    client = Tracker(service.url, "k", linger=0.01, give_up_after=1)
    service.script = [(503, {"Retry-After": "3600"}, {})]
    client.log_event("conversation_started")
    assert client.flush(60)
    assert client.dropped == 1
    assert "given up: HTTP 503" in caplog.text
    client.close()


def test_closing_drops_what_is_left_and_what_comes_later(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.hold.clear()
    client = Tracker(service.url, "k", batch_size=1, linger=0.01)
    for _ in range(3):
        client.log_event("conversation_started")
    assert client.close(0.1) is False
    client.log_event("conversation_started")
    assert client.dropped >= 2
    assert "not sent within 0.1 s of closing" in caplog.text
    assert "the tracker is closed" in caplog.text


@pytest.mark.parametrize(
    ("url", "key"), [(None, "k"), ("", ""), ("ftp://x", "k"), ("http://x", "")]
)
def test_without_url_or_key_it_says_so_and_stays_quiet(
    url: str | None, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    client = Tracker(url, key)
    with client.track_trip() as trip:
        trip.succeeded("t")
    assert client.flush(0)
    assert client.dropped == 2
    assert "nothing will be sent" in caplog.text


def test_the_key_is_never_logged(
    service: Service, client: Tracker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    service.script = [(401, {}, {"error": {"code": "invalid_key", "message": "No such key."}})]
    client.log_event("conversation_started")
    assert client.flush(60)
    assert "invalid_key" in caplog.text
    assert "trk_secret" not in caplog.text


def run(script: str, url: str, exit_timeout: int = 60) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own, which has to end by itself."""
    environment = os.environ | {"PYTHONPATH": str(CLIENT), "URL": url}
    head = (
        "import os\nfrom tracker_client import Tracker\n"
        f"client = Tracker(os.environ['URL'], 'k', exit_timeout={exit_timeout})\n"
    )
    return subprocess.run(
        [sys.executable, "-c", head + script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )


def test_what_is_left_is_sent_when_the_process_ends(service: Service) -> None:
    run("client.log_event('conversation_started')", service.url)
    assert len(service.events) == 1


def test_a_process_ends_although_the_service_hangs_and_says_what_is_unsure(
    service: Service,
) -> None:
    service.hold.clear()
    ended = run("client.log_event('conversation_started')", service.url, exit_timeout=4)
    assert len(service.requests) == 1
    assert "nobody knows whether 1 arrived" in ended.stderr


def test_a_process_that_ends_says_all_that_it_lost(service: Service) -> None:
    service.script = [(503, {"Retry-After": "60"}, {})] * 5
    ended = run("for _ in range(300): client.log_event('conversation_started')", service.url, 4)
    assert "dropped 200 (200 so far): given up: HTTP 503" in ended.stderr
    assert "dropped 100 (300 so far): not sent within 4 s of closing" in ended.stderr


def test_an_exit_inside_a_trip_is_reported(service: Service) -> None:
    script = "import sys\nwith client.track_trip():\n    sys.exit(0)"
    run(script, service.url)
    assert service.events[1]["payload"]["error_code"] == "SystemExit"


def test_parent_and_child_each_send_their_own_after_a_fork(service: Service) -> None:
    script = """
client._linger = 30
client.log_event("message_sent", {"from": "before"})
child = os.fork()
client.log_event("message_sent", {"from": "parent" if child else "child"})
assert client.flush(20)
if child:
    assert os.waitpid(child, 0)[1] == 0
else:
    os._exit(0)
"""
    run(script, service.url)
    assert sorted(event["payload"]["from"] for event in service.events) == [
        "before",
        "child",
        "parent",
    ]
