"""Which pages may send, and read the answer."""

import pytest
from flask.testing import FlaskClient

from tests.ingest.sending import CLICK, click

SHOP = "https://shop.example"


@pytest.fixture
def database_url(sqlite_database: str) -> str:
    return sqlite_database


@pytest.fixture
def environment() -> dict[str, str]:
    return {"TRACKER_ALLOWED_ORIGINS": f"{SHOP}, https://other.example/"}


@pytest.mark.parametrize("path", ["/api/events", "/api/sessions/link"])
def test_a_preflight_allows_what_the_contract_needs(client: FlaskClient, path: str) -> None:
    answer = client.options(path, headers={"Origin": SHOP})
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    for header in ("Content-Type", "Content-Encoding", "Authorization"):
        assert header in answer.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_allowed_origin_may_read_answers_and_errors(client: FlaskClient) -> None:
    for body, status in ((CLICK, 202), (click(context="x"), 422)):
        answer = client.post("/api/events", json=body, headers={"Origin": SHOP})
        assert answer.status_code == status
        assert answer.headers["Access-Control-Allow-Origin"] == SHOP
        assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After"
        assert "Origin" in answer.headers["Vary"]
    answer = client.post("/api/events", data=b"{", headers={"Origin": SHOP})
    assert answer.status_code == 400
    assert answer.headers["Access-Control-Allow-Origin"] == SHOP


def test_a_trailing_slash_in_the_setting_does_no_harm(client: FlaskClient) -> None:
    origin = {"Origin": "https://other.example"}
    assert client.post("/api/events", json=CLICK, headers=origin).status_code == 202


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://shop.example", "https://shop.example.evil", "null", ""],
)
def test_any_other_origin_is_refused(client: FlaskClient, origin: str) -> None:
    answer = client.post("/api/events", json=CLICK, headers={"Origin": origin})
    assert answer.status_code == 403
    assert answer.json["error"]["code"] == "origin_not_allowed"
    assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = client.options("/api/events", headers={"Origin": origin})
    assert "Access-Control-Allow-Origin" not in preflight.headers


def test_no_origin_and_the_service_s_own_are_accepted(client: FlaskClient) -> None:
    assert client.post("/api/events", json=CLICK).status_code == 202
    own = {"Origin": "http://localhost"}
    assert client.post("/api/events", json=CLICK, headers=own).status_code == 202


def test_no_cookie_is_set(client: FlaskClient) -> None:
    answer = client.post("/api/events", json=CLICK, headers={"Origin": SHOP})
    assert "Set-Cookie" not in answer.headers


class TestWithEveryOrigin:
    @pytest.fixture
    def environment(self) -> dict[str, str]:
        return {"TRACKER_ALLOWED_ORIGINS": "*"}

    def test_a_star_allows_any_page(self, client: FlaskClient) -> None:
        origin = {"Origin": "https://anything.example"}
        answer = client.post("/api/events", json=CLICK, headers=origin)
        assert answer.status_code == 202
        assert answer.headers["Access-Control-Allow-Origin"] == "https://anything.example"
