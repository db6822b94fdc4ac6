"""A real SMTP server on this machine that keeps what it is handed."""

import asyncio
import email
import ssl
import threading
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Mailbox:
    """Takes mails for everybody; `refuse` makes it turn the next ones away for now.

    With `tls` it takes none before STARTTLS, and with `login` none before that one logs in.
    """

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    refuse: int = 0
    tls: ssl.SSLContext | None = None
    login: tuple[bytes, bytes] | None = None

    def __enter__(self) -> "Mailbox":
        self._loop = asyncio.new_event_loop()
        made = self._loop.create_server(self._conversation, "127.0.0.1", 0)
        self._server = self._loop.run_until_complete(made)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"smtp://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _conversation(self) -> SMTP:
        return SMTP(
            self,
            tls_context=self.tls,
            require_starttls=self.tls is not None,
            authenticator=self._is_known if self.login else None,
            auth_required=self.login is not None,
            loop=self._loop,
        )

    def _is_known(self, *talk: Any) -> AuthResult:
        given = talk[-1]
        return AuthResult(success=(given.login, given.password) == self.login, handled=False)

    async def handle_RCPT(
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        envelope.rcpt_tos.append(address)
        self.recipients.append(address)
        return "250 fine"

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Any) -> str:
        if self.refuse:
            self.refuse -= 1
            return "451 not now"
        message = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        return "250 kept"
