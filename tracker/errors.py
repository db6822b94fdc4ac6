"""The one JSON error body, and the HTML error page."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from sqlite3 import SQLITE_ERROR
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from tracker.store.writer import Overloaded

log = logging.getLogger(__name__)

RETRY_SECONDS = 2
"""What a 503 asks a client to wait."""

CODES = {
    400: "bad_request",
    401: "invalid_key",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "rate_limited",
    500: "internal_error",
    503: "overloaded",
}

_OWN_WORDS = {
    404: "There is nothing at this address. It may be mistyped, or from long ago.",
    405: "This address takes something else than what was sent to it.",
}
"""What is said where nobody said anything; else it would be Werkzeug."""


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request: where, and the rule it breaks."""

    path: str
    message: str


class ApiError(Exception):
    """Ends a request with the error body. `extra` joins it at the top level."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[Fault] = (),
        *,
        retry_after: int | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.retry_after = retry_after
        self.extra = extra or {}

    def response(self) -> Response:
        body = {
            "error": {
                "code": self.code,
                "message": self.message,
                "fields": [asdict(fault) for fault in self.fields],
            }
        }
        response = jsonify(body | self.extra)
        response.status_code = self.status
        if self.retry_after is not None:
            response.headers["Retry-After"] = str(self.retry_after)
        return response


def wants_json() -> bool:
    """Whether the answer to this request is read by a program."""
    return request.path.startswith("/api/") or request.path.endswith((".json", ".ndjson", ".csv"))


def register_errors(app: Flask) -> None:
    app.register_error_handler(ApiError, lambda error: error.response())
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, _unexpected)
    for away in (OperationalError, InterfaceError, PoolTimeout, Overloaded):
        app.register_error_handler(away, _database_away)


def http_error(error: HTTPException) -> Any:
    """The answer to an error that has a status: a page, or for programs the error body."""
    if error.response is not None:
        return error.response
    status = error.code or 500
    answer = _answer(status, _said(error, status))
    for header, value in error.get_headers():
        if header in ("Allow", "Retry-After", "Location"):
            answer.headers[header] = value
    return answer


def _said(error: HTTPException, status: int) -> str:
    """What was said when it was raised, or what a person would say instead of Werkzeug."""
    unsaid = error.description == type(error).description
    return (unsaid and _OWN_WORDS.get(status)) or error.description or error.name


def _database_away(error: Exception) -> Response:
    if getattr(getattr(error, "orig", None), "sqlite_errorcode", None) == SQLITE_ERROR:
        return _unexpected(error)  # SQLite calls a faulty statement operational, too
    log.warning("not answered", exc_info=error)
    answer = _answer(503, "The database does not answer. Try again in a moment.")
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error", exc_info=error)
    return _answer(500, "Something went wrong here. It has been logged.")


def _answer(status: int, message: str) -> Response:
    if wants_json():
        return ApiError(status, CODES.get(status, "error"), message).response()
    page = render_template("error.html", status=status, message=message)
    return Response(page, status=status, mimetype="text/html")
