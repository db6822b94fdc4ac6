"""Secrets that must be readable again, encrypted with the deployment's SECRET_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken


class Unreadable(ValueError):
    """A sealed secret that this deployment's SECRET_KEY does not open."""


def seal(secret: str, secret_key: str) -> str:
    """The secret as text that only this SECRET_KEY opens."""
    return _box(secret_key).encrypt(secret.encode()).decode()


def unseal(sealed: str, secret_key: str) -> str:
    """The secret again. Unreadable when SECRET_KEY has changed since."""
    try:
        return _box(secret_key).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable("SECRET_KEY has changed since this was stored; set it again.") from None


def _box(secret_key: str) -> Fernet:
    # A key of its own, so that what signs sessions can't be told from what seals.
    digest = hashlib.sha256(b"tracker sealing\0" + secret_key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
