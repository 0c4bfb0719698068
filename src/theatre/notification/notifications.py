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
from theatre.notification.kinds import Data, Kind
from theatre.notification.lines import write_lines
from theatre.notification.models import GIVE_UP_AFTER, ChannelName, Delivery, DeliveryStatus, Notification
from theatre.notification.wakes import DELIVERIES, wake

MOST_LISTED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What somebody is to be told, and by which channels."""

    kind: Kind
    user_id: UUID
    data: Data
    dedupe_key: str
    channels: Collection[ChannelName] = (ChannelName.EMAIL,)


async def accept(session: Session, news: News, *, now: datetime) -> UUID:
    """Store the news, their place in the inbox and their deliveries; with a `dedupe_key` that is known, change nothing.

    Gives the first id. Locks the inbox.
    """
    row = insert(Notification).values(
        id=new_id(),
        kind=news.kind,
        category=news.data.category,
        user_id=news.user_id,
        data=news.data.model_dump(mode="json"),
        dedupe_key=news.dedupe_key,
        created_at=now,
        trace=current_traceparent(),
    )
    unique = row.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(Notification.id)
    stored_id = await session.scalar(unique)
    if stored_id is None:
        known = select(Notification.id).where(Notification.dedupe_key == news.dedupe_key)
        return (await session.scalars(known)).one()
    for channel in sorted(set(news.channels)):
        session.add(
            Delivery(
                id=new_id(),
                notification_id=stored_id,
                kind=news.kind,
                user_id=news.user_id,
                channel=channel,
                status=DeliveryStatus.QUEUED,
                next_try_at=now,
                give_up_at=now + GIVE_UP_AFTER,
                created_at=now,
            )
        )
    await inbox.put(session, [_entry(news, stored_id)], now=now)
    await wake(session, DELIVERIES)
    return stored_id


def _entry(news: News, notification_id: UUID) -> inbox.Entry:
    return inbox.Entry(
        user_id=news.user_id,
        notification_id=notification_id,
        kind=news.kind,
        category=news.data.category,
        lines=write_lines(news.data),
        link=news.data.link,
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
