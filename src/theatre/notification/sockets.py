"""One websocket: who is at it, what its client may say, and how it ends.

The token comes in the first message, or as the second subprotocol beside `theatre`; never in the address, which lands
in logs. The server says `ready`, `item`, `unread`, `resync` (read the inbox anew) and, twice a minute, `ping`; a client
that has said nothing for a minute is taken for dead.
"""

import asyncio
from contextlib import suppress
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from theatre.kit.access import Principal
from theatre.kit.errors import Transient, Unauthenticated
from theatre.kit.i18n import negotiate
from theatre.notification.live import POLICY_VIOLATED, TRY_LATER, Connection, Live

PROTOCOL = "theatre"
HELLO_SECONDS = 5.0
PING_SECONDS = 25.0
SILENT_SECONDS = 60.0
SEND_SECONDS = 10.0
MAX_MESSAGE_CHARACTERS = 8_192
MOST_MESSAGES = 60
WINDOW_SECONDS = 10.0
GOING_AWAY = 1001
NOT_TEXT = 1003
TOO_BIG = 1009


class Said(BaseModel):
    """What a client may say: a token at first, and a new one before it expires; the last item that it knows; `pong`."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["hello", "pong"] = "hello"
    token: str | None = Field(None, max_length=4_096)
    last_id: UUID | None = None
    locale: Literal["ru", "en"] | None = None


class Ended(Exception):
    """The socket is to be closed."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def is_welcome(socket: WebSocket, public_url: str) -> bool:
    """Tell whether a socket was opened by a page of ours, or by no page at all."""
    origin = socket.headers.get("origin")
    own = {urlsplit(public_url).netloc, socket.headers.get("host")}
    return origin is None or urlsplit(origin).netloc in own


async def serve(socket: WebSocket, live: Live, *, public_url: str) -> None:
    """Serve one websocket until either side ends it."""
    if not is_welcome(socket, public_url):
        await socket.close(POLICY_VIOLATED)
        return
    offered = [word.strip() for word in socket.headers.get("sec-websocket-protocol", "").split(",")]
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in offered else None)
    with suppress(WebSocketDisconnect):
        try:
            await _talk(socket, live, offered)
        except Ended as end:
            await _close(socket, end)


async def _close(socket: WebSocket, end: Ended) -> None:
    # a peer that is gone already cannot be told
    with suppress(RuntimeError):
        await socket.close(end.code, end.reason)


async def _talk(socket: WebSocket, live: Live, offered: list[str]) -> None:
    said = await _introduce(socket, offered)
    principal = await _verify(live, said.token)
    if principal.user_id is None:
        raise Ended(POLICY_VIOLATED, "This door is for users.")
    locale = said.locale or negotiate(socket.headers.get("accept-language", ""))
    connection = Connection(principal.user_id, said.token or "", locale)
    try:
        await live.join(connection, last_id=said.last_id)
        await _until_ended(socket, live, connection)
    finally:
        live.leave(connection)


async def _introduce(socket: WebSocket, offered: list[str]) -> Said:
    if PROTOCOL in offered and len(offered) > 1:
        return Said(token=next(word for word in offered if word != PROTOCOL))
    try:
        async with asyncio.timeout(HELLO_SECONDS):
            return await _hear(socket)
    except TimeoutError as error:
        raise Ended(POLICY_VIOLATED, "Say who you are first.") from error


async def _verify(live: Live, token: str | None) -> Principal:
    if not token:
        raise Ended(POLICY_VIOLATED, "Say who you are first.")
    try:
        return await live.access.verify(token)
    except Unauthenticated as error:
        raise Ended(POLICY_VIOLATED, error.detail) from error
    except Transient as error:
        raise Ended(TRY_LATER, error.detail) from error


async def _hear(socket: WebSocket) -> Said:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", GOING_AWAY))
    text = message.get("text")
    if text is None:
        raise Ended(NOT_TEXT, "Only text is understood here.")
    if len(text) > MAX_MESSAGE_CHARACTERS:
        raise Ended(TOO_BIG, "The message is too long.")
    try:
        return Said.model_validate_json(text)
    except ValidationError as error:
        raise Ended(POLICY_VIOLATED, "The message is not understood.") from error


async def _until_ended(socket: WebSocket, live: Live, connection: Connection) -> None:
    tasks: list[asyncio.Future[None]] = [
        asyncio.create_task(_listen(socket, live, connection)),
        asyncio.create_task(_write(socket, connection)),
    ]
    try:
        ends: list[asyncio.Future[Any]] = [*tasks, connection.ended]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        raise Ended(*connection.ended.result())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(socket: WebSocket, live: Live, connection: Connection) -> None:
    loop = asyncio.get_running_loop()
    since, heard = loop.time(), 0
    while True:
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                said = await _hear(socket)
        except TimeoutError as error:
            raise Ended(GOING_AWAY, "You have not answered for a minute.") from error
        if loop.time() - since > WINDOW_SECONDS:
            since, heard = loop.time(), 0
        heard += 1
        if heard > MOST_MESSAGES:
            raise Ended(POLICY_VIOLATED, "Too many messages.")
        await _answer(live, connection, said)


async def _answer(live: Live, connection: Connection, said: Said) -> None:
    if said.token is not None:
        principal = await _verify(live, said.token)
        if principal.user_id != connection.user_id:
            raise Ended(POLICY_VIOLATED, "This is somebody else's token.")
        connection.token = said.token
    if said.locale is not None:
        connection.locale = said.locale
    if said.last_id is not None:
        await live.replay(connection, said.last_id)


async def _write(socket: WebSocket, connection: Connection) -> None:
    while True:
        try:
            async with asyncio.timeout(PING_SECONDS):
                message = await connection.waiting.get()
        except TimeoutError:
            message = {"type": "ping"}
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await socket.send_json(message)
        except TimeoutError as error:
            raise Ended(TRY_LATER, "too slow") from error
