"""The inbox of a user: what they were told, newest first, until it is too old or too many.

An item's `number` counts within one inbox and is given under the lock of that inbox's row, so numbers become visible in
their order: whoever has seen one misses nothing by asking for those above it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.notification.errors import ItemNotFound
from theatre.notification.lines import Lines
from theatre.notification.models import Inbox, InboxItem
from theatre.notification.wakes import INBOXES, wake

MOST_ITEMS = 500
PURGE_BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is put into somebody's inbox; `link` is a path of our site."""

    user_id: UUID
    notification_id: UUID
    kind: str
    category: str
    lines: Lines
    link: str


@dataclass(frozen=True, slots=True)
class State:
    """How an inbox stands: `version` counts its changes, `number` is that of its newest item."""

    version: int = 0
    number: int = 0


async def put(session: Session, entries: Sequence[Entry], *, now: datetime) -> None:
    """Put entries into inboxes, at most one for each user, and drop what is more than an inbox holds.

    Locks the inboxes, in the order of their users.
    """
    entries = sorted(entries, key=lambda entry: entry.user_id)
    numbers = await _count_on(session, [entry.user_id for entry in entries])
    rows = [
        {
            "id": new_id(),
            "user_id": entry.user_id,
            "number": numbers[entry.user_id],
            "notification_id": entry.notification_id,
            "kind": entry.kind,
            "category": entry.category,
            "lines": entry.lines,
            "link": entry.link,
            "created_at": now,
        }
        for entry in entries
    ]
    await session.execute(insert(InboxItem).values(rows))
    await _drop_excess(session, list(numbers))
    await wake(session, INBOXES)


async def _count_on(session: Session, user_ids: Sequence[UUID]) -> dict[UUID, int]:
    rows = insert(Inbox).values(
        [{"user_id": user_id, "last_number": 1, "version": 1} for user_id in user_ids]
    )
    counted = rows.on_conflict_do_update(
        index_elements=["user_id"],
        set_={"last_number": Inbox.last_number + 1, "version": Inbox.version + 1},
    )
    found = await session.execute(counted.returning(Inbox.user_id, Inbox.last_number))
    return {row.user_id: row.last_number for row in found}


async def _drop_excess(session: Session, user_ids: Sequence[UUID]) -> None:
    excess = InboxItem.number <= Inbox.last_number - MOST_ITEMS
    await session.execute(
        delete(InboxItem)
        .where(InboxItem.user_id == Inbox.user_id, Inbox.user_id.in_(user_ids), excess)
        .execution_options(synchronize_session=False)
    )


def find(user_id: UUID, *, only_unread: bool = False) -> Listing[InboxItem]:
    """List the items of an inbox, newest first."""
    rows = select(InboxItem).where(InboxItem.user_id == user_id)
    if only_unread:
        rows = rows.where(InboxItem.read_at.is_(None))
    return Listing(rows, keys=(InboxItem.number,))


async def find_after(session: Session, user_id: UUID, number: int, *, limit: int) -> Sequence[InboxItem]:
    """Read what came after an item, oldest first."""
    later = select(InboxItem).where(InboxItem.user_id == user_id, InboxItem.number > number)
    return (await session.scalars(later.order_by(InboxItem.number).limit(limit))).all()


async def find_number(session: Session, user_id: UUID, item_id: UUID) -> int | None:
    """Tell the number of an item; None if it is gone, or never was in this inbox."""
    numbers = select(InboxItem.number).where(InboxItem.id == item_id, InboxItem.user_id == user_id)
    return await session.scalar(numbers)


async def find_states(session: Session, user_ids: Collection[UUID]) -> Mapping[UUID, State]:
    """Read how inboxes stand; those that never held anything are not among them."""
    rows = select(Inbox.user_id, Inbox.version, Inbox.last_number).where(Inbox.user_id.in_(user_ids))
    return {row.user_id: State(row.version, row.last_number) for row in await session.execute(rows)}


async def count_unread(session: Session, user_id: UUID) -> int:
    """Count what the user has not read."""
    unread = select(func.count()).where(InboxItem.user_id == user_id, InboxItem.read_at.is_(None))
    return await session.scalar(unread) or 0


async def read(session: Session, user_id: UUID, item_id: UUID, *, now: datetime) -> InboxItem:
    """Mark an item as read; it stays read since the first time.

    Raises:
        ItemNotFound: not there, or in another's inbox.
    """
    await _lock(session, user_id)
    item = await session.get(InboxItem, item_id)
    if item is None or item.user_id != user_id:
        raise ItemNotFound
    if item.read_at is None:
        item.read_at = now
        await _tell_changed(session, user_id)
    return item


async def read_all(session: Session, user_id: UUID, *, now: datetime) -> None:
    """Mark everything as read that is in the inbox now."""
    await _lock(session, user_id)
    unread = update(InboxItem).where(InboxItem.user_id == user_id, InboxItem.read_at.is_(None))
    marked = await session.scalars(unread.values(read_at=now).returning(InboxItem.number))
    if marked.all():
        await _tell_changed(session, user_id)


async def _lock(session: Session, user_id: UUID) -> None:
    await session.execute(select(Inbox.version).where(Inbox.user_id == user_id).with_for_update())


async def _tell_changed(session: Session, user_id: UUID) -> None:
    await session.execute(update(Inbox).where(Inbox.user_id == user_id).values(version=Inbox.version + 1))
    await wake(session, INBOXES)


async def delete_old(session: Session, *, before: datetime) -> int:
    """Delete a batch of items older than a moment; tell how many."""
    old = select(InboxItem.user_id, InboxItem.number).where(InboxItem.created_at < before).limit(PURGE_BATCH)
    gone = delete(InboxItem).where(tuple_(InboxItem.user_id, InboxItem.number).in_(old))
    result = await session.scalars(
        gone.returning(InboxItem.number).execution_options(synchronize_session=False)
    )
    return len(result.all())
