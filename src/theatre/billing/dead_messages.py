"""Dead messages of billing: facts that no queue would take, and messages that no consumer could settle.

Both wait for a person, with their reason. A replay is safe: the inbox drops what has had its effect already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson
from sqlalchemy import select, tuple_

from theatre.billing.errors import DeadMessageUnknown
from theatre.billing.models import InboxMessage, OutboxMessage
from theatre.kit import outbox
from theatre.kit.broker.port import Broker, DeadMessage
from theatre.kit.db import Session, Sessions

OUTBOX = "outbox"
MAX_BODY_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message put aside. `place` is `outbox` or the queue it died in; without an `id` it cannot be replayed alone."""

    id: UUID | None
    place: str
    type: str
    reason: str
    tries: int | None
    died_at: datetime | None
    body: str


async def list_all(
    sessions: Sessions, broker: Broker, queues: Sequence[str], *, limit: int
) -> list[DeadLetter]:
    """List up to `limit` of each place.

    Raises:
        Transient: the broker does not answer.
    """
    found = {queue: await broker.list_dead(queue, limit=limit) for queue in queues}
    async with sessions() as session:
        unsent = await _list_unsent(session, limit=limit)
        known = await _buried(
            session,
            [(queue, letter.id) for queue, letters in found.items() for letter in letters if letter.id],
        )
    letters = [
        _letter(queue, letter, known.get((queue, letter.id))) for queue in queues for letter in found[queue]
    ]
    return [*unsent, *letters]


async def _list_unsent(session: Session, *, limit: int) -> list[DeadLetter]:
    statement = select(OutboxMessage).where(OutboxMessage.dead_at.is_not(None))
    rows = await session.scalars(statement.order_by(OutboxMessage.dead_at).limit(limit))
    return [
        DeadLetter(
            row.id,
            place=OUTBOX,
            type=row.type,
            reason=row.last_error or "",
            tries=row.tries,
            died_at=row.dead_at,
            body=orjson.dumps(row.data).decode()[:MAX_BODY_CHARACTERS],
        )
        for row in rows
    ]


async def _buried(
    session: Session, letters: Sequence[tuple[str, UUID]]
) -> dict[tuple[str, UUID | None], InboxMessage]:
    is_one = tuple_(InboxMessage.consumer, InboxMessage.message_id).in_(letters)
    rows = await session.scalars(select(InboxMessage).where(is_one))
    return {(row.consumer, row.message_id): row for row in rows}


def _letter(queue: str, letter: DeadMessage, buried: InboxMessage | None) -> DeadLetter:
    return DeadLetter(
        letter.id,
        place=queue,
        type=letter.key,
        reason=letter.reason,
        tries=buried.tries if buried else None,
        died_at=buried.dead_at if buried else None,
        body=letter.body[: MAX_BODY_CHARACTERS * 4].decode(errors="replace")[:MAX_BODY_CHARACTERS],
    )


async def replay_unsent(session: Session, message_id: UUID, *, now: datetime) -> bool:
    """Give a dead fact of the outbox a new set of tries; False if there is none."""
    return await outbox.replay_dead(session, OutboxMessage, ids=[message_id], now=now) > 0


async def replay_letter(broker: Broker, queues: Sequence[str], message_id: UUID) -> None:
    """Put a dead letter back into the queues in which it died.

    Raises:
        DeadMessageUnknown: it is dead in none of them (any more).
        Transient: the broker does not answer.
    """
    replayed = [await broker.replay_dead(queue, [message_id]) for queue in queues]
    if not any(replayed):
        raise DeadMessageUnknown
