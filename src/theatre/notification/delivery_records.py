"""Deliveries as staff see them: how each went, and trying one again once its cause is gone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BindParameter, bindparam, select

from theatre.kit.db import Session
from theatre.kit.listing import Listing
from theatre.notification.errors import DeliveryNotFound, NotRetryable
from theatre.notification.kinds import Kind
from theatre.notification.models import GIVE_UP_AFTER, RETRYABLE, ChannelName, Delivery, DeliveryStatus
from theatre.notification.wakes import DELIVERIES, wake


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which deliveries are wanted."""

    status: DeliveryStatus | None = None
    channel: ChannelName | None = None
    kind: Kind | None = None
    user_id: UUID | None = None


def find(wanted: Filter) -> Listing[Delivery]:
    """List deliveries, newest first."""
    rows = select(Delivery)
    if wanted.status is not None:
        # as a constant, since the index is of part of the table
        status: BindParameter[str] = bindparam("wanted_status", wanted.status.value, literal_execute=True)
        rows = rows.where(Delivery.status == status)
    for column, value in (
        (Delivery.channel, wanted.channel),
        (Delivery.kind, wanted.kind),
        (Delivery.user_id, wanted.user_id),
    ):
        if value is not None:
            rows = rows.where(column == value)
    return Listing(rows, keys=(Delivery.id,))


async def get(session: Session, delivery_id: UUID) -> Delivery:
    """Read a delivery.

    Raises:
        DeliveryNotFound
    """
    delivery = await session.get(Delivery, delivery_id)
    if delivery is None:
        raise DeliveryNotFound
    return delivery


async def retry(session: Session, delivery_id: UUID, *, now: datetime) -> Delivery:
    """Queue a delivery again that failed or is dead, with a new day to be tried in. Locks it.

    Raises:
        DeliveryNotFound, NotRetryable
    """
    delivery = await session.get(Delivery, delivery_id, with_for_update=True)
    if delivery is None:
        raise DeliveryNotFound
    if delivery.status not in RETRYABLE:
        raise NotRetryable
    delivery.status = DeliveryStatus.QUEUED
    delivery.next_try_at, delivery.give_up_at = now, now + GIVE_UP_AFTER
    await session.flush()
    await wake(session, DELIVERIES)
    return delivery
