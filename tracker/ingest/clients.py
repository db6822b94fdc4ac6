"""Who sends: a key's tenant or a browser, from which origin, how often, and whether a bot."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Response, current_app, request
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError

from tracker.catalog.parsing import Terms
from tracker.config import Settings
from tracker.errors import ApiError
from tracker.ingest.bots import is_bot
from tracker.ingest.ratelimit import fingerprint, seconds_to_next_window
from tracker.model import Tenant
from tracker.store.access import find_key

RETRY_SECONDS = 2


@dataclass(frozen=True)
class Sender:
    """Whose events these are and what may be sent."""

    tenant_id: str
    with_key: bool
    is_bot: bool
    sampling: Mapping[str, int]


def overloaded() -> ApiError:
    return ApiError(
        503,
        "overloaded",
        "Not stored for certain. Send it again, with the same event_ids.",
        retry_after=RETRY_SECONDS,
    )


def identify(scope: str = "write") -> Sender:
    """The request's sender; ApiError 401, 403, 429 or 503 when there is none to accept."""
    if _origin_refused():
        raise ApiError(403, "origin_not_allowed", "This origin may not send events.")
    if secret := bearer_secret():
        return _key_holder(secret, scope)
    _limit_rate()
    user_agent = request.headers.get("User-Agent", "")
    return Sender(_settings().default_tenant, False, is_bot(user_agent), {})


def bearer_secret() -> str | None:
    """The API key of the request: a bearer token, or the user name of HTTP Basic."""
    if (authorization := request.authorization) is None:
        if "Authorization" in request.headers:
            raise _invalid_key()
        return None
    secret = authorization.token if authorization.type == "bearer" else authorization.username
    if not secret:
        raise _invalid_key()
    return secret


def _invalid_key() -> ApiError:
    return ApiError(401, "invalid_key", "This API key is unknown, revoked or lacks the scope.")


def _key_holder(secret: str, scope: str) -> Sender:
    try:
        with current_app.extensions["database"].reader.connect() as connection:
            grant = find_key(connection, secret)
            if grant is None or scope not in grant.scopes:
                raise _invalid_key()
            chosen = connection.execute(
                select(Tenant.settings).where(Tenant.id == grant.tenant_id)
            ).scalar_one()
    except (OperationalError, DBAPIError, OSError):
        raise overloaded() from None
    sampling = chosen.get("sampling") or {}
    return Sender(grant.tenant_id, True, False, sampling)


def _limit_rate() -> None:
    limit = _settings().rate_limit
    try:
        salt = current_app.extensions["salts"].today()
    except (OperationalError, DBAPIError, OSError):
        raise overloaded() from None
    client = fingerprint(request.remote_addr or "", salt)
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
    settings = _settings()
    return Terms(
        received_at=now,
        calendar=current_app.extensions["calendar"],
        retention=timedelta(days=settings.retention_days),
        tenant_id=sender.tenant_id,
        source="server" if sender.with_key else "browser",
        with_key=sender.with_key,
        is_bot=sender.is_bot,
        clock_offset=now - sent_at if sent_at else timedelta(),
        phone_region=settings.phone_region,
        sampling=sender.sampling,
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
    """Lets the pages of an allowed origin read the answer, errors included."""
    if request.path.startswith("/api/"):
        response.headers["Vary"] = "Origin"
        origin = request.headers.get("Origin")
        if origin and not _origin_refused():
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    return response


def _origin_refused() -> bool:
    origin = request.headers.get("Origin")
    if origin is None or origin == request.host_url.rstrip("/"):
        return False
    allowed = _settings().allowed_origins
    return origin not in allowed and "*" not in allowed


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
