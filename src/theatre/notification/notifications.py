"""Accepting what somebody is to be told: once for each `dedupe_key`, into their inbox and with a delivery for each
channel.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.telemetry import current_traceparent
from theatre.notification import inbox
from theatre.notification.kinds import Category, Data, Kind
from theatre.notification.lines import Lines, write_lines
from theatre.notification.models import GIVE_UP_AFTER, ChannelName, Delivery, DeliveryStatus, Notification
from theatre.notification.wakes import DELIVERIES, wake

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class About:
    """What the data do not say of themselves: category, lines for the inbox, and where they lead."""

    category: Category
    lines: Lines
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What somebody is to be told, and by which channels."""

    kind: Kind
    user_id: UUID
    data: Data
    dedupe_key: str
    channels: Collection[ChannelName] = (ChannelName.EMAIL,)
    about: About | None = None

    def describe(self) -> About:
        """Give category, lines and link."""
        return self.about or About(self.data.category, write_lines(self.data), self.data.link)


async def accept(session: Session, news: News, *, now: datetime) -> UUID:
    """Store the news, their place in the inbox and their deliveries; with a `dedupe_key` that is known, change nothing.

    Gives the first id. Locks the inbox.
    """
    stored = await accept_many(session, [news], now=now)
    if stored:
        return stored[0]
    known = select(Notification.id).where(Notification.dedupe_key == news.dedupe_key)
    return (await session.scalars(known)).one()


async def accept_many(session: Session, batch: Sequence[News], *, now: datetime) -> list[UUID]:
    """Store news of as many users likewise, passing over what is known; gives the ids of the others.

    Locks the inboxes, in the order of their users.
    """
    batch = sorted(batch, key=lambda news: news.user_id)
    trace = current_traceparent()
    rows = insert(Notification).values([_row(news, trace, now=now) for news in batch])
    unique = rows.on_conflict_do_nothing(index_elements=["dedupe_key"])
    found = await session.execute(unique.returning(Notification.dedupe_key, Notification.id))
    stored = {row.dedupe_key: row.id for row in found}
    fresh = [(stored[news.dedupe_key], news) for news in batch if news.dedupe_key in stored]
    if fresh:
        deliveries = [
            _delivery(news, notification_id, channel, now=now)
            for notification_id, news in fresh
            for channel in sorted(set(news.channels))
        ]
        await session.execute(insert(Delivery).values(deliveries))
        await inbox.put(session, [_entry(news, notification_id) for notification_id, news in fresh], now=now)
        await wake(session, DELIVERIES)
    return list(stored.values())


def _row(news: News, trace: str | None, *, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "kind": news.kind,
        "category": news.describe().category,
        "user_id": news.user_id,
        "data": news.data.model_dump(mode="json"),
        "dedupe_key": news.dedupe_key,
        "created_at": now,
        "trace": trace,
    }


def _delivery(news: News, notification_id: UUID, channel: str, *, now: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "notification_id": notification_id,
        "kind": news.kind,
        "user_id": news.user_id,
        "channel": channel,
        "status": DeliveryStatus.QUEUED,
        "next_try_at": now,
        "give_up_at": now + GIVE_UP_AFTER,
        "created_at": now,
    }


def _entry(news: News, notification_id: UUID) -> inbox.Entry:
    about = news.describe()
    return inbox.Entry(
        user_id=news.user_id,
        notification_id=notification_id,
        kind=news.kind,
        category=about.category,
        lines=about.lines,
        link=about.link,
    )


async def list_deliveries(session: Session, payment_id: UUID) -> Sequence[Row[Any]]:
    """List the deliveries of all that was told about a payment, oldest first: at most the newest hundred."""
    about = Notification.data["payment_id"].astext
    found = (
        select(
            Delivery.id,
            Notification.kind,
            Notification.data["status"].astext.label("told"),
            Delivery.channel,
            Delivery.status,
            Delivery.tries,
            Delivery.created_at,
            Delivery.sent_at,
        )
        .join(Notification, Notification.id == Delivery.notification_id)
        .where(about.is_not(None), about == str(payment_id))
        .order_by(Notification.created_at.desc(), Delivery.id.desc())
        .limit(MOST_LISTED)
    )
    return (await session.execute(found)).all()[::-1]
