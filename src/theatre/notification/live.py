"""Inboxes live: every process keeps its own connections, and looks at the inboxes of their users when it is woken, or
once a second. What is sent is read from the tables, so a wake that is lost costs a second and nothing else.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from theatre.kit.access import Access
from theatre.kit.db import Session, Sessions, transaction
from theatre.kit.errors import Transient, Unauthenticated
from theatre.kit.logging import get_logger
from theatre.kit.wakeup import LOST
from theatre.notification import inbox
from theatre.notification.inbox import State
from theatre.notification.models import InboxItem
from theatre.notification.schemas import ItemAnswer
from theatre.notification.wakes import Bell

Message: TypeAlias = dict[str, object]

LOOK_SECONDS = 1.0
# between two looks, however often we are woken
REST_SECONDS = 0.05
MOST_OF_USER = 5
MOST_IN_ALL = 5_000
MOST_WAITING = 128
MOST_REPLAYED = 100
POLICY_VIOLATED = 1008
TRY_LATER = 1013

log = get_logger(__name__)


@dataclass(eq=False)
class Connection:
    """One open socket of a user, and what its client knows: everything up to an item's `number`."""

    user_id: UUID
    token: str
    locale: str
    known: State = field(default_factory=State)
    waiting: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    ended: asyncio.Future[tuple[int, str]] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def say(self, message: Message) -> None:
        """Queue a message; a client that does not read is let go."""
        try:
            self.waiting.put_nowait(message)
        except asyncio.QueueFull:
            self.end(TRY_LATER, "too slow")

    def end(self, code: int, reason: str) -> None:
        """Let the socket be closed; the first word counts."""
        if not self.ended.done():
            self.ended.set_result((code, reason))


class Live:
    """The connections of this process."""

    def __init__(self, sessions: Sessions, access: Access) -> None:
        self.bell = Bell()
        self.access = access
        self._sessions = sessions
        self._connections: defaultdict[UUID, list[Connection]] = defaultdict(list)

    @property
    def number(self) -> int:
        """How many connections are open."""
        return sum(map(len, self._connections.values()))

    async def join(self, connection: Connection, *, last_id: UUID | None) -> None:
        """Greet a client, replay what came after the item it saw last, and keep it told from now on.

        Of too many connections of one user the oldest ends; past what a process holds, the new one does.
        """
        if self.number >= MOST_IN_ALL:
            connection.end(TRY_LATER, "too many connections")
            return
        async with transaction(self._sessions) as session:
            connection.known = (await inbox.find_states(session, [connection.user_id])).get(
                connection.user_id, State()
            )
            await self._greet(session, connection, last_id)
        mine = self._connections[connection.user_id]
        mine.append(connection)
        for oldest in mine[:-MOST_OF_USER]:
            oldest.end(POLICY_VIOLATED, "too many connections")

    async def replay(self, connection: Connection, last_id: UUID) -> None:
        """Send what came after an item once more."""
        async with transaction(self._sessions) as session:
            await self._greet(session, connection, last_id)

    def leave(self, connection: Connection) -> None:
        """Forget a connection."""
        mine = self._connections[connection.user_id]
        if connection in mine:
            mine.remove(connection)
        if not mine:
            del self._connections[connection.user_id]

    async def run(self) -> None:
        """Keep every connection told, and end those whose session has ended, until cancelled."""
        while True:
            await self.bell.wait(at_most_seconds=LOOK_SECONDS)
            try:
                await self.look()
            except LOST as error:
                log.warning("live.not_looked", error=repr(error))
            await asyncio.sleep(REST_SECONDS)

    async def look(self) -> None:
        """Tell every connection what has changed since it was told last."""
        for connection in self._all():
            await self._check(connection)
        if not self._connections:
            return
        async with transaction(self._sessions) as session:
            states = await inbox.find_states(session, list(self._connections))
            for user_id, state in states.items():
                behind = [one for one in self._connections.get(user_id, ()) if one.known != state]
                if behind:
                    await _catch_up(session, behind, state)

    def _all(self) -> Iterable[Connection]:
        return [connection for mine in self._connections.values() for connection in mine]

    async def _check(self, connection: Connection) -> None:
        try:
            with suppress(Transient):
                await self.access.verify(connection.token)
        except Unauthenticated as error:
            connection.end(POLICY_VIOLATED, error.detail)

    async def _greet(self, session: Session, connection: Connection, last_id: UUID | None) -> None:
        user_id = connection.user_id
        unread = await inbox.count_unread(session, user_id)
        if last_id is None:
            connection.say({"type": "ready", "unread": unread})
            return
        number = await inbox.find_number(session, user_id, last_id)
        missed = await _missed(session, user_id, number)
        if missed is None:
            connection.say({"type": "resync", "unread": unread})
            return
        connection.say({"type": "ready", "unread": unread})
        for item in missed:
            # what came since the state was read comes by the next look
            if item.number <= connection.known.number:
                connection.say(_told(item, connection, unread))


async def _catch_up(session: Session, behind: list[Connection], state: State) -> None:
    user_id = behind[0].user_id
    unread = await inbox.count_unread(session, user_id)
    missed = await _missed(session, user_id, min(one.known.number for one in behind))
    for connection in behind:
        news = [item for item in missed or () if connection.known.number < item.number <= state.number]
        connection.known = state
        if missed is None:
            connection.say({"type": "resync", "unread": unread})
        elif not news:
            connection.say({"type": "unread", "unread": unread})
        for item in news:
            connection.say(_told(item, connection, unread))


async def _missed(session: Session, user_id: UUID, number: int | None) -> list[InboxItem] | None:
    """Read what came after an item; None if that is not known any more, or too much to send."""
    if number is None:
        return None
    items = await inbox.find_after(session, user_id, number, limit=MOST_REPLAYED + 1)
    return None if len(items) > MOST_REPLAYED else list(items)


def _told(item: InboxItem, connection: Connection, unread: int) -> Message:
    answer = ItemAnswer.of(item, connection.locale).model_dump(mode="json")
    return {"type": "item", "item": answer, "unread": unread}
