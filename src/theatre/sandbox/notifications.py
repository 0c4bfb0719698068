"""Notifications: written in the transaction of the change they tell of, due until the shop takes them.

No order is promised. YooKassa's are neither signed nor numbered, and taken with exactly 200; Stripe's are both, and
taken with any 2xx.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Update, bindparam, update

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.pagination import Page, PageRequest
from theatre.sandbox import sending, stripe_events
from theatre.sandbox.cards import SCENARIOS, NotificationCourse
from theatre.sandbox.errors import NoSuchObject
from theatre.sandbox.models import (
    Dispute,
    Face,
    Notification,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    face_of,
)
from theatre.sandbox.objects import payment_object, refund_object
from theatre.sandbox.stripe_disputes import dispute_object

# moments of the tries after the event: 0 s, 10 s, 1 min, 5 min, 15 min, then hourly for a day
TRIES_AFTER = (
    *(timedelta(seconds=seconds) for seconds in (0, 10, 60, 300, 900)),
    *(timedelta(seconds=900 + 3600 * hour) for hour in range(1, 24)),
)
LATE_BY = timedelta(seconds=5)
HAS_NEWS = "has_notifications"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try: a status, or why there was none; only a course if it was not sent at all."""

    is_taken: bool = False
    status: int | None = None
    error: str | None = None
    course: NotificationCourse | None = None


def tell_of_payment(session: Session, payment: Payment, now: datetime) -> None:
    """Have the shop told what a payment has become."""
    course = SCENARIOS[payment.scenario].notifications if payment.scenario else None
    if face_of(payment.shop_id) is Face.STRIPE:
        _add(session, payment, stripe_events.of_payment(payment), course=course, now=now)
        return
    if payment.status == PaymentStatus.PENDING:
        return
    is_first = payment.status == PaymentStatus.WAITING_FOR_CAPTURE or payment.captures_at_once
    if course is NotificationCourse.LATE and not is_first:
        course = None
    news = (f"payment.{payment.status}", payment_object(payment, ""))
    _add(session, payment, news, course=course, now=now)


def tell_of_refund(session: Session, refund: Refund, payment: Payment, *, now: datetime) -> None:
    """Have the shop told how a refund stands. YooKassa has no such event but for money given back."""
    if face_of(payment.shop_id) is Face.STRIPE:
        for news in stripe_events.of_refund(refund, payment, now):
            _add(session, payment, news, course=None, now=now)
    elif refund.status == RefundStatus.SUCCEEDED:
        _add(session, payment, ("refund.succeeded", refund_object(refund)), course=None, now=now)


def tell_of_dispute(
    session: Session, dispute: Dispute, payment: Payment, *, news: Sequence[str], now: datetime
) -> None:
    """Have the shop told how a dispute stands, in as many notifications as there is news."""
    about = dispute_object(dispute, payment)
    for event in news:
        _add(session, payment, (f"charge.dispute.{event}", about), course=None, now=now)


def _add(
    session: Session,
    payment: Payment,
    news: tuple[str, dict[str, object]],
    *,
    course: NotificationCourse | None,
    now: datetime,
) -> None:
    notification_id, (event, about) = new_id(), news
    content: dict[str, object] = {"type": "notification", "event": event, "object": about}
    if face_of(payment.shop_id) is Face.STRIPE:
        content = stripe_events.event_object(notification_id, event, about, now=now)
    session.add(
        Notification(
            id=notification_id,
            shop_id=payment.shop_id,
            payment_id=payment.id,
            event=event,
            body=orjson.dumps(content).decode(),
            course=course,
            created_at=now,
            next_try_at=now,
        )
    )
    session.info[HAS_NEWS] = True


def _delivering() -> Update:
    done: dict[str, Any] = {"delivered_at": bindparam("now"), "next_try_at": None}
    delivered = update(Notification).where(Notification.id.in_(bindparam("ids", expanding=True)))
    return delivered.values({**_after_try(Outcome(is_taken=True, status=200)), **done})


async def claim_due(session: Session, *, now: datetime, limit: int) -> Sequence[Notification]:
    """Take notifications that are due, for a lease; several senders never get the same one."""
    taken = await session.scalars(CLAIMING, {"now": now, "limit": limit})
    return sorted(taken, key=lambda one: one.id)


async def record(session: Session, tried: Sequence[tuple[Notification, Outcome]], *, now: datetime) -> None:
    """Write down what came of tries: what was not taken is due again while the day lasts."""
    delivered = [row.id for row, outcome in tried if outcome.is_taken]
    if delivered:
        await session.execute(DELIVERING, {"now": now, "ids": delivered}, execution_options=UNSYNCHRONIZED)
    for row, outcome in tried:
        if row.id not in delivered:
            change = update(Notification).where(Notification.id == row.id)
            await session.execute(change.values(_undelivered(row, outcome, now)))


def _after_try(outcome: Outcome) -> dict[str, Any]:
    return {
        "tries": Notification.tries + 1,
        "last_status": outcome.status,
        "last_error": outcome.error,
        "claimed_until": None,
        "course": None,
    }


# hot, so they are put together once
CLAIMING = sending.claiming(Notification)
DELIVERING = _delivering()
UNSYNCHRONIZED = {"synchronize_session": False}


def _undelivered(row: Notification, outcome: Outcome, now: datetime) -> dict[str, Any]:
    if outcome.course is NotificationCourse.LATE:
        return {"next_try_at": now + LATE_BY, "claimed_until": None, "course": None}
    if outcome.course is NotificationCourse.LOST:
        return {"next_try_at": None, "claimed_until": None, "is_lost": True}
    return {**_after_try(outcome), "next_try_at": sending.next_try(row.created_at, TRIES_AFTER, now=now)}


async def list_page(
    session: Session, page: PageRequest, *, payment_id: UUID | None = None
) -> Page[Notification]:
    """List notifications, newest first, of one payment if it is named."""
    of_one = [Notification.payment_id == payment_id] if payment_id is not None else []
    return await sending.list_page(session, Notification, page, *of_one)


async def redeliver(session: Session, notification_id: UUID, *, now: datetime) -> Notification:
    """Have one sent again at once, whatever became of it before.

    Raises:
        NoSuchObject
    """
    notification = await sending.find_again(session, Notification, notification_id, now=now)
    if notification is None:
        raise NoSuchObject
    notification.course = None
    notification.is_lost = False
    session.info[HAS_NEWS] = True
    return notification
