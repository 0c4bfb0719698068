"""Mail over SMTP. The certificate is checked, and a password never travels in the clear."""

import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from theatre.kit.telemetry import call
from theatre.notification.channels import Mail
from theatre.notification.errors import ChannelAway, Deferred, Undeliverable

TIMEOUT_SECONDS = 10.0
QUIT_SECONDS = 1.0
USUAL_PORTS = {"smtp": 587, "smtps": 465}
FOR_GOOD = 500


class WholeHeaders(EmailPolicy):
    """Writes the addresses that a header holds on one line, as they are: folded they would become encoded words."""

    def fold(self, name: str, value: str) -> str:
        return f"{name}: {value}{self.linesep}" if name in WHOLE else super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii") if name in WHOLE else super().fold_binary(name, value)


WHOLE = {"List-Unsubscribe"}
# seven bits, so that nothing depends on what the next server understands
POLICY = WholeHeaders(linesep="\r\n", cte_type="7bit")


@dataclass(frozen=True)
class SmtpChannel:
    """A mail server. STARTTLS is used where it is offered and demanded before a password."""

    host: str
    port: int
    sender: Address
    use_tls: bool
    user: str | None = None
    password: str | None = None
    timeout_seconds: float = TIMEOUT_SECONDS
    tls: ssl.SSLContext | None = None

    @classmethod
    def of(cls, url: str, sender: Address) -> "SmtpChannel":
        """Read `smtp://user:password@host:port` or `smtps://…`."""
        parts = urlsplit(url)
        return cls(
            host=parts.hostname or "",
            port=parts.port or USUAL_PORTS[parts.scheme],
            sender=sender,
            use_tls=parts.scheme == "smtps",
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )

    async def send(self, mail: Mail) -> None:
        """Hand the mail to the server."""
        try:
            await self._send(mail)
        except SMTPRecipientsRefused as error:
            raise _verdict(error.recipients[0], is_final=True) from error
        except SMTPResponseException as error:
            raise _verdict(error, is_final=isinstance(error, SMTPDataError)) from error
        except (SMTPException, OSError) as error:
            raise ChannelAway(f"{type(error).__name__}: {error}"[:300]) from error

    async def _send(self, mail: Mail) -> None:
        client = self._client()
        try:
            with call("SMTP send", {"server.address": self.host}):
                await self._hand_over(client, mail)
        finally:
            # no good-bye here: a server that hangs would hold us beyond our time
            client.close()

    async def _hand_over(self, client: SMTP, mail: Mail) -> None:
        await client.connect()
        await client.sendmail(self.sender.addr_spec, [mail.to], write(mail, self.sender))
        # the mail is theirs now, whatever becomes of the good-bye
        with suppress(SMTPException, OSError):
            await client.quit(timeout=QUIT_SECONDS)

    def _client(self) -> SMTP:
        # no STARTTLS over TLS; else demanded with a password, without one used where it is offered
        start_tls = False if self.use_tls else True if self.user else None
        return SMTP(
            hostname=self.host,
            port=self.port,
            # else the machine's own name is looked up for every mail
            local_hostname=self.sender.domain,
            username=self.user,
            password=self.password,
            timeout=self.timeout_seconds,
            use_tls=self.use_tls,
            start_tls=start_tls,
            tls_context=self.tls,
        )


def write(mail: Mail, sender: Address) -> bytes:
    """Write a mail with a text and an HTML reading of it."""
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = mail.message_id
    message["Date"] = mail.written_at
    message["From"] = sender
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = mail.subject
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message.as_bytes()


def _verdict(error: SMTPResponseException, *, is_final: bool) -> Undeliverable | Deferred:
    """Read a reply: only a 5xx about the address or the mail itself is final, the rest is between the servers."""
    said = f"{error.code} {error.message}"[:300]
    return Undeliverable(said) if is_final and error.code >= FOR_GOOD else Deferred(said)
