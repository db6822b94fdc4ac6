"""Login attempts: counted for every process together, and throttled.

An attempt counts against the account and against the client before the password is
looked at, so that attempts made at the same time can't slip past the limit. No address
is kept: both are hashed with the day's random salt, and rows go after a few windows.
"""

import hashlib
import hmac
import secrets
from datetime import UTC, datetime, timedelta
from functools import cache

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from tracker.model import LoginAttempt, Operator
from tracker.store.access import AccessError, audit, normalised_email
from tracker.store.operators import hash_password, password_fits
from tracker.store.salts import client_of, salt_of

WINDOW = timedelta(minutes=15)
ACCOUNT_LIMIT = 10
CLIENT_LIMIT = 50


class TooManyAttempts(Exception):
    """No further attempt is looked at before `retry_after` seconds are over."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"Too many attempts. Try again in {-(-retry_after // 60)} minutes.")
        self.retry_after = retry_after


def count_attempt(connection: Connection, email: str, client: str) -> None:
    """Count an attempt; raises TooManyAttempts when the account or the client is over its limit."""
    now = datetime.now(UTC)
    window = _window(now)
    connection.execute(delete(LoginAttempt).where(LoginAttempt.window < window - 2 * WINDOW))
    account, origin = _subjects(connection, email, client)
    over = [
        _counted(connection, account, window) > ACCOUNT_LIMIT,
        _counted(connection, origin, window) > CLIENT_LIMIT,
    ]
    if any(over):
        raise TooManyAttempts(int((window + WINDOW - now).total_seconds()) + 1)


def authenticate(session: Session, email: str, password: str) -> Operator | None:
    """The active operator with this address and password, taking as long when there is none."""
    operator = session.scalar(select(Operator).where(Operator.email == _account(email)))
    fits = password_fits(operator.password_hash if operator else _some_hash(), password)
    return operator if operator and fits and operator.disabled_at is None else None


def _account(email: str) -> str:
    """The address as operators' are stored: browsers send an international one in ASCII."""
    try:
        return normalised_email(email)
    except AccessError:
        return email.strip().lower()


@cache
def _some_hash() -> str:
    return hash_password(secrets.token_urlsafe())


def log_in(connection: Connection, operator_id: str, email: str, client: str) -> None:
    """Note a login that went well; it takes its attempts back."""
    account, origin = _subjects(connection, email, client)
    here = LoginAttempt.window == _window(datetime.now(UTC))
    connection.execute(delete(LoginAttempt).where(LoginAttempt.subject == account))
    connection.execute(
        update(LoginAttempt)
        .where(LoginAttempt.subject == origin, here, LoginAttempt.attempts > 0)
        .values(attempts=LoginAttempt.attempts - 1)
    )
    connection.execute(
        update(Operator).where(Operator.id == operator_id).values(last_login_at=datetime.now(UTC))
    )
    audit(connection, email, "operator.login")


def _window(now: datetime) -> datetime:
    return datetime.fromtimestamp(now.timestamp() // WINDOW.seconds * WINDOW.seconds, UTC)


def _counted(connection: Connection, subject: str, window: datetime) -> int:
    """One more attempt; how many that makes."""
    insert_here = insert_sqlite if connection.dialect.name == "sqlite" else insert_postgresql
    statement = insert_here(LoginAttempt).values(subject=subject, window=window, attempts=1)
    upsert = statement.on_conflict_do_update(
        index_elements=["subject", "window"], set_={"attempts": LoginAttempt.attempts + 1}
    )
    connection.execute(upsert)
    here = (LoginAttempt.subject == subject, LoginAttempt.window == window)
    return int(connection.execute(select(LoginAttempt.attempts).where(*here)).scalar_one())


def _subjects(connection: Connection, email: str, client: str) -> tuple[str, str]:
    salt = salt_of(connection, datetime.now(UTC).date()).encode()
    return (
        hmac.new(salt, b"account " + _account(email).encode(), hashlib.sha256).hexdigest(),
        hmac.new(salt, b"client " + client_of(client).encode(), hashlib.sha256).hexdigest(),
    )
