"""Notices of auth: heard once, written with what auth says at that moment, in both languages."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.notification.sink import Sink
from tests.notification.test_mails import Reader
from theatre.contracts.auth import Contact, NoticeAnswer, NoticeKind, NoticeRequested
from theatre.kit.broker import Done, Message
from theatre.kit.clock import MovableClock
from theatre.kit.events import Envelope
from theatre.kit.ids import new_id
from theatre.notification import deliveries
from theatre.notification.consumers import facts
from theatre.notification.kinds import Category, NoticeData
from theatre.notification.links import Links
from theatre.notification.mails import Letter, Writer
from theatre.notification.models import Delivery
from theatre.notification.resources import WorkerResources
from theatre.notification.stationery import open_templates

SITE = "https://theatre.example"
TOKEN = "AbCd-_" * 10
PATHS = {NoticeKind.VERIFY_EMAIL: "/verify", NoticeKind.RESET_PASSWORD: "/reset"}
HOSTILE = '"><img src=x onerror=alert(1)>{{7*7}}'


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer(open_templates(), SITE, "theatre.example", Links.of(SITE, SecretStr("secret")))


def notice_of(kind: NoticeKind, *, locale: str = "ru", device: str | None = "Firefox, Linux") -> NoticeAnswer:
    contact = Contact(
        user_id=uuid4(), login="Алиса", email="alice@mail.example", locale=locale, is_active=True
    )
    return NoticeAnswer(
        kind=kind,
        contact=contact,
        occurred_at=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
        path=f"{PATHS[kind]}?token={TOKEN}" if kind in PATHS else None,
        life_minutes=30 if kind in PATHS else None,
        device=device,
        address="192.0.2.1",
    )


async def hear(held: WorkerResources, notice_id: UUID, kind: NoticeKind) -> None:
    event = NoticeRequested(notice_id=notice_id, user_id=uuid4(), kind=kind)
    envelope = Envelope(
        id=new_id(),
        type=event.key,
        version=1,
        occurred_at=held.clock.now(),
        data=event.model_dump(mode="json"),
    )
    message = Message(id=envelope.id, key=event.key, body=envelope.model_dump_json().encode())
    assert isinstance(await facts.attempt(message, held, redelivered=False), Done)


async def look(held: WorkerResources) -> list[Delivery]:
    async with held.sessions() as session:
        return list(await session.scalars(select(Delivery)))


@pytest.mark.parametrize("locale", ["ru", "en"])
@pytest.mark.parametrize("kind", NoticeKind)
async def test_a_notice_is_mailed_once_to_the_address_that_auth_names(
    held: WorkerResources, auth: AuthDoor, sink: Sink, kind: NoticeKind, locale: str
) -> None:
    notice_id = uuid4()
    auth.notices[notice_id] = notice_of(kind, locale=locale)
    for _ in range(2):
        await hear(held, notice_id, kind)
    for _ in range(2):
        await deliveries.deliver_due(held.sessions, held.post, clock=held.clock)
    [caught] = sink.caught
    assert caught.recipients == ["alice@mail.example"]
    text, html = caught.reading("plain"), Reader(caught.reading("html"))
    assert "Алиса" in text
    assert "None" not in text + html.words
    if kind in PATHS:
        link = f"https://theatre.example{PATHS[kind]}?token={TOKEN}"
        assert link in text
        assert link in html.links
        assert {"ru": "30 мин", "en": "30 min"}[locale] in text
    else:
        assert TOKEN not in text
        assert {"ru": "02.01.2026 03:04 UTC", "en": "2026-01-02 03:04 UTC"}[locale] in text


async def test_a_link_that_does_not_hold_any_more_is_not_sent(held: WorkerResources, sink: Sink) -> None:
    await hear(held, uuid4(), NoticeKind.RESET_PASSWORD)
    await deliveries.deliver_due(held.sessions, held.post, clock=held.clock)
    [delivery] = await look(held)
    assert (delivery.status, delivery.last_error) == ("failed", deliveries.NOTHING_TO_WRITE)
    assert sink.caught == []


@pytest.mark.parametrize("device", [HOSTILE, None, ""])
def test_what_a_device_calls_itself_is_only_shown(writer: Writer, device: str | None) -> None:
    notice = notice_of(NoticeKind.SESSION_STOLEN, device=device)
    data = NoticeData(notice_id=uuid4(), kind=notice.kind)
    mail = writer.write(
        Letter(uuid4(), data, MovableClock().now(), Category.SECURITY, notice=notice), notice.contact
    )
    assert "img" not in Reader(mail.html).elements
    assert "None" not in mail.text
    assert mail.text.count(HOSTILE) == (1 if device == HOSTILE else 0)
