"""Settings: the environment, read once, as one frozen object.

Every fault is reported at once, each with the name of the variable, so that a
deployment with three mistakes needs one restart and not three.
"""

import os
import re
import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    ValidationError,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from tracker.passwords import SHORTEST_PASSWORD, is_long_enough

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"
OLDEST_SQLITE = (3, 34)
"""What Red Hat's ninth Linux has. It knows neither RETURNING nor the arrows of JSON."""


RESERVED_TENANTS = ("tenants",)
"""Ids that `/business/<id>` needs for itself."""


class SettingsError(SystemExit):
    """A faulty environment; the message lists every fault."""


def _database_url(url: str) -> str:
    """SQLAlchemy's spelling of the URL; relative SQLite paths start at the project's root."""
    for prefix in ("postgres://", "postgresql://", "postgresql+psycopg://"):
        if url.startswith(prefix):
            return _readable_url("postgresql+psycopg://" + url.removeprefix(prefix))
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        if not path or path.startswith(":memory:"):
            raise ValueError("must name a file: an in-memory database is lost with its process")
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            oldest = ".".join(map(str, OLDEST_SQLITE))
            raise ValueError(f"needs SQLite {oldest} or newer, and has {sqlite3.sqlite_version}")
        _make_folder((ROOT / path).parent)
        return "sqlite:///" + str(ROOT / path)
    raise ValueError("must start with sqlite:///, postgres:// or postgresql://")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"needs the folder {folder}: {error.strerror}") from None


def _readable_url(url: str) -> str:
    try:
        make_url(url)
    except (ArgumentError, ValueError):  # what they say may hold the password
        raise ValueError("must look like postgresql://user:password@host:5432/name") from None
    return url


def _tenant(name: str) -> str:
    if name in RESERVED_TENANTS:
        raise ValueError(f"can't be {name}, which is reserved")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a folder, such as Europe
        raise ValueError("must be an IANA time zone such as Europe/Berlin") from error
    return name


def _rate(text: object) -> object:
    """``N/minute`` as the number N."""
    number, _, unit = str(text).partition("/")
    if unit != "minute" or not number.isdecimal() or int(number) == 0:
        raise ValueError("must look like 600/minute")
    return int(number)


def browser_origin(text: str) -> str:
    """An origin as browsers spell it: lower case, without its usual port and a slash at its end."""
    origin = text.strip().rstrip("/").lower()
    return origin.removesuffix(_USUAL_PORTS.get(origin.partition(":")[0], ""))


_USUAL_PORTS = {"http": ":80", "https": ":443"}


def is_origin(text: str) -> bool:
    """Whether a browser could send it as a page's origin."""
    return re.fullmatch(r"https?://([a-z0-9._-]+|\[[0-9a-f:]+\])(:\d{1,5})?", text) is not None


def _origins(text: object) -> object:
    origins = [browser_origin(part) for part in str(text).split(",") if part.strip()]
    if not all(origin == "*" or is_origin(origin) for origin in origins):
        raise ValueError(
            "must be origins such as https://shop.example.com or https://xn--bcher-kva.de"
        )
    return tuple(origins)


def _region(code: str) -> str:
    if code and code not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("must be a two-letter region such as US, or empty")
    return code


def _addresses(text: object) -> object:
    """Comma-separated e-mail addresses, each once."""
    return tuple(dict.fromkeys(part.strip() for part in str(text).split(",") if part.strip()))


def _public_url(url: str) -> str:
    if url and not re.fullmatch(r"https?://[^/\s]+/?", url):
        raise ValueError("must look like https://tracker.example.com")
    return url.rstrip("/")


def _smtp_url(url: str) -> str:
    if url and not (re.fullmatch(r"smtps?://[^/\s]+/?", url) and _has_possible_port(url)):
        raise ValueError("must look like smtp://user:password@host:587")
    return url


def _has_possible_port(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _sender(text: str) -> str:
    if text and not re.fullmatch(r"[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+", text):
        raise ValueError("must look like Tracker <tracker@example.com>")
    return text


class Settings(BaseModel):
    """What a deployment can choose. The alias of a field is its environment variable."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        "sqlite:///instance/tracker.db",
        alias="DATABASE_URL",
        validate_default=True,
        description="Where everything is stored: SQLite on one box, or PostgreSQL.",
    )
    secret_key: str = Field(
        "",
        alias="SECRET_KEY",
        description="Signs sessions and encrypts stored secrets. Required in production; "
        "made and kept under instance/ in development.",
    )
    port: int = Field(
        8000, alias="PORT", ge=1, le=65535, description="Port the service listens on."
    )
    web_concurrency: int = Field(
        2,
        alias="WEB_CONCURRENCY",
        ge=1,
        le=64,
        description="Number of web processes. gunicorn, started by itself, reads it before "
        "Tracker does, and ends with a message of its own when it is empty or no number.",
    )
    env: Literal["development", "production"] = Field(
        "development",
        alias="TRACKER_ENV",
        description="Production when SECRET_KEY is set and nothing else is said.",
    )
    default_tenant: Annotated[str, AfterValidator(_tenant)] = Field(
        "default",
        alias="TRACKER_DEFAULT_TENANT",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="The tenant of events that come from browsers, without a key.",
    )
    allowed_origins: Annotated[tuple[str, ...], BeforeValidator(_origins)] = Field(
        (),
        alias="TRACKER_ALLOWED_ORIGINS",
        description="Origins whose pages may send events, comma separated; * in development only.",
    )
    reporting_timezone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC",
        alias="TRACKER_REPORTING_TIMEZONE",
        description="The time zone that decides which day an event counts on.",
    )
    retention_days: int = Field(
        90,
        alias="TRACKER_RETENTION_DAYS",
        ge=30,
        le=3650,
        description="Days after which raw events and trip snapshots expire. Aggregates stay.",
    )
    rate_limit: Annotated[int, BeforeValidator(_rate)] = Field(
        1200,
        alias="TRACKER_RATE_LIMIT",
        examples=["1200/minute"],
        description="Requests a client without a key may send, as N/minute.",
    )
    admin_email: EmailStr | None = Field(
        None, alias="ADMIN_EMAIL", description="The first operator, made at first start."
    )
    admin_password: str = Field(
        "", alias="ADMIN_PASSWORD", description="The first operator's password."
    )
    phone_region: Annotated[str, AfterValidator(_region)] = Field(
        "",
        alias="TRACKER_PHONE_REGION",
        description="Region whose national phone numbers are redacted too, such as US.",
    )
    worker: Literal["inline", "external"] = Field(
        "inline",
        alias="TRACKER_WORKER",
        description="Who runs the clock: a web process (inline) or only `flask worker` (external).",
    )
    allow_private_webhooks: bool = Field(
        False,
        alias="TRACKER_ALLOW_PRIVATE_WEBHOOKS",
        description="Whether messages may go to private and local addresses; for development.",
    )
    smtp_url: Annotated[str, AfterValidator(_smtp_url)] = Field(
        "",
        alias="TRACKER_SMTP_URL",
        description="The server that mails alerts and digests, as smtp://user:password@host:587 "
        "or smtps://.",
    )
    mail_from: Annotated[str, AfterValidator(_sender)] = Field(
        "",
        alias="TRACKER_MAIL_FROM",
        description="The sender of mails, such as Tracker <tracker@example.com>.",
    )
    digest_to: Annotated[tuple[EmailStr, ...], BeforeValidator(_addresses)] = Field(
        (),
        alias="TRACKER_DIGEST_TO",
        description="Who gets the weekly digest by mail: addresses, comma separated. Nobody by "
        "default; needs TRACKER_SMTP_URL.",
    )
    public_url: Annotated[str, AfterValidator(_public_url)] = Field(
        "",
        alias="TRACKER_PUBLIC_URL",
        description="Where operators open the dashboard, for links in alerts and mails; on Railway "
        "its public domain by default.",
    )
    trusted_proxies: int = Field(
        0,
        alias="TRACKER_TRUSTED_PROXIES",
        ge=0,
        le=5,
        description="Proxies in front whose X-Forwarded-* headers are believed; "
        "1 in production (Railway's edge), else 0.",
    )

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.reporting_timezone)

    @property
    def development(self) -> bool:
        return self.env == "development"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of this environment; SettingsError names every faulty variable.

    An empty variable counts as unset, as hosting platforms hand them out.
    """
    given = _completed({k: v for k, v in environ.items() if v != ""})
    faults = _misfits(given)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        faults += [f"{fault['loc'][0]} {_rule(fault['msg'])}" for fault in error.errors()]
    if faults:
        raise SettingsError("\n  ".join(["Tracker cannot start:", *faults]))
    return settings if settings.secret_key else _with_kept_secret(settings)


def _completed(given: dict[str, str]) -> dict[str, str]:
    """The environment, with what follows from it."""
    given.setdefault("TRACKER_ENV", "production" if given.get("SECRET_KEY") else "development")
    if _is_production(given):
        given.setdefault("TRACKER_TRUSTED_PROXIES", "1")
    if domain := given.get("RAILWAY_PUBLIC_DOMAIN"):
        given.setdefault("TRACKER_PUBLIC_URL", f"https://{domain}")
    return given


def _is_production(given: Mapping[str, str]) -> bool:
    return given["TRACKER_ENV"] == "production"


def _misfits(given: Mapping[str, str]) -> list[str]:
    """What is wrong with the variables together, whatever else is wrong with each of them."""
    origins, password = given.get("TRACKER_ALLOWED_ORIGINS", ""), given.get("ADMIN_PASSWORD", "")
    too_short = bool(password) and not is_long_enough(password)
    rules = {
        "SECRET_KEY is required in production, 16 characters or more": _is_production(given)
        and len(given.get("SECRET_KEY", "").strip()) < 16,
        "TRACKER_ALLOWED_ORIGINS may be * in development only": _is_production(given)
        and "*" in [part.strip() for part in origins.split(",")],
        "ADMIN_EMAIL and ADMIN_PASSWORD come together": ("ADMIN_EMAIL" in given) != bool(password),
        f"ADMIN_PASSWORD needs {SHORTEST_PASSWORD} characters or more besides blanks": too_short,
        "TRACKER_DIGEST_TO needs TRACKER_SMTP_URL": "TRACKER_DIGEST_TO" in given
        and "TRACKER_SMTP_URL" not in given,
    }
    return [rule for rule, is_broken in rules.items() if is_broken]


def _rule(message: str) -> str:
    return message.removeprefix("Value error, ")


def _with_kept_secret(settings: Settings) -> Settings:
    """Development's secret key: made once and kept, so that logins outlive a restart."""
    path = INSTANCE / "secret_key"
    INSTANCE.mkdir(exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
    except FileExistsError:
        pass
    return settings.model_copy(update={"secret_key": path.read_text()})
