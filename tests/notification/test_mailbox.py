"""The local mailbox: there only at home, safe to read whatever the mail holds."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import PUBLIC_URL, settings_for
from theatre.kit.clock import MovableClock
from theatre.notification.app import create_app
from theatre.notification.channels import Mail
from theatre.notification.channels.mailbox import MailboxChannel

HOSTILE = '"><script>alert(1)</script>{{7*7}}'


def mail(number: int, *, to: str = "alice@mail.example", words: str = "Hello") -> Mail:
    return Mail(
        message_id=f"<{number}@theatre.example>",
        to=to,
        subject=f"Subject {number}",
        text=words,
        html=f"<p>{words}</p>",
        written_at=datetime.now(UTC),
    )


@pytest.fixture
def channel(app: FastAPI, clock: MovableClock) -> MailboxChannel:
    return MailboxChannel(app.state.resources.sessions, clock)


async def test_messages_are_listed_newest_first_and_by_address(
    client: httpx.AsyncClient, channel: MailboxChannel, clock: MovableClock
) -> None:
    for number in (1, 2):
        await channel.send(mail(number))
        clock.advance(timedelta(seconds=1))
    await channel.send(mail(3, to="Bob@mail.example"))
    items = (await client.get("/mail/api/v1/messages")).json()["items"]
    assert [item["subject"] for item in items] == ["Subject 3", "Subject 2", "Subject 1"]
    assert set(items[0]) == {"id", "to", "subject", "text", "html", "sent_at"}
    of_bob = (await client.get("/mail/api/v1/messages", params={"to": "bob@MAIL.example"})).json()["items"]
    assert [(item["to"], item["text"], item["html"]) for item in of_bob] == [
        ("Bob@mail.example", "Hello", "<p>Hello</p>")
    ]
    nobody = await client.get("/mail/api/v1/messages", params={"to": "x@mail.example"})
    assert nobody.json() == {"items": []}


async def test_a_repeat_with_the_same_message_id_is_one_mail(
    client: httpx.AsyncClient, channel: MailboxChannel
) -> None:
    await channel.send(mail(1))
    await channel.send(mail(1))
    assert len((await client.get("/mail/api/v1/messages")).json()["items"]) == 1


async def test_pages_show_a_mail_in_a_sandbox_without_scripts(
    client: httpx.AsyncClient, channel: MailboxChannel
) -> None:
    await channel.send(mail(1, words=HOSTILE))
    [item] = (await client.get("/mail/api/v1/messages")).json()["items"]
    listing = await client.get("/mail", params={"to": "alice@mail.example"})
    reading = await client.get(f"/mail/{item['id']}")
    assert f"/mail/{item['id']}" in listing.text
    assert "Subject 1" in listing.text
    for page in (listing, reading):
        assert page.status_code == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script" not in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in reading.text
    assert "allow-scripts" not in reading.text
    assert "&#34;&gt;&lt;script&gt;" in reading.text
    assert "{{7*7}}" in reading.text


async def test_what_was_searched_is_escaped(client: httpx.AsyncClient) -> None:
    page = await client.get("/mail", params={"to": HOSTILE})
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "No mail to this address yet" in page.text


@pytest.mark.parametrize("to", ["x" * 321, "a\x00b"])
async def test_an_address_that_cannot_be_is_refused(client: httpx.AsyncClient, to: str) -> None:
    assert (await client.get("/mail/api/v1/messages", params={"to": to})).status_code == 422


async def test_an_unknown_mail_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/mail/{uuid4()}")
    assert (answer.status_code, answer.json()["code"]) == (404, "notification.mail_not_found")


@pytest.mark.parametrize("changes", [{"smtp_url": "smtp://mail.example"}, {"env": "production"}])
async def test_where_mail_leaves_there_is_no_mailbox(
    database_url: str, auth: AuthDoor, changes: dict[str, str]
) -> None:
    app = create_app(settings_for(database_url, **changes), transport=auth.transport)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL) as client,
    ):
        for path in ("/mail", f"/mail/{uuid4()}", "/mail/api/v1/messages"):
            assert (await client.get(path)).status_code == 404
        assert (await client.get("/notification/api/_ready")).status_code == 200
