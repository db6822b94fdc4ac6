"""Bodies: media types, gzip, sizes, and what only somebody hostile sends. Never a 5xx."""

import gzip
import io
import json
import zlib
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize
from sqlalchemy import select

from tests.conftest import bearer
from tests.ingest.sending import CLICK, ONE_ACCEPTED, click, event_of, query, stored
from tracker.catalog import CATALOG
from tracker.model import Event

PLAIN = json.dumps(CLICK).encode()
LIMIT = 512 * 1024


def post(client: FlaskClient, body: bytes, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/api/events", data=body, headers=named)


def error_code(answer: Any) -> str:
    error = answer.json["error"]
    assert error["message"].endswith(".")
    assert isinstance(error["fields"], list)
    return str(error["code"])


def test_what_sendbeacon_sends_is_accepted(client: FlaskClient) -> None:
    answer = post(client, PLAIN, Content_Type="text/plain;charset=UTF-8")
    assert answer.json == ONE_ACCEPTED


def test_a_gzipped_batch_is_accepted(app: Flask, client: FlaskClient) -> None:
    body = gzip.compress(json.dumps({"events": [CLICK] * 20}).encode())
    answer = post(client, body, Content_Encoding="gzip", Content_Type="application/json")
    assert answer.json["accepted"] == 20
    assert stored(app) == 20


class BrokenChunks(io.BytesIO):
    """What gunicorn makes of a body whose chunks are broken."""

    def readinto(self, _buffer: Any) -> int:
        raise InvalidChunkSize(b"zz")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (io.BytesIO(PLAIN), 202, ""),
        (io.BytesIO(PLAIN.ljust(LIMIT)), 202, ""),
        (io.BytesIO(PLAIN.ljust(LIMIT + 1)), 413, "too_large"),
        (io.BytesIO(PLAIN.ljust(LIMIT * 3)), 413, "too_large"),
        (BrokenChunks(), 400, "invalid_json"),
    ],
    ids=["whole", "as long as may be", "longer", "much longer", "broken"],
)
def test_a_body_in_chunks_is_held_to_the_same_rules(
    client: FlaskClient, body: io.BytesIO, status: int, code: str
) -> None:
    body.seek(0)
    chunked = {"wsgi.input_terminated": True}
    answer = client.post("/api/events", input_stream=body, environ_overrides=chunked)
    assert answer.status_code == status
    assert not code or error_code(answer) == code


def test_hostile_text_is_stored_as_it_is_on_both_databases(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    for text in (
        "'; DROP TABLE events; --",
        "\u202e\ufeff\U0001f9ff",
        "\ud7ff\uffff",
        "%s {0} {x}",
    ):
        answer = client.post("/api/events", json=query(query_text=text, note={text: [text]}))
        assert answer.status_code == 202, text
    failed = {"error_code": "'; --", "duration_ms": 10**12}
    sent = event_of("create_trip_failed", payload=failed, request_id="'; --\U0001f9ff")
    assert client.post("/api/events", json=sent, headers=bearer(write_key)).status_code == 202
    assert stored(app) == 5


def test_half_a_character_costs_its_own_event_alone(app: Flask, client: FlaskClient) -> None:
    notes = {"cut": "holiday \ud83c", "whole": "holiday 🏖", "spelled": "\\ud83c \\\\ud83c\n"}
    batch = [click(note=note) for note in (notes["whole"], notes["cut"], notes["spelled"])]
    answer = client.post("/api/events", data=json.dumps({"events": batch}))
    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    (refused,) = answer.json["rejected"]
    assert refused["index"] == 1
    assert refused["fields"] == [
        {"path": "payload.note", "message": "must not contain NUL or a lone surrogate"}
    ]
    with app.extensions["database"].read(None) as session:
        kept = session.execute(select(Event.payload)).scalars()
        assert {payload["note"] for payload in kept} == {notes["whole"], notes["spelled"]}


class TestWithOneDatabase:
    """Bodies that are refused before any database sees them."""

    @pytest.fixture
    def database_url(self, sqlite_database: str) -> str:
        return sqlite_database

    @pytest.mark.parametrize("media_type", ["", "text/plain", "application/json; charset=utf-8"])
    def test_json_text_and_nothing_are_accepted_as_media_types(
        self, client: FlaskClient, media_type: str
    ) -> None:
        assert post(client, PLAIN, Content_Type=media_type).status_code == 202

    @pytest.mark.parametrize(
        "media_type", ["application/x-www-form-urlencoded", "multipart/form-data", "text/html", "x"]
    )
    def test_any_other_media_type_is_415(self, client: FlaskClient, media_type: str) -> None:
        answer = post(client, PLAIN, Content_Type=media_type)
        assert answer.status_code == 415
        assert error_code(answer) == "unsupported_media_type"

    def test_any_other_encoding_is_415(self, client: FlaskClient) -> None:
        answer = post(client, PLAIN, Content_Encoding="br")
        assert answer.status_code == 415
        assert error_code(answer) == "unsupported_media_type"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"{'a': 1}",
            PLAIN + PLAIN,
            b'{"event_type": "card_click", "payload": {"position": NaN}}',
            b'{"event_type": "card_click", "payload": {"position": Infinity}}',
            b'{"event_type": "card_click", "payload": {"position": 1e999}}',
            b'{"event_type": "\xed\xa0\x80"}',
            b'{"event_type": "\\ud8x0"}',
            b'{"event_type": "\\Ud800"}',
            b'{"event_type": "\\ud800", "payload": {"position": NaN}}',
            b'["\\ud800",' + b"[" * 100_000 + b"]" * 100_001,
            b"[" * 100_000 + b"]" * 100_000,
            b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        ],
        ids=lambda body: body[:24].decode("latin-1") or "nothing",
    )
    def test_what_is_not_json_is_400(self, client: FlaskClient, body: bytes) -> None:
        answer = post(client, body, Content_Type="application/json")
        assert answer.status_code == 400
        assert error_code(answer) == "invalid_json"

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            PLAIN,
            b"\x1f\x8b",
            gzip.compress(PLAIN)[:-9],
            gzip.compress(PLAIN) + b"more",
            gzip.compress(PLAIN) + gzip.compress(PLAIN),
            gzip.compress(PLAIN)[:-8] + b"\0" * 8,
            zlib.compress(PLAIN),
            gzip.compress(PLAIN[:-1]),
        ],
        ids=["empty", "plain", "head", "cut", "trailing", "twice", "checksum", "zlib", "json"],
    )
    def test_broken_gzip_is_400(self, client: FlaskClient, body: bytes) -> None:
        answer = post(client, body, Content_Encoding="gzip")
        assert answer.status_code == 400
        assert error_code(answer) == "invalid_json"

    def test_a_body_up_to_the_limit_is_read_and_beyond_it_refused(
        self, client: FlaskClient
    ) -> None:
        assert post(client, PLAIN.ljust(LIMIT)).status_code == 202
        answer = post(client, PLAIN.ljust(LIMIT + 1))
        assert answer.status_code == 413
        assert error_code(answer) == "too_large"

    def test_the_limit_holds_for_the_inflated_body(self, client: FlaskClient) -> None:
        fits = gzip.compress(PLAIN.ljust(LIMIT))
        assert post(client, fits, Content_Encoding="gzip").status_code == 202
        answer = post(client, gzip.compress(PLAIN.ljust(LIMIT + 1)), Content_Encoding="gzip")
        assert answer.status_code == 413
        assert error_code(answer) == "too_large"

    def test_a_compressed_bomb_is_413_without_being_inflated(self, client: FlaskClient) -> None:
        bomb = gzip.compress(b"[" * 200_000_000, compresslevel=1)[: LIMIT - 1]
        answer = post(client, bomb, Content_Encoding="gzip")
        assert answer.status_code == 413

    def test_a_payload_nested_beyond_reason_is_refused(self, client: FlaskClient) -> None:
        for depth, status in ((25, 202), (40, 422), (500, 422), (1000, 422)):
            body = json.dumps(click(filters={"deep": None}))
            body = body.replace("null", "[" * depth + "]" * depth)
            assert post(client, body.encode()).status_code == status, depth

    def test_nul_characters_are_refused_wherever_they_are(self, client: FlaskClient) -> None:
        for sent in (click(note="a\0b"), click(note=["a\0b"]), click(note={"a\0b": 1})):
            answer = client.post("/api/events", json=sent)
            assert answer.status_code == 422, sent
            assert "NUL" in answer.json["error"]["fields"][0]["message"]
        for name in ("email", "request_id", "session_id", "event_id", "a\0b"):
            answer = client.post("/api/events", json=CLICK | {name: "a\0b"})
            assert answer.status_code == 422, name

    @pytest.mark.parametrize("half", [chr(0xD83C), chr(0xDFD6), "\udfd6\ud83c", "\ud83c🏖"])
    def test_half_a_character_is_refused_wherever_it_is(
        self, client: FlaskClient, half: str
    ) -> None:
        inside = [click(note=half), click(note=[half]), click(note={half: 1})]
        names = ("event_type", "event_id", "session_id", "occurred_at", "email", "request_id")
        around = [CLICK | {name: half} for name in (*names, half)]
        link = {"session_id": CLICK["session_id"], "email": half}
        for body in [*inside, *around, {"events": [CLICK], half: 1}]:
            answer = client.post("/api/events", data=json.dumps(body))
            assert answer.status_code == 422, body
        assert client.post("/api/sessions/link", data=json.dumps(link)).status_code == 422

    @pytest.mark.parametrize("key", ["{x}", "{}", "{0}", "%s", "bool", "[x]", "events", "x" * 5000])
    def test_the_names_of_keys_can_do_no_harm(
        self, client: FlaskClient, write_key: str, key: str
    ) -> None:
        flat = event_of("create_trip__cta--generate", payload={key: {}})
        assert client.post("/api/events", json=flat).status_code == 422
        unknown = event_of("quota_exceeded", payload=CATALOG["quota_exceeded"].example | {key: 1})
        answer = client.post("/api/events", json=unknown, headers=bearer(write_key))
        assert answer.status_code == 422
        assert client.post("/api/events", json=CLICK | {key: 1}).status_code == 422


HARMFUL = [10**30, -(10**30), 2**31, 2**63, -1, 0.5, 1e308, -0.0, "", "x" * 7000, "7", True]
HARMFUL += [None, [], {}, [[]], [None], [""], ["x" * 300], [{"a": 1}], [1] * 201, {"": {"": []}}]


ENVELOPE = ("session_id", "event_id", "occurred_at", "email", "user_id", "request_id")


def with_every_harm(name: str) -> list[dict[str, Any]]:
    """Events of a type, each with one of its fields replaced by something harmful."""
    example = event_of(name)
    payload = example["payload"]
    fields = list(CATALOG[name].model_fields) or list(payload)
    return [
        *(example | {"payload": payload | {field: harm}} for harm in HARMFUL for field in fields),
        *(example | {field: harm} for harm in HARMFUL for field in ENVELOPE),
    ]


def test_no_value_in_any_field_breaks_the_service(
    app: Flask, client: FlaskClient, write_key: str
) -> None:
    accepted = 0
    for name in CATALOG:
        events = with_every_harm(name)
        for start in range(0, len(events), 100):
            body = json.dumps({"events": events[start : start + 100]}).encode()
            answer = client.post("/api/events", data=body, headers=bearer(write_key))
            assert answer.status_code in (202, 422), (name, answer.json)
            accepted += answer.json["accepted"]
    assert accepted
    assert stored(app) == accepted


def long_keys_around(value: Any) -> Any:
    for _ in range(30):
        value = {"k" * 100: value}
    return value


@pytest.mark.parametrize(
    "event",
    [
        CLICK | {"payload": long_keys_around(["\0"] * 50_000)},
        CLICK | {f"unknown{n}": 1 for n in range(20_000)},
        {"events": [CLICK], **{f"unknown{n}": 1 for n in range(20_000)}},
    ],
    ids=["NULs in deep", "unknown fields", "unknown fields of a batch"],
)
def test_an_answer_is_never_many_times_as_long_as_what_was_sent(
    client: FlaskClient, event: dict[str, Any]
) -> None:
    answer = post(client, gzip.compress(json.dumps(event).encode()), Content_Encoding="gzip")
    assert answer.status_code == 422
    assert len(answer.json["error"]["fields"]) == 100
    assert len(answer.data) < 100_000
