"""Reading a request's body: plain or gzip, always JSON, never more than the limit."""

import zlib
from typing import Any

import orjson
from flask import Request
from gunicorn.http.errors import ParseException

from tracker.catalog.spelling import read_value
from tracker.errors import ApiError

BODY_LIMIT = 512 * 1024
MEDIA_TYPES = ("application/json", "text/plain", "")
"""`text/plain` is what `navigator.sendBeacon` sends, and needs no CORS preflight."""


def read_json(request: Request) -> Any:
    """The body's JSON value; ApiError 400, 413 or 415 when there is none to be had."""
    media_type = request.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES:
        raise ApiError(
            415, "unsupported_media_type", "Send JSON as application/json or text/plain."
        )
    body = _read(request)
    encoding = request.environ.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding == "gzip":
        body = _inflate(body)
    elif encoding not in ("", "identity"):
        raise ApiError(415, "unsupported_media_type", "Content-Encoding may be gzip or absent.")
    try:
        return read_value(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "invalid_json", f"The body is not valid JSON: {error}.") from None


def _read(request: Request) -> bytes:
    """The body as it was sent. One sent in chunks has no length to refuse it by beforehand."""
    environ = request.environ
    declared = environ.get("CONTENT_LENGTH", "")
    if declared.isdecimal():
        length = int(declared)
    else:  # without a length only a server that ends the stream itself may be read from
        length = BODY_LIMIT + 1 if environ.get("wsgi.input_terminated") else 0
    if declared and length > BODY_LIMIT:
        raise too_large()
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except (ParseException, OSError):
        raise ApiError(400, "invalid_json", "The body did not arrive whole.") from None
    if len(body) > BODY_LIMIT:
        raise too_large()
    return body


def _inflate(body: bytes) -> bytes:
    """The inflated body. Inflating stops at the limit, whatever the body claims."""
    inflater = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(body, BODY_LIMIT + 1)
    except zlib.error:
        raise ApiError(400, "invalid_json", "The body is not valid gzip.") from None
    if len(inflated) > BODY_LIMIT:
        raise too_large()
    if not inflater.eof or inflater.unused_data:
        raise ApiError(400, "invalid_json", "The body is not one whole gzip stream.")
    return inflated


def too_large() -> ApiError:
    return ApiError(
        413, "too_large", f"A request may have {BODY_LIMIT // 1024} KiB and 500 events at most."
    )
