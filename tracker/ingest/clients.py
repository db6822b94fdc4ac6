"""Who sends: a key's tenant or a browser, from which origin, how often, and whether a bot."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Request, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from tracker.catalog.parsing import Terms
from tracker.config import Settings
from tracker.errors import RETRY_SECONDS, ApiError
from tracker.ingest.bots import is_bot
from tracker.ingest.ratelimit import fingerprint, seconds_to_next_window
from tracker.store.access import KeyGrant, find_key
from tracker.store.settings import Choices


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


def identify(scope: str = "write") -> Sender:
    """The request's sender; ApiError 401, 403, 429 or 503 when there is none to accept."""
    sent = this_request()
    if _origin_refused(sent):
        raise ApiError(403, "origin_not_allowed", "This origin may not send events.")
    if secret := bearer_secret(sent):
        return _key_holder(secret, scope)
    settings = _settings()
    _limit_rate(sent, settings.rate_limit)
    user_agent = sent.environ.get("HTTP_USER_AGENT", "")
    return Sender(
        settings.default_tenant, False, is_bot(user_agent), choices_of(settings.default_tenant)
    )


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


def _key_holder(secret: str, scope: str) -> Sender:
    tenant_id = granted(secret, scope).tenant_id
    return Sender(tenant_id, True, False, choices_of(tenant_id))


def granted(secret: str, scope: str) -> KeyGrant:
    """What the key allows; ApiError 401 when it does not allow the scope, 503 without database."""
    try:
        with current_app.extensions["database"].reader.connect() as connection:
            grant = find_key(connection, secret)
    except (SQLAlchemyError, OSError):
        raise overloaded() from None
    if grant is None or scope not in grant.scopes:
        raise _invalid_key()
    current_app.extensions["key_uses"].note(grant.key_id)
    return grant


def choices_of(tenant_id: str) -> Choices:
    """The tenant's choices; ApiError 503 when they were never read and can't be."""
    try:
        choices: Choices = current_app.extensions["choices"].of(tenant_id)
    except (SQLAlchemyError, OSError):
        raise overloaded() from None
    return choices


def _limit_rate(sent: Request, limit: int) -> None:
    try:
        salt = current_app.extensions["salts"].today()
    except (SQLAlchemyError, OSError):
        raise overloaded() from None
    client = fingerprint(sent.remote_addr or "", salt)
    if current_app.extensions["rate_counters"].count(client) > limit:
        raise ApiError(
            429,
            "rate_limited",
            f"More than {limit} requests in this minute.",
            retry_after=seconds_to_next_window(),
        )


def terms_of(sender: Sender, sent_at: datetime | None) -> Terms:
    """What the request decides about each of its events."""
    now = datetime.now(UTC)
    settings, choices = _settings(), sender.choices
    return Terms(
        received_at=now,
        calendar=current_app.extensions["calendar"],
        retention=timedelta(days=min(choices.retention_days, settings.retention_days)),
        tenant_id=sender.tenant_id,
        source="server" if sender.with_key else "browser",
        with_key=sender.with_key,
        is_bot=sender.is_bot,
        clock_offset=now - sent_at if sent_at else timedelta(),
        phone_region=settings.phone_region,
        sampling=choices.sampling,
        hygiene=choices.hygiene,
        custom_events=choices.custom_events,
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
        origin = sent.environ.get("HTTP_ORIGIN")
        response.headers["Vary"] = "Origin"
        response.headers["X-Content-Type-Options"] = "nosniff"
        if origin and not _origin_refused(sent):
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    elif sent.path.startswith("/static/tracker."):
        response.headers["Access-Control-Allow-Origin"] = "*"  # a module may come from anywhere
    return response


def _origin_refused(sent: Request) -> bool:
    origin = sent.environ.get("HTTP_ORIGIN")
    if origin is None or origin == sent.host_url.rstrip("/"):
        return False
    allowed = _settings().allowed_origins
    return origin not in allowed and "*" not in allowed and origin not in _added_origins()


def _added_origins() -> tuple[str, ...]:
    """Those that an admin allowed on the settings page."""
    try:
        return choices_of(_settings().default_tenant).allowed_origins
    except ApiError:
        return ()


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
