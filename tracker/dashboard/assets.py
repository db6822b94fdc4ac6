"""Style and scripts: one file per part in static/, served as one of each, cached for good.

The address carries a hash of the content, so a browser never asks twice for the same and
never keeps an old one.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, request, url_for

from tracker.config import ROOT
from tracker.dashboard.security import accepts_gzip

STATIC = ROOT / "static"
PLOTLY = STATIC / "vendor" / "plotly" / "plotly-basic.min.js"
_FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def register(blueprint: Blueprint) -> None:
    blueprint.get("/assets/<name>")(asset)
    blueprint.app_template_global("asset_url")(asset_url)


def asset(name: str) -> Response:
    """`app.css`, `app.js`, `plotly.js` or `icon.svg`, compressed where the client takes it."""
    if name not in _SOURCES:
        abort(404)
    body, compressed, digest = _content(name, _stamp(name))
    use_gzip = accepts_gzip()
    response = Response(compressed if use_gzip else body, mimetype=_TYPES[Path(name).suffix])
    if use_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    current = request.args.get("v") == digest
    response.headers["Cache-Control"] = _FOREVER if current else "no-cache"
    return response


def asset_url(name: str) -> str:
    """The address of an asset as it is now."""
    digest = _content(name, _stamp(name))[2]
    return url_for("dashboard.asset", name=name, v=digest)


def _styles() -> list[Path]:
    # The tokens and the element defaults first, paper last; the parts between in any order.
    folder = STATIC / "css"
    first, last = [folder / "tokens.css", folder / "base.css"], [folder / "print.css"]
    return first + sorted(set(folder.glob("*.css")) - {*first, *last}) + last


def _scripts() -> list[Path]:
    return sorted((STATIC / "js").glob("*.js"))


def _plotly() -> list[Path]:
    return [PLOTLY]


def _icon() -> list[Path]:
    return [STATIC / "icon.svg"]


_SOURCES = {
    "app.css": _styles,
    "app.js": _scripts,
    "plotly.js": _plotly,
    "icon.svg": _icon,
}


def _stamp(name: str) -> float:
    """Changes when a file does, in development; a deployment's files never change."""
    if not current_app.extensions["settings"].development:
        return 0
    return max((path.stat().st_mtime for path in _SOURCES[name]()), default=0)


@cache
def _content(name: str, _stamp: float) -> tuple[bytes, bytes, str]:
    """The asset's bytes, the same compressed, and their hash."""
    body = b"\n".join(path.read_bytes() for path in _SOURCES[name]())
    ready = PLOTLY.with_suffix(".js.gz")
    compressed = ready.read_bytes() if name == "plotly.js" else gzip.compress(body, mtime=0)
    return body, compressed, hashlib.sha256(body).hexdigest()[:12]
