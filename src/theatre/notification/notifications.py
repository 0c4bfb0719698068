"""Accepting what somebody is to be told: once for each `dedupe_key`, with a delivery for each channel."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.telemetry import current_traceparent
from theatre.notification.kinds import Data, Kind
from theatre.notification.models import ChannelName, Delivery, DeliveryStatus, Notification

MOST_LISTED = 100
WAKEUP_CHANNEL = "notification_delivery"
# A notifying commit holds a lock of the whole database, so of transactions side by side only one notifies; whatever
# the woken worker does not see yet it finds at its next look.
WAKE = text("SELECT pg_notify(:channel, '') WHERE pg_try_advisory_xact_lock(hashtext(:channel))")


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What somebody is to be told, and by which channels."""

    kind: Kind
    user_id: UUID
    data: Data
    dedupe_key: str
    channels: Collection[ChannelName] = (ChannelName.EMAIL,)


async def accept(session: Session, news: News, *, now: datetime) -> UUID:
    """Store the news and its deliveries; with a `dedupe_key` that is known, change nothing. Gives the first id."""
    row = insert(Notification).values(
        id=new_id(),
        kind=news.kind,
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
                channel=channel,
                status=DeliveryStatus.QUEUED,
                next_try_at=now,
                created_at=now,
            )
        )
    await session.execute(WAKE, {"channel": WAKEUP_CHANNEL})
    return stored_id


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
