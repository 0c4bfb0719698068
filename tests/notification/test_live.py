"""The websocket of an inbox, on real servers with a real client: who gets in, what is told or missed, how it ends."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin, Subprotocol

from tests.factories.auth_door import AuthDoor
from tests.notification.conftest import settings_for, tell
from theatre.embedded.front import listen, serving
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.notification import inbox, live, sockets
from theatre.notification.app import create_app
from theatre.notification.live import Live
from theatre.notification.models import InboxItem

ADDRESS = "ws://127.0.0.1:{}/notification/ws"


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve an application that is open; gives the socket's address."""
    listener = listen("127.0.0.1", 0)
    async with serving(app, listener):
        yield ADDRESS.format(listener.getsockname()[1])


@pytest.fixture
async def address(app: FastAPI) -> AsyncIterator[str]:
    async with served(app) as address:
        yield address


@pytest.fixture
def me() -> UUID:
    return uuid4()


def token_of(auth: AuthDoor, user_id: UUID) -> str:
    return auth.user(user_id)["Authorization"].removeprefix("Bearer ")


async def hear(socket: ClientConnection) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(await socket.recv())
    return read


async def say(socket: ClientConnection, **words: Any) -> None:
    await socket.send(json.dumps(words))


async def closed(socket: ClientConnection) -> tuple[int | None, str]:
    """Wait until the other side has closed; gives code and reason."""
    await socket.wait_closed()
    return socket.close_code, socket.close_reason or ""


@asynccontextmanager
async def open_inbox(address: str, token: str, **words: Any) -> AsyncIterator[ClientConnection]:
    """Sign in over a socket; the server's first word is still to be heard."""
    async with connect(address) as socket:
        await say(socket, token=token, **words)
        yield socket


async def put(app: FastAPI, user_id: UUID, clock: MovableClock, **changes: Any) -> None:
    await tell(app.state.resources.sessions, user_id, clock, **changes)


def connections(app: FastAPI) -> Live:
    found: Live = app.state.resources.live
    return found


async def test_what_lands_in_the_inbox_is_told_at_once_on_every_device_and_to_nobody_else(
    app: FastAPI,
    address: str,
    auth: AuthDoor,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    me: UUID,
) -> None:
    monkeypatch.setattr(live, "LOOK_SECONDS", 3_600.0)
    other = uuid4()
    async with (
        open_inbox(address, token_of(auth, me), locale="ru") as one,
        open_inbox(address, token_of(auth, me), locale="en") as two,
        open_inbox(address, token_of(auth, other)) as strange,
    ):
        for socket in (one, two, strange):
            assert await hear(socket) == {"type": "ready", "unread": 0}
        await put(app, me, clock)
        first, second = await hear(one), await hear(two)
        assert first["item"]["title"] == "Оплата прошла: 399,00\u00a0₽"
        assert second["item"]["title"] == "Payment received: RUB\u00a0399.00"
        assert (first["type"], first["unread"]) == ("item", 1)
        await put(app, other, clock)
        assert (await hear(strange))["item"]["id"] != first["item"]["id"]


async def test_reading_on_one_device_is_told_on_the_other(
    app: FastAPI, client: httpx.AsyncClient, address: str, auth: AuthDoor, clock: MovableClock, *, me: UUID
) -> None:
    await put(app, me, clock)
    async with open_inbox(address, token_of(auth, me)) as socket:
        assert await hear(socket) == {"type": "ready", "unread": 1}
        await client.post("/notification/api/v1/inbox/read_all", headers=auth.user(me))
        assert await hear(socket) == {"type": "unread", "unread": 0}


async def test_what_another_process_puts_in_is_told_here(
    app: FastAPI, address: str, database_url: str, auth: AuthDoor, clock: MovableClock, *, me: UUID
) -> None:
    other = create_app(settings_for(database_url), transport=auth.transport, clock=clock)
    async with (
        other.router.lifespan_context(other),
        served(other) as other_address,
        open_inbox(address, token_of(auth, me)) as one,
        open_inbox(other_address, token_of(auth, me)) as two,
    ):
        for socket in (one, two):
            await hear(socket)
        for maker in (app, other):
            await put(maker, me, clock)
            ids = {(await hear(socket))["item"]["id"] for socket in (one, two)}
            assert len(ids) == 1


async def test_a_client_that_comes_back_gets_what_it_missed_and_no_more(
    app: FastAPI, address: str, auth: AuthDoor, clock: MovableClock, me: UUID
) -> None:
    """RELIABILITY F-M3."""
    for number in range(4):
        await put(app, me, clock, title=f"film {number}")
    async with transaction(app.state.resources.sessions) as session:
        items = await inbox.find_after(session, me, 0, limit=10)
    async with open_inbox(address, token_of(auth, me), last_id=str(items[1].id)) as socket:
        assert await hear(socket) == {"type": "ready", "unread": 4}
        assert [(await hear(socket))["item"]["id"] for _ in range(2)] == [str(item.id) for item in items[2:]]
        await say(socket, last_id=str(items[2].id))
        assert await hear(socket) == {"type": "ready", "unread": 4}
        assert (await hear(socket))["item"]["id"] == str(items[3].id)
        await put(app, me, clock, title="film 4")
        assert (await hear(socket))["item"]["text"].startswith("film 4")


async def test_what_is_trimmed_unknown_or_anothers_is_read_anew(
    app: FastAPI,
    address: str,
    auth: AuthDoor,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    me: UUID,
) -> None:
    other = uuid4()
    for user_id in (me, me, other):
        await put(app, user_id, clock)
    async with transaction(app.state.resources.sessions) as session:
        [trimmed, _] = await inbox.find_after(session, me, 0, limit=10)
        [strange] = await inbox.find_after(session, other, 0, limit=10)
        await session.execute(delete(InboxItem).filter_by(id=trimmed.id))
    for last_id in (trimmed.id, uuid4(), strange.id):
        async with open_inbox(address, token_of(auth, me), last_id=str(last_id)) as socket:
            assert await hear(socket) == {"type": "resync", "unread": 1}
    monkeypatch.setattr(live, "MOST_REPLAYED", 1)
    async with open_inbox(address, token_of(auth, other), last_id=str(strange.id)) as socket:
        assert (await hear(socket))["type"] == "ready"
        monkeypatch.setattr(live, "REST_SECONDS", 0.5)
        await asyncio.gather(*(put(app, other, clock) for _ in range(3)))
        seen = await hear(socket)
        while seen["type"] == "item":
            seen = await hear(socket)
        assert seen["type"] in {"resync", "unread"}


async def test_the_token_may_come_as_a_subprotocol(
    app: FastAPI, address: str, auth: AuthDoor, clock: MovableClock, me: UUID
) -> None:
    offered = [Subprotocol("theatre"), Subprotocol(token_of(auth, me))]
    async with connect(address, subprotocols=offered) as socket:
        assert socket.subprotocol == "theatre"
        assert await hear(socket) == {"type": "ready", "unread": 0}
        await put(app, me, clock)
        assert (await hear(socket))["type"] == "item"


async def test_a_token_in_the_address_is_none(
    address: str, auth: AuthDoor, me: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RELIABILITY S-W2."""
    monkeypatch.setattr(sockets, "HELLO_SECONDS", 0.2)
    bearer = auth.user(me)
    async with connect(f"{address}?token={token_of(auth, me)}", additional_headers=bearer) as socket:
        assert await closed(socket) == (1008, "Say who you are first.")


@pytest.mark.parametrize(
    "first",
    [
        "{}",
        '{"token": "x"}',
        '{"token": null}',
        '{"token": 1}',
        "[]",
        "hello",
        '{"token": "x", "user_id": "00000000-0000-0000-0000-000000000000"}',
        '{"type": "item"}',
        '{"last_id": "x"}',
    ],
)
async def test_who_does_not_say_who_they_are_is_told_nothing(address: str, first: str) -> None:
    """RELIABILITY S-W1, S-W4."""
    async with connect(address) as socket:
        await socket.send(first)
        code, _ = await closed(socket)
        assert code == 1008


async def test_services_have_no_inbox(address: str, auth: AuthDoor) -> None:
    token = auth.service()["Authorization"].removeprefix("Bearer ")
    async with open_inbox(address, token) as socket:
        assert await closed(socket) == (1008, "This door is for users.")


@pytest.mark.parametrize(
    ("said", "code"), [(b"binary", 1003), ("x" * 9_000, 1009), ("x" * 100_000, 1009), ("{", 1008)]
)
async def test_what_is_not_understood_ends_the_socket(
    app: FastAPI, address: str, auth: AuthDoor, me: UUID, said: str | bytes, *, code: int
) -> None:
    """RELIABILITY S-W5."""
    async with open_inbox(address, token_of(auth, me)) as socket:
        await hear(socket)
        await socket.send(said)
        assert (await closed(socket))[0] == code
    await until_empty(app)


async def until_empty(app: FastAPI) -> None:
    """Wait until nobody is connected."""
    while connections(app).number:
        await asyncio.sleep(0.01)


async def test_who_talks_without_end_is_let_go(app: FastAPI, address: str, auth: AuthDoor, me: UUID) -> None:
    """RELIABILITY S-W5."""
    async with open_inbox(address, token_of(auth, me)) as socket:
        await hear(socket)
        for _ in range(sockets.MOST_MESSAGES + 1):
            await say(socket, type="pong")
        assert await closed(socket) == (1008, "Too many messages.")
    await until_empty(app)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://theatre.example.evil.example"])
async def test_a_page_of_another_site_opens_nothing(address: str, origin: str) -> None:
    """RELIABILITY S-W3."""
    with pytest.raises(InvalidStatus) as refused:
        await connect(address, origin=Origin(origin))
    assert refused.value.response.status_code == 403


async def test_our_own_pages_may_open_it(address: str, auth: AuthDoor, me: UUID) -> None:
    for origin in (
        "https://theatre.example",
        address.replace("ws://", "http://").partition("/notification")[0],
    ):
        async with connect(address, origin=Origin(origin)) as socket:
            await say(socket, token=token_of(auth, me))
            assert (await hear(socket))["type"] == "ready"


async def test_of_too_many_sockets_of_one_user_the_oldest_ends(
    app: FastAPI,
    address: str,
    auth: AuthDoor,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    *,
    me: UUID,
) -> None:
    """RELIABILITY S-W6."""
    monkeypatch.setattr(live, "MOST_OF_USER", 2)
    token = token_of(auth, me)
    async with (
        open_inbox(address, token) as oldest,
        open_inbox(address, token_of(auth, uuid4())) as other,
    ):
        await hear(oldest)
        await hear(other)
        async with open_inbox(address, token) as second, open_inbox(address, token) as third:
            assert await closed(oldest) == (1008, "too many connections")
            for socket in (second, third):
                await hear(socket)
            await put(app, me, clock)
            assert (await hear(second))["type"] == (await hear(third))["type"] == "item"
    monkeypatch.setattr(live, "MOST_IN_ALL", 0)
    await until_empty(app)
    async with open_inbox(address, token) as refused:
        assert await closed(refused) == (1013, "too many connections")


async def test_a_socket_ends_with_its_token_unless_there_is_a_new_one(
    address: str, auth: AuthDoor, clock: MovableClock, me: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RELIABILITY S-W7."""
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.05)
    async with (
        open_inbox(address, token_of(auth, me)) as kept,
        open_inbox(address, token_of(auth, me)) as lost,
    ):
        await hear(kept)
        await hear(lost)
        later = auth.user(me, lifetime_seconds=3_600)["Authorization"].removeprefix("Bearer ")
        await say(kept, token=later, last_id=str(uuid4()))
        assert (await hear(kept))["type"] == "resync"
        clock.advance(timedelta(minutes=16))
        assert await closed(lost) == (1008, "The token has expired.")
        await say(kept, last_id=str(uuid4()))
        assert (await hear(kept))["type"] == "resync"
        await say(kept, token=token_of(auth, uuid4()))
        assert (await closed(kept))[0] == 1008


async def test_a_socket_ends_with_its_session(app: FastAPI, address: str, auth: AuthDoor, me: UUID) -> None:
    """RELIABILITY S-A8, S-W7: within 5 s of logging out."""
    headers = auth.user(me)
    async with open_inbox(address, headers["Authorization"].removeprefix("Bearer ")) as socket:
        await hear(socket)
        auth.revoke(headers)
        async with asyncio.timeout(5):
            assert await closed(socket) == (1008, "The session has ended.")
    await until_empty(app)


async def test_a_client_that_says_nothing_is_taken_for_dead(
    app: FastAPI, address: str, auth: AuthDoor, me: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RELIABILITY F-M4."""
    monkeypatch.setattr(sockets, "PING_SECONDS", 0.1)
    monkeypatch.setattr(sockets, "SILENT_SECONDS", 0.6)
    async with (
        open_inbox(address, token_of(auth, me)) as answering,
        open_inbox(address, token_of(auth, me)) as silent,
    ):
        await hear(silent)
        await hear(answering)
        for _ in range(10):
            assert await hear(answering) == {"type": "ping"}
            await say(answering, type="pong")
        assert (await closed(silent))[0] == 1001
    await until_empty(app)


async def test_a_client_that_does_not_read_is_let_go(me: UUID) -> None:
    """RELIABILITY F-M5: bounded."""
    connection = live.Connection(me, "token", "en")
    for number in range(live.MOST_WAITING + 10):
        connection.say({"type": "unread", "unread": number})
    assert connection.waiting.qsize() == live.MOST_WAITING
    assert connection.ended.result() == (1013, "too slow")
