"""Mail: what a real server gets, over TLS and logged in, and what becomes of a refusal."""

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask
from sqlalchemy import select

from tests.jobs.mailbox import Mailbox
from tracker.jobs.deliveries import deliver_due
from tracker.model import Delivery
from tracker.store import channels
from tracker.store.telling import tell_channels

LOGIN = (b"tracker@example.com", b"p@ss word")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate of this machine's address, which this process trusts."""
    path = tmp_path / "certificate.pem"
    path.write_bytes(self_signed())
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def self_signed() -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailbox")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return private + made.public_bytes(serialization.Encoding.PEM)


@pytest.fixture
def mailbox(certificate: ssl.SSLContext) -> Iterator[Mailbox]:
    with Mailbox(tls=certificate, login=LOGIN) as mailbox:
        yield mailbox


@pytest.fixture
def password() -> str:
    return "p%40ss%20word"


@pytest.fixture
def environment(mailbox: Mailbox, password: str) -> dict[str, str]:
    return {
        "TRACKER_SMTP_URL": f"smtp://tracker%40example.com:{password}@127.0.0.1:{mailbox.port}",
        "TRACKER_MAIL_FROM": "Tracker <tracker@example.com>",
        "TRACKER_PUBLIC_URL": "https://tracker.example.com",
    }


def send_test(app: Flask) -> Any:
    """Mails a test alert; returns what became of it."""
    database, settings = app.extensions["database"], app.extensions["settings"]
    with database.write() as connection:
        channel, _ = channels.create_channel(
            connection, "on call", "smtp", "ada@example.com", "test", settings.secret_key
        )
        channels.send_test(connection, channel, "test")
    assert deliver_due(database, settings) == 1
    with database.read(None) as session:
        return session.execute(select(Delivery.state, Delivery.last_answer)).one()


def test_an_alert_is_handed_over_encrypted_and_logged_in(app: Flask, mailbox: Mailbox) -> None:
    assert send_test(app) == ("delivered", "handed to the mail server")
    [mail] = mailbox.mails
    assert (mail["To"], mail["From"]) == ("ada@example.com", "Tracker <tracker@example.com>")
    assert mail["Subject"] == "This is a test of the channel. Nothing is wrong."
    assert mail.get_content().splitlines() == [
        "This is a test of the channel. Nothing is wrong.",
        "https://tracker.example.com/alerts#channels",
    ]


def test_the_beginning_of_an_alert_and_its_end_are_two_mails(app: Flask, mailbox: Mailbox) -> None:
    database, settings = app.extensions["database"], app.extensions["settings"]
    with database.write() as connection:
        channels.create_channel(
            connection, "on call", "smtp", "ada@example.com", "test", settings.secret_key
        )
        for what in ("fired", "resolved"):
            message_id = f"01a21dc5-7718-75f3-a0c1-46c275f968e7:{what}"
            tell_channels(connection, message_id, f"alert.{what}", {"text": what})
    assert deliver_due(database, settings) == 2
    assert {mail["Message-ID"] for mail in mailbox.mails} == {
        "<01a21dc5-7718-75f3-a0c1-46c275f968e7.fired@tracker>",
        "<01a21dc5-7718-75f3-a0c1-46c275f968e7.resolved@tracker>",
    }


class TestWithAWrongPassword:
    @pytest.fixture
    def password(self) -> str:
        return "guessed-it"

    def test_the_delivery_waits_and_says_why_without_the_password(
        self, app: Flask, mailbox: Mailbox
    ) -> None:
        state, answer = send_test(app)
        assert state == "waiting"
        assert answer.startswith("The mail server answered 535")
        assert "guessed-it" not in answer
        assert mailbox.mails == []


class TestWithoutEncryption:
    @pytest.fixture
    def mailbox(self) -> Iterator[Mailbox]:
        with Mailbox(login=LOGIN) as mailbox:
            yield mailbox

    def test_no_password_is_sent(self, app: Flask, mailbox: Mailbox) -> None:
        state, answer = send_test(app)
        assert (state, "no STARTTLS" in answer) == ("waiting", True)
        assert mailbox.mails == []


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(
    app: Flask, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    state, answer = send_test(app)
    assert state == "waiting"
    assert "CERTIFICATE_VERIFY_FAILED" in answer
    assert mailbox.mails == []
