"""A real SMTP server that keeps what it is given and can be told to misbehave."""

import asyncio
import email
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True)
class Caught:
    """One mail as the server got it."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail taken apart."""
        return email.message_from_bytes(self.content, policy=policy.default)

    @property
    def message_id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"])

    def reading(self, subtype: str) -> str:
        """The text (`plain`) or `html` of it."""
        part = self.message.get_body((subtype,))
        assert part is not None
        return str(part.get_content())


async def nothing() -> None:
    """Wait for nothing."""


@dataclass
class Sink:
    """What came, and how to answer: replies, dropping the line after the data, or something to wait for first."""

    caught: list[Caught] = field(default_factory=list)
    rcpt_reply: str = "250 OK"
    data_reply: str = "250 OK"
    drops: bool = False
    before_rcpt: Callable[[], Awaitable[None]] = nothing
    before_reply: Callable[[], Awaitable[None]] = nothing
    logins: list[str] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self.before_rcpt()
        if self.rcpt_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if not self.data_reply.startswith("250"):
            return self.data_reply
        content = envelope.content
        assert isinstance(content, bytes)
        self.caught.append(Caught(str(envelope.mail_from), list(envelope.rcpt_tos), content))
        await self.before_reply()
        if self.drops:
            assert server.transport is not None
            server.transport.close()
        return self.data_reply

    def authenticate(self, server: SMTP, session: Session, *rest: Any) -> AuthResult:
        """Let everybody in, and remember who that was."""
        self.logins.append(rest[-1].login.decode())
        return AuthResult(success=True)

    @property
    def url(self) -> str:
        """Its address as a setting."""
        return f"smtp://127.0.0.1:{self.port}"


@asynccontextmanager
async def open_sink(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None
) -> AsyncIterator[Sink]:
    """Listen on a free port; `tls` from the first byte, or `starttls` offered."""
    sink = Sink()
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        return SMTP(
            sink,
            hostname="sink.example",
            loop=loop,
            tls_context=starttls,
            authenticator=sink.authenticate,
            auth_require_tls=starttls is not None,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        await server.wait_closed()
