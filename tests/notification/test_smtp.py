"""The SMTP channel by itself: time limits, certificates, passwords and settings."""

import asyncio
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.notification.sink import Sink, open_sink
from theatre.notification.channels import Mail
from theatre.notification.channels.smtp import SmtpChannel
from theatre.notification.errors import ChannelAway, Unwritable

SENDER = Address("Театр", addr_spec="no-reply@theatre.example")


def mail(**changes: Any) -> Mail:
    words = {
        "message_id": "<1@theatre.example>",
        "to": "alice@mail.example",
        "subject": "Тема",
        "text": "Текст\n",
        "html": "<p>Текст</p>",
        "written_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return Mail(**{**words, **changes})


@pytest.mark.parametrize("field", ["message_id", "to", "subject"])
@pytest.mark.parametrize(
    "value",
    [
        "Hi\r\nBcc: evil@x.example",
        "Hi\nBcc: evil@x.example",
        "Hi\rthere",
        "=?utf-8?q?Hi=0ABcc=3A_evil=40x?=",
        "Hi =?utf-8?b?SGkKQmNjOiBldmls?=",
        "NUL\x00",
        "line\u2028separator",
        "next\x85line",
        "half \ud800",
        "x" * 10_000,
    ],
)
def test_a_mail_with_an_unsafe_header_value_cannot_be_made(field: str, value: str) -> None:
    """RELIABILITY S-N4 and fact 9: encoded words are refused by us, not by the Python version."""
    with pytest.raises(Unwritable):
        mail(**{field: value})


async def test_a_mail_has_a_text_and_an_html_reading(sink: Sink) -> None:
    await SmtpChannel.of(sink.url, SENDER).send(mail())
    [caught] = sink.caught
    assert caught.content.isascii()
    assert caught.message.get_content_type() == "multipart/alternative"
    assert (caught.reading("plain").strip(), caught.reading("html").strip()) == ("Текст", "<p>Текст</p>")
    assert caught.message["Subject"] == "Тема"
    assert caught.message["Date"] == "Fri, 02 Jan 2026 00:00:00 +0000"


async def test_a_server_that_hangs_is_left_after_the_time_limit(sink: Sink) -> None:
    """RELIABILITY F-M1: hang."""
    never = asyncio.Event()

    async def hang() -> None:
        await never.wait()

    sink.before_reply = hang
    channel = replace(SmtpChannel.of(sink.url, SENDER), timeout_seconds=0.3)
    with pytest.raises(ChannelAway, match="Timeout"):
        await channel.send(mail())
    never.set()


async def test_a_server_that_is_not_there_is_only_away() -> None:
    """RELIABILITY F-M1: refuse."""
    async with open_sink() as sink:
        channel = SmtpChannel.of(sink.url, SENDER)
    with pytest.raises(ChannelAway):
        await channel.send(mail())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(pem + signed.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.mark.parametrize("offered", ["tls", "starttls"])
async def test_an_unknown_certificate_is_refused(server_side: ssl.SSLContext, offered: str) -> None:
    """RELIABILITY S-G11, F-M1: TLS failure. Nothing falls back to plain text."""
    scheme = "smtps" if offered == "tls" else "smtp"
    async with open_sink(**{offered: server_side}) as sink:
        channel = SmtpChannel.of(f"{scheme}://localhost:{sink.port}", SENDER)
        with pytest.raises(ChannelAway, match=r"(?i)certificate"):
            await channel.send(mail())
        assert sink.caught == []


@pytest.mark.parametrize("offered", ["tls", "starttls"])
async def test_a_known_certificate_of_another_host_is_refused(
    server_side: ssl.SSLContext, certificate: Path, offered: str
) -> None:
    """RELIABILITY S-G11: wrong host."""
    scheme = "smtps" if offered == "tls" else "smtp"
    async with open_sink(**{offered: server_side}) as sink:
        channel = SmtpChannel.of(f"{scheme}://127.0.0.1:{sink.port}", SENDER)
        with pytest.raises(ChannelAway, match=r"(?i)certificate"):
            await replace(channel, tls=trusting(certificate)).send(mail())
        assert sink.caught == []


@pytest.mark.parametrize("offered", ["tls", "starttls"])
async def test_mail_and_password_go_over_tls(
    server_side: ssl.SSLContext, certificate: Path, offered: str
) -> None:
    scheme = "smtps" if offered == "tls" else "smtp"
    async with open_sink(**{offered: server_side}) as sink:
        channel = SmtpChannel.of(f"{scheme}://us%40er:p%3Aw@localhost:{sink.port}", SENDER)
        await replace(channel, tls=trusting(certificate)).send(mail())
    assert (len(sink.caught), sink.logins) == (1, ["us@er"])


async def test_a_password_never_travels_in_the_clear(sink: Sink) -> None:
    channel = SmtpChannel.of(f"smtp://user:password@127.0.0.1:{sink.port}", SENDER)
    with pytest.raises(ChannelAway):
        await channel.send(mail())
    assert (sink.caught, sink.logins) == ([], [])


def test_usual_ports_are_those_of_submission() -> None:
    assert SmtpChannel.of("smtp://mail.example", SENDER).port == 587
    assert SmtpChannel.of("smtps://mail.example", SENDER).port == 465
