"""Who sends: a key's tenant or a browser, from which origin, how often, and whether a bot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Request, Response, request
from sqlalchemy.exc import SQLAlchemyError

from tracker.catalog.parsing import Terms
from tracker.errors import RETRY_SECONDS, ApiError
from tracker.ingest.bots import is_bot
from tracker.ingest.intake import Headers, Intake, this_intake
from tracker.ingest.ratelimit import fingerprint, seconds_to_next_window
from tracker.store.access import KeyGrant, find_key
from tracker.store.salts import client_of
from tracker.store.settings import Choices, terms_for


@dataclass(slots=True)
class Sender:
    """Whose events these are and what may be sent."""

    tenant_id: str
    with_key: bool
    is_bot: bool
    choices: Choices


def overloaded() -> ApiError:
    return ApiError(
        503,
        "overloaded",
        "Not stored for certain. Send it again, with the same event_ids.",
        retry_after=RETRY_SECONDS,
    )


def identify(intake: Intake, sent: Request) -> Sender:
    """The request's sender; ApiError 401, 403, 429 or 503 when there is none to accept."""
    if _origin_refused(intake, sent):
        raise ApiError(403, "origin_not_allowed", "This origin may not send events.")
    if secret := bearer_secret(sent):
        tenant_id = granted(intake, secret, "write").tenant_id
        return Sender(tenant_id, True, False, choices_of(intake, tenant_id))
    _limit_rate(intake, sent)
    tenant_id = intake.settings.default_tenant
    judged = is_bot(sent.environ.get("HTTP_USER_AGENT", ""))
    return Sender(tenant_id, False, judged, choices_of(intake, tenant_id))


def this_request() -> Request:
    """The request itself: Flask's proxy would look it up at every use."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found


def bearer_secret(sent: Request) -> str | None:
    """The API key of the request: a bearer token, or the user name of HTTP Basic."""
    if "HTTP_AUTHORIZATION" not in sent.environ:
        return None
    if (authorization := sent.authorization) is None:
        raise _invalid_key()
    secret = authorization.token if authorization.type == "bearer" else authorization.username
    if not secret:
        raise _invalid_key()
    return secret


def _invalid_key() -> ApiError:
    return ApiError(401, "invalid_key", "This API key is unknown, revoked or lacks the scope.")


def granted(intake: Intake, secret: str, scope: str) -> KeyGrant:
    """What the key allows; ApiError 401 when it does not allow the scope, 503 without database."""
    try:
        with intake.database.reader.connect() as connection:
            grant = find_key(connection, secret)
    except (SQLAlchemyError, OSError):
        raise overloaded() from None
    if grant is None or scope not in grant.scopes:
        raise _invalid_key()
    intake.key_uses.note(grant.key_id)
    return grant


def choices_of(intake: Intake, tenant_id: str) -> Choices:
    """The tenant's choices; ApiError 503 when they were never read and can't be."""
    try:
        return intake.choices.of(tenant_id)
    except (SQLAlchemyError, OSError):
        raise overloaded() from None


def _limit_rate(intake: Intake, sent: Request) -> None:
    try:
        salt = intake.salts.today()
    except (SQLAlchemyError, OSError):
        raise overloaded() from None
    limit = intake.settings.rate_limit
    if intake.rate_counters.count(fingerprint(client_of(sent.remote_addr or ""), salt)) > limit:
        raise ApiError(
            429,
            "rate_limited",
            f"More than {limit} requests in this minute.",
            retry_after=seconds_to_next_window(),
        )


def terms_of(intake: Intake, sender: Sender, sent_at: datetime | None) -> Terms:
    """What the request decides about each of its events."""
    now = datetime.now(UTC)
    return terms_for(
        sender.tenant_id,
        sender.choices,
        intake.settings,
        intake.calendar,
        received_at=now,
        source="server" if sender.with_key else "browser",
        with_key=sender.with_key,
        is_bot=sender.is_bot,
        clock_offset=now - sent_at if sent_at else timedelta(),
    )


def preflight() -> Response:
    """CORS preflight: what a page of an allowed origin may send."""
    response = Response(status=204)
    response.headers["Access-Control-Allow-Methods"] = "POST, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = (
        "Authorization, Content-Type, Content-Encoding"
    )
    response.headers["Access-Control-Max-Age"] = "7200"
    return response


def allow_origin(response: Response) -> Response:
    """Lets the pages of an allowed origin read the answer, errors included, and the script."""
    sent = this_request()
    if sent.path.startswith("/api/"):
        for name, value in headers_for(this_intake(), sent):
            response.headers[name] = value
    elif sent.path.startswith("/static/tracker."):
        response.headers["Access-Control-Allow-Origin"] = "*"  # a module may come from anywhere
    return response


def headers_for(intake: Intake, sent: Request) -> Headers:
    """What every answer of the API tells the browser that asked."""
    headers = [("Vary", "Origin"), ("X-Content-Type-Options", "nosniff")]
    origin = sent.environ.get("HTTP_ORIGIN")
    if origin and not _origin_refused(intake, sent):
        headers += [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Expose-Headers", "Retry-After"),
        ]
    return headers


def _origin_refused(intake: Intake, sent: Request) -> bool:
    origin = sent.environ.get("HTTP_ORIGIN")
    if origin is None:
        return False
    allowed = intake.settings.allowed_origins
    if origin in allowed or "*" in allowed or origin == sent.host_url.rstrip("/"):
        return False
    return origin not in _added_origins(intake)


def _added_origins(intake: Intake) -> tuple[str, ...]:
    """Those that an admin allowed on the settings page."""
    try:
        return choices_of(intake, intake.settings.default_tenant).allowed_origins
    except ApiError:
        return ()
