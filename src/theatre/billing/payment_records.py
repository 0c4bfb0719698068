"""Payments and refunds as staff read them: found by filters, and one payment with all that is known of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import selectinload

from theatre.billing import disputes, explanations, ledger, payments, receipts, refunds
from theatre.billing.explanations import Step
from theatre.billing.models import (
    Dispute,
    LedgerEntry,
    Payment,
    PaymentStatus,
    PaymentTransition,
    Receipt,
    Refund,
    RefundStatus,
)
from theatre.billing.payment_search import Matches
from theatre.contracts.notification import DeliveryState, NotificationClient
from theatre.contracts.payment import Attempt, PaymentClient
from theatre.contracts.payment_records import ProviderEvent
from theatre.kit.db import Session
from theatre.kit.http import Refused, Unknown
from theatre.kit.listing import Listing
from theatre.kit.logging import get_logger

log = get_logger(__name__)

ASK_LIMIT_SECONDS = 3.0
"""A page does not wait longer for another service."""
MAX_ASKED = 20
PAYMENT_COLUMNS = (
    Payment.id,
    Payment.created_at,
    Payment.status,
    Payment.user_id,
    Payment.title,
    Payment.total_minor,
    Payment.discount_minor,
    Payment.refunded_minor,
    Payment.currency,
    Payment.promo_code,
    Payment.provider,
    Payment.paid_attempt_id,
    Payment.paid_at,
    Payment.canceled_at,
    Payment.expires_at,
    Payment.failure_code,
)
REFUND_COLUMNS = (
    Refund.id,
    Refund.created_at,
    Refund.status,
    Refund.payment_id,
    Refund.amount_minor,
    Refund.currency,
    Refund.provider,
    Refund.source,
    Refund.reason,
    Refund.takes_rights,
    Refund.requested_by,
    Refund.decided_by,
    Refund.decided_at,
    Refund.settled_at,
    Refund.failure_code,
)


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments are wanted; moments are of creation, `since` included and `until` not.

    Amounts are of the total, both ends included, and go with a currency. `has_refund`: money of it was given back.
    `matches` is what the word that staff searched by may mean.
    """

    status: PaymentStatus | None = None
    user_id: UUID | None = None
    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    currency: str | None = None
    from_minor: int | None = None
    to_minor: int | None = None
    has_refund: bool | None = None
    matches: Matches | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A payment with all that billing knows of it, oldest first; `steps` explain its amounts."""

    payment: Payment
    history: Sequence[PaymentTransition]
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    entries: Sequence[LedgerEntry]
    receipts: Sequence[Receipt]
    steps: Sequence[Step]

    @property
    def attempt_ids(self) -> list[UUID]:
        """Name every attempt that was begun, oldest first."""
        return list(dict.fromkeys(change.attempt_id for change in self.history if change.attempt_id))


def find(wanted: PaymentFilter) -> Listing[Payment]:
    """List payments of all users, newest first."""
    rows = select(Payment)
    for column, value in (
        (Payment.status, wanted.status),
        (Payment.user_id, wanted.user_id),
        (Payment.provider, wanted.provider),
        (Payment.currency, wanted.currency),
    ):
        if value is not None:
            rows = rows.where(column == value)
    if wanted.since is not None:
        rows = rows.where(Payment.created_at >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(Payment.created_at < wanted.until)
    if wanted.from_minor is not None:
        rows = rows.where(Payment.total_minor >= wanted.from_minor)
    if wanted.to_minor is not None:
        rows = rows.where(Payment.total_minor <= wanted.to_minor)
    if wanted.has_refund is not None:
        rows = rows.where(Payment.refunded_minor > 0 if wanted.has_refund else Payment.refunded_minor == 0)
    if wanted.matches is not None:
        rows = rows.where(_matching(wanted.matches))
    return Listing(
        rows,
        keys=(Payment.created_at, Payment.id),
        columns=PAYMENT_COLUMNS,
        options=(selectinload(Payment.items),),
    )


def _matching(matches: Matches) -> ColumnElement[bool]:
    found = [
        (Payment.id.in_(matches.payment_ids), matches.payment_ids),
        (Payment.user_id.in_(matches.user_ids), matches.user_ids),
        (Payment.promo_code == matches.promo_code, matches.promo_code),
    ]
    return or_(false(), *(condition for condition, given in found if given))


def find_refunds(*, status: RefundStatus | None = None, payment_id: UUID | None = None) -> Listing[Refund]:
    """List refunds, newest first."""
    rows = select(Refund)
    if status is not None:
        rows = rows.where(Refund.status == status)
    if payment_id is not None:
        rows = rows.where(Refund.payment_id == payment_id)
    return Listing(rows, keys=(Refund.id,), columns=REFUND_COLUMNS)


async def get(session: Session, payment_id: UUID) -> Record:
    """Gather all that billing knows of a payment.

    Raises:
        PaymentUnknown
    """
    payment = await payments.get(session, payment_id)
    statement = select(PaymentTransition).where(PaymentTransition.payment_id == payment_id)
    return Record(
        payment,
        history=(await session.scalars(statement.order_by(PaymentTransition.id))).all(),
        refunds=await refunds.list_of(session, payment_id),
        disputes=await disputes.list_of(session, payment_id),
        entries=await ledger.list_entries(session, payment_id),
        receipts=await receipts.list_of(session, payment_id),
        steps=await explanations.explain(session, payment_id),
    )


async def ask_attempts(client: PaymentClient, attempt_ids: Sequence[UUID]) -> dict[UUID, Attempt]:
    """Ask payment-service about the latest attempts; those that it does not answer for in time are absent."""
    answers = await asyncio.gather(*(_ask(client, attempt_id) for attempt_id in attempt_ids[-MAX_ASKED:]))
    return {attempt.id: attempt for attempt in answers if attempt is not None}


async def ask_events(client: PaymentClient, payment_id: UUID) -> list[ProviderEvent] | None:
    """Ask payment-service which callbacks came about a payment; None if it does not answer in time."""
    try:
        async with asyncio.timeout(ASK_LIMIT_SECONDS):
            return await client.list_events(payment_id)
    except (Unknown, Refused, TimeoutError) as error:
        log.info("callbacks not shown", payment_id=str(payment_id), error=repr(error))
        return None


async def ask_deliveries(client: NotificationClient, payment_id: UUID) -> list[DeliveryState] | None:
    """Ask notification-service what was told about a payment; None if it does not answer in time."""
    try:
        async with asyncio.timeout(ASK_LIMIT_SECONDS):
            return await client.list_deliveries(payment_id)
    except (Unknown, Refused, TimeoutError) as error:
        log.info("deliveries not shown", payment_id=str(payment_id), error=repr(error))
        return None


async def _ask(client: PaymentClient, attempt_id: UUID) -> Attempt | None:
    try:
        async with asyncio.timeout(ASK_LIMIT_SECONDS):
            return await client.read(attempt_id)
    except (Unknown, Refused, TimeoutError) as error:
        log.info("attempt not shown", attempt_id=str(attempt_id), error=repr(error))
        return None
