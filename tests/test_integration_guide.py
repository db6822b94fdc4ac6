"""The integration guide does not rot: its requests are accepted, its functions exist."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import bearer, make_key

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "docs" / "integration.md").read_text()
CURLS = re.findall(r"curl https://tracker\.example\.com(\S+) (.*?)-d '(.*?)'\n```", GUIDE, re.S)
FUNCTIONS = set(re.findall(r"export const (\w+)", (ROOT / "static" / "tracker.mjs").read_text()))


@pytest.fixture
def database_url(sqlite_database: str) -> str:
    return sqlite_database  # what is tested is the guide, not the databases


def test_the_guide_has_a_request_for_each_kind_of_sender() -> None:
    assert len(CURLS) == 4


@pytest.mark.parametrize(("path", "options", "body"), CURLS)
def test_every_curl_of_the_guide_succeeds(app: Flask, path: str, options: str, body: str) -> None:
    headers = bearer(make_key(app, "default", ("write",))) if "TRACKER_KEY" in options else {}
    named = re.search(r'"Content-Type: (.+?)"', options)
    kind = named[1] if named else "application/x-www-form-urlencoded"  # what -d stands for
    answer = app.test_client().post(path, data=body, content_type=kind, headers=headers)
    assert answer.status_code in (200, 202), answer.json
    if path == "/api/events":
        assert answer.json is not None
        assert answer.json["accepted"] == len(json.loads(body).get("events", [body]))


def test_every_function_is_in_the_guide_and_every_call_in_the_guide_exists() -> None:
    called = set(re.findall(r"tracker\??\.(\w+)\(", GUIDE)) - {"track_trip", "log_event", "link"}
    assert called <= FUNCTIONS
    assert {name for name in FUNCTIONS if name in GUIDE} == FUNCTIONS


def test_the_types_name_every_function() -> None:
    types = (ROOT / "static" / "tracker.d.ts").read_text()
    assert set(re.findall(r"export function (\w+)", types)) == FUNCTIONS
