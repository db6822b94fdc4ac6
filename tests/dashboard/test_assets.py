"""Style, scripts and the vendored bundle: how they travel and what they weigh."""

import gzip
import hashlib
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tracker.config import ROOT
from tracker.dashboard.assets import PLOTLY
from tracker.dashboard.pages import PAGES

GZIP = {"Accept-Encoding": "gzip"}
KB = 1000


def assets_of(text: str) -> set[str]:
    return set(re.findall(r'"(/assets/[^"]+)"', text))


def weight(client: FlaskClient, path: str) -> int:
    """Bytes on the wire."""
    return len(client.get(path, headers=GZIP).data)


@pytest.mark.parametrize("page", [page for page in PAGES if not page.subject], ids=lambda p: p.slug)
def test_a_page_is_light(operator: FlaskClient, page: object) -> None:
    path = f"/{page.slug}"  # type: ignore[attr-defined]
    assets = assets_of(operator.get(path).text)
    plotly = {name for name in assets if "plotly" in name}
    light = weight(operator, path) + sum(weight(operator, name) for name in assets - plotly)
    assert light <= 60 * KB
    assert light + sum(weight(operator, name) for name in plotly) <= 500 * KB


def test_an_asset_is_kept_for_good_under_its_hash(operator: FlaskClient) -> None:
    for path in assets_of(operator.get("/overview").text):
        answer = operator.get(path)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        digest = hashlib.sha256(answer.data).hexdigest()
        assert path.endswith(f"?v={digest[:12]}")
        assert gzip.decompress(operator.get(path, headers=GZIP).data) == answer.data
        unnamed = operator.get(path.partition("?")[0])
        assert unnamed.headers["Cache-Control"] == "no-cache"


def test_an_unknown_asset_is_not_found(client: FlaskClient) -> None:
    assert client.get("/assets/secret_key").status_code == 404


def test_the_vendored_bundle_is_the_registrys(app: Flask) -> None:
    body = PLOTLY.read_bytes()
    version = (PLOTLY.parent / "VERSION").read_text()
    assert hashlib.sha256(body).hexdigest() in version
    assert gzip.decompress(PLOTLY.with_suffix(".js.gz").read_bytes()) == body
    assert (PLOTLY.parent / "LICENSE").read_text().startswith("MIT License")
    assert f"v{version.split()[1]}".encode() in body[:200]


def test_nothing_but_the_tokens_names_a_colour() -> None:
    for sheet in (ROOT / "static" / "css").glob("*.css"):
        if sheet.name == "tokens.css":
            continue
        named = re.findall(r"#[0-9a-f]{3,8}\b", sheet.read_text())
        assert set(named) <= {"#fff"}, sheet.name  # paper in print is white
