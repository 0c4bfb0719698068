"""A user's inbox: everything lands there once, in both languages, and is nobody else's."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import tell
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.kit.i18n import LOCALES
from theatre.notification import inbox, jobs, notifications
from theatre.notification.kinds import (
    Category,
    Data,
    Kind,
    NewMovieData,
    PaymentOutcome,
    PaymentStatusData,
    RegistrationData,
)
from theatre.notification.lines import write_lines
from theatre.notification.models import Inbox, InboxItem
from theatre.notification.resources import WorkerResources

DOOR = "/notification/api/v1/inbox"


@pytest.fixture
def me() -> UUID:
    return uuid4()


async def look(client: httpx.AsyncClient, headers: dict[str, str], **params: Any) -> dict[str, Any]:
    answer = await client.get(DOOR, params=params, headers=headers)
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


@pytest.mark.parametrize(
    ("language", "title", "text"),
    [
        ("ru", "Оплата прошла: 399,00\u00a0₽", "Month. Приятного просмотра!"),
        ("en-GB,ru;q=0.5", "Payment received: RUB\u00a0399.00", "Month. Enjoy the show!"),
        ("de", "Payment received: RUB\u00a0399.00", "Month. Enjoy the show!"),
    ],
)
async def test_news_land_in_the_inbox_in_the_language_of_who_looks(
    app: FastAPI,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    *,
    language: str,
    title: str,
    text: str,
) -> None:
    me = uuid4()
    await tell(app.state.resources.sessions, me, clock)
    seen = await look(client, auth.user(me) | {"Accept-Language": language})
    [item] = seen["items"]
    assert (item["title"], item["text"], item["link"]) == (title, text, "/account/payments")
    assert (item["kind"], item["category"], item["read_at"]) == ("payment_status", "payments", None)
    assert (seen["unread"], seen["next_cursor"]) == (1, None)


async def test_the_same_key_again_puts_nothing_in(app: FastAPI, clock: MovableClock, me: UUID) -> None:
    sessions = app.state.resources.sessions
    news = notifications.News(kind=Kind.REGISTRATION, user_id=me, data=RegistrationData(), dedupe_key="once")

    async def accept() -> UUID:
        async with transaction(sessions) as session:
            return await notifications.accept(session, news, now=clock.now())

    assert len(set(await asyncio.gather(*(accept() for _ in range(4))))) == 1
    async with transaction(sessions) as session:
        assert len((await session.scalars(select(InboxItem))).all()) == 1
        assert (await session.scalars(select(Inbox.last_number))).one() == 1


async def test_numbers_follow_each_other_however_many_tell_at_once(
    app: FastAPI, clock: MovableClock, me: UUID
) -> None:
    sessions = app.state.resources.sessions
    await asyncio.gather(*(tell(sessions, me, clock) for _ in range(12)))
    async with transaction(sessions) as session:
        numbers = (await session.scalars(select(InboxItem.number).order_by(InboxItem.number))).all()
    assert list(numbers) == list(range(1, 13))


async def test_pages_go_from_the_newest_to_the_oldest(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor, clock: MovableClock, me: UUID
) -> None:
    for number in range(5):
        await tell(app.state.resources.sessions, me, clock, title=f"film {number}")
    headers, texts, cursor = auth.user(me), [], None
    while True:
        page = await look(client, headers, limit=2, **({"cursor": cursor} if cursor else {}))
        texts += [item["text"].partition(".")[0] for item in page["items"]]
        assert page["unread"] == 5
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert texts == [f"film {number}" for number in (4, 3, 2, 1, 0)]


async def test_reading_counts_once_and_stays(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor, clock: MovableClock, me: UUID
) -> None:
    for _ in range(2):
        await tell(app.state.resources.sessions, me, clock)
    headers = auth.user(me)
    newest, oldest = (await look(client, headers))["items"]
    first = await client.post(f"{DOOR}/{newest['id']}/read", headers=headers)
    clock.advance(timedelta(minutes=1))
    again = await client.post(f"{DOOR}/{newest['id']}/read", headers=headers)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["read_at"] is not None
    left = await look(client, headers, unread=True)
    assert ([item["id"] for item in left["items"]], left["unread"]) == ([oldest["id"]], 1)


async def test_all_are_read_at_once_and_later_ones_are_not(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor, clock: MovableClock, me: UUID
) -> None:
    headers = auth.user(me)
    assert (await client.post(f"{DOOR}/read_all", headers=headers)).json() == {"unread": 0}
    for _ in range(3):
        await tell(app.state.resources.sessions, me, clock)
    for _ in range(2):
        assert (await client.post(f"{DOOR}/read_all", headers=headers)).json() == {"unread": 0}
    await tell(app.state.resources.sessions, me, clock)
    seen = await look(client, headers)
    assert (seen["unread"], len(seen["items"])) == (1, 4)


async def test_what_is_anothers_is_not_there(
    app: FastAPI, client: httpx.AsyncClient, auth: AuthDoor, clock: MovableClock, me: UUID
) -> None:
    await tell(app.state.resources.sessions, me, clock)
    [item] = (await look(client, auth.user(me)))["items"]
    other = auth.user(uuid4(), is_superuser=True)
    for item_id in (item["id"], uuid4()):
        answer = await client.post(f"{DOOR}/{item_id}/read", headers=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "notification.item_not_found")
    assert (await look(client, other))["items"] == []
    await client.post(f"{DOOR}/read_all", headers=other)
    assert (await look(client, auth.user(me)))["unread"] == 1


async def test_the_inbox_is_for_users(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    for headers, status in (({}, 401), (auth.service(), 403)):
        assert (await client.get(DOOR, headers=headers)).status_code == status
        assert (await client.post(f"{DOOR}/read_all", headers=headers)).status_code == status


@pytest.mark.parametrize("params", [{"cursor": "x"}, {"limit": 0}, {"limit": 101}, {"unread": "maybe"}])
async def test_what_no_page_can_be_read_by_is_refused(
    client: httpx.AsyncClient, auth: AuthDoor, me: UUID, params: dict[str, Any]
) -> None:
    assert (await client.get(DOOR, params=params, headers=auth.user(me))).status_code in {400, 422}


async def test_an_inbox_holds_no_more_than_so_many(
    app: FastAPI,
    client: httpx.AsyncClient,
    auth: AuthDoor,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inbox, "MOST_ITEMS", 3)
    me, other = uuid4(), uuid4()
    await tell(app.state.resources.sessions, other, clock)
    for number in range(5):
        await tell(app.state.resources.sessions, me, clock, title=f"film {number}")
    texts = [item["text"].partition(".")[0] for item in (await look(client, auth.user(me)))["items"]]
    assert texts == ["film 4", "film 3", "film 2"]
    assert len((await look(client, auth.user(other)))["items"]) == 1


async def test_what_is_half_a_year_old_is_deleted(
    held: WorkerResources, clock: MovableClock, me: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "PURGE_BATCH", 2)
    for _ in range(5):
        await tell(held.sessions, me, clock)
    clock.advance(jobs.KEEP_ITEMS + timedelta(minutes=1))
    await tell(held.sessions, me, clock)
    for _ in range(2):
        await jobs.empty_inboxes(held)
        async with transaction(held.sessions) as session:
            assert (await session.scalars(select(InboxItem.number))).all() == [6]


@pytest.mark.parametrize("outcome", PaymentOutcome)
def test_every_notification_has_its_lines_in_every_language(outcome: PaymentOutcome) -> None:
    payment = {
        "status": outcome,
        "payment_id": uuid4(),
        "title": "{0} %s",
        "amount": "1.00",
        "currency": "RUB",
    }
    film = {"film_id": uuid4(), "titles": {"ru": "Соната", "en": "Sonata"}}
    told: dict[Kind, Data] = {
        Kind.PAYMENT_STATUS: PaymentStatusData.model_validate(payment),
        Kind.REGISTRATION: RegistrationData(),
        Kind.NEW_MOVIE: NewMovieData.model_validate(film),
    }
    # a mailing brings its own
    assert set(told) == set(Kind) - {Kind.MAILING}
    for data in told.values():
        for locale in LOCALES:
            assert all(line for line in write_lines(data)[locale].values())
        assert data.category in set(Category)
    assert "{0} %s" in write_lines(PaymentStatusData.model_validate(payment))["ru"]["text"]
