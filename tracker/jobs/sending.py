"""One message to one place: by HTTP, signed, or by mail."""

import html
import select
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit

import orjson
from standardwebhooks import Webhook

from tracker.config import Settings
from tracker.jobs.addresses import Refused, Target, resolve
from tracker.store.deliveries import Claimed, Outcome
from tracker.store.sealing import Unreadable, unseal
from tracker.store.telling import CHANNELS

DEADLINE_SECONDS = 10.0
_STATUS_LIMIT = 1024
_GONE = 410

Result = TypeVar("Result")


def send(delivery: Claimed, settings: Settings) -> Outcome:
    """Tries a delivery once. Every failure is an outcome; nothing is raised."""
    try:
        status = _SEND[delivery.kind](delivery, settings)
    except (Refused, Unreadable) as error:
        return Outcome(delivery, False, str(error))
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error
        words = said if isinstance(said, str) else said.decode(errors="replace")
        return Outcome(delivery, False, f"The mail server answered {error.smtp_code}: {words}")
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        return Outcome(delivery, False, f"No answer: {type(error).__name__} {error}".strip())
    except ValueError as error:
        return Outcome(delivery, False, str(error))
    if isinstance(status, str):
        return Outcome(delivery, True, status)
    arrived = 200 <= status < 300
    return Outcome(delivery, arrived, f"HTTP {status}", gone=status == _GONE)


def _webhook(delivery: Claimed, settings: Settings) -> int:
    secret = unseal(delivery.sealed_secret or "", settings.secret_key)
    body = delivery.body
    if delivery.purpose == CHANNELS:
        body = orjson.dumps(_message(delivery, settings)).decode()
    headers = signature(secret, delivery.message_id, body, datetime.now(UTC))
    return post(delivery.address, body, headers, settings.allow_private_webhooks)


def _message(delivery: Claimed, settings: Settings) -> dict[str, Any]:
    """An alert's body, with the address of its page where the deployment knows its own."""
    body: dict[str, Any] = orjson.loads(delivery.body)
    path = body.pop("path", "")
    return body | ({"url": settings.public_url + path} if path and settings.public_url else {})


def signature(secret: str, message_id: str, body: str, at: datetime) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body),
    }


def _slack(delivery: Claimed, settings: Settings) -> int:
    # The URL of an incoming webhook is its secret.
    url = unseal(delivery.address, settings.secret_key)
    # Slack's own escapes: else <!channel> in an error code would call everybody
    words = html.escape(_words(_message(delivery, settings)), quote=False)
    text = orjson.dumps({"text": words}).decode()
    return post(url, text, {}, settings.allow_private_webhooks)


def _words(body: Mapping[str, Any]) -> str:
    """The message for people, and where to read on."""
    return "\n".join(line for line in (body["text"], body.get("url")) if line)


def post(url: str, body: str, headers: dict[str, str], allow_private: bool) -> int:
    """POSTs JSON and returns the answer's status.

    No redirect is followed. All of it, from the connection to the status line, must be done
    before the deadline, however slowly the other side drips.
    """
    target = resolve(url, allow_private)
    deadline = time.monotonic() + DEADLINE_SECONDS
    with _connected(target, deadline) as link:
        link.settimeout(_left(deadline))
        link.sendall(_request(target, body.encode(), headers))
        return _status(link, deadline)


def _connected(target: Target, deadline: float) -> socket.socket:
    link = _reached(target, deadline)
    try:
        if target.is_tls:
            tls = ssl.create_default_context()
            host = target.host
            link = tls.wrap_socket(link, server_hostname=host, do_handshake_on_connect=False)
            _once_sent(link.do_handshake, link, deadline)
    except BaseException:
        link.close()
        raise
    return link


def _reached(target: Target, deadline: float) -> socket.socket:
    """A connection to the first address that takes one, each in its part of the time.

    `localhost` is ::1 on many machines, where few servers listen.
    """
    failed: OSError = ConnectionError("the host has no address")
    for n, address in enumerate(target.addresses):
        try:
            seconds = _left(deadline) / (len(target.addresses) - n)
            return socket.create_connection((address, target.port), seconds)
        except OSError as error:
            failed = error
    raise failed


def _once_sent(step: Callable[[], Result], link: socket.socket, deadline: float) -> Result:
    """What a step comes to, once the other side has sent enough for it.

    The socket's own timeout would not do: under gevent it begins anew with each byte.
    """
    link.setblocking(False)
    while True:
        try:
            return step()
        except (BlockingIOError, ssl.SSLWantReadError):
            _wait(link, select.POLLIN, deadline)
        except ssl.SSLWantWriteError:
            _wait(link, select.POLLOUT, deadline)


def _wait(link: socket.socket, for_what: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(link, for_what)
    poll.poll(1000 * _left(deadline))


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("took too long")
    return left


def _request(target: Target, body: bytes, headers: dict[str, str]) -> bytes:
    lines = [
        f"POST {target.path} HTTP/1.1",
        f"Host: {target.host_header}",
        "User-Agent: tracker",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _status(link: socket.socket, deadline: float) -> int:
    """The code of the answer's status line."""
    line = b""
    while b"\n" not in line and len(line) < _STATUS_LIMIT:
        got = _once_sent(lambda: link.recv(_STATUS_LIMIT), link, deadline)
        if not got:
            break
        line += got
    words = line.split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/") or not words[1].isdigit():
        raise ConnectionError("the answer is not HTTP")
    return int(words[1])


def _mail(delivery: Claimed, settings: Settings) -> str:
    if not settings.smtp_url:
        raise Refused("Mail can't be sent: TRACKER_SMTP_URL is not set.")
    body = _message(delivery, settings)
    words = _words(body)
    mail = EmailMessage()
    mail["Subject"] = str(body.get("subject") or words.splitlines()[0])[:150]
    mail["From"] = settings.mail_from or f"tracker@{socket.gethostname()}"
    mail["To"] = delivery.address
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = f"<{delivery.message_id.replace(':', '.')}@tracker>"
    mail.set_content(words + "\n")
    if body.get("html"):
        mail.add_alternative(str(body["html"]), subtype="html")
    with _mail_server(settings.smtp_url) as server:
        server.send_message(mail)
    return "handed to the mail server"


def _mail_server(url: str) -> smtplib.SMTP:
    """The server of an smtp:// (STARTTLS where offered) or smtps:// URL, logged in.

    Passwords travel encrypted or not at all.
    """
    parts, tls = urlsplit(url), ssl.create_default_context()
    host, port = parts.hostname or "localhost", parts.port or 0
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=DEADLINE_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, port or 587, timeout=DEADLINE_SECONDS)
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=tls)
        elif parts.username and parts.scheme != "smtps":
            raise Refused("The mail server takes passwords unencrypted only (no STARTTLS).")
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        server.close()
        raise
    return server


_SEND: dict[str, Callable[[Claimed, Settings], int | str]] = {
    "webhook": _webhook,
    "slack": _slack,
    "smtp": _mail,
}
