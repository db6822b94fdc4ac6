"""What browsers are told about our pages, how pages travel, and whose forms are believed."""

import gzip

from flask import Flask, Response, abort, current_app, request

from tracker.extensions import csrf

_NO_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""The hash of an empty style element: Plotly adds one and fills it through the CSSOM."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {_NO_STYLE}",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_A_YEAR = 365 * 24 * 3600
_COMPRESSED = ("text/html", "text/csv", "application/json")
_WORTH_COMPRESSING = 1000


def register(app: Flask) -> None:
    # A login form may stand open for a day; the token ends with the session.
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_CHECK_DEFAULT=False)
    app.before_request(_refuse_nul)
    app.before_request(_protect)
    app.after_request(_finish)


def _refuse_nul() -> None:
    """Nothing has an address with a NUL in it, which PostgreSQL can't even be asked for."""
    if "\0" in request.path:
        abort(404)


def _protect() -> None:
    """Every form needs its token. The API reads no cookie, so nobody's can be misused there."""
    if not request.path.startswith("/api/"):
        csrf.protect()


def _finish(response: Response) -> Response:
    # what the API says is finished by the ingest blueprint, and must cost nothing more
    return response if request.path.startswith("/api/") else _harden(_compress(response))


def _harden(response: Response) -> Response:
    """Headers of every page, also of error pages; a page may have set its own."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if response.mimetype == "text/html":
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
    if response.mimetype == "text/html" or request.blueprint == "dashboard":
        response.headers.setdefault("Cache-Control", "no-store")
    if request.is_secure and not current_app.extensions["settings"].development:
        response.headers["Strict-Transport-Security"] = f"max-age={_A_YEAR}; includeSubDomains"
    return response


def _compress(response: Response) -> Response:
    """gzip for pages and data; ready files are compressed when they are served (see assets)."""
    if response.mimetype not in _COMPRESSED:
        return response
    response.vary.add("Accept-Encoding")
    if response.direct_passthrough or not accepts_gzip() or "Content-Encoding" in response.headers:
        return response
    body = response.get_data()
    if len(body) >= _WORTH_COMPRESSING:
        response.set_data(gzip.compress(body, compresslevel=5))
        response.headers["Content-Encoding"] = "gzip"
    return response


def accepts_gzip() -> bool:
    """Whether the client takes gzip."""
    return bool(request.accept_encodings["gzip"])
