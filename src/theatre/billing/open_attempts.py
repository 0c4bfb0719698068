"""Open attempts are asked about until their outcome is known, whatever became of the message that should tell it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import select

from theatre.billing import attempts, charges, settlements
from theatre.billing.attempts import NOT_FOUND, UNPROCESSABLE
from theatre.billing.models import Payment, PaymentMethod, PaymentStatus
from theatre.billing.payments import ASK_AFTER
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import (
    Attempt,
    AttemptFailed,
    AttemptStart,
    AttemptStatus,
    AttemptSucceeded,
    PaymentClient,
)
from theatre.contracts.payment_methods import ChargeStart
from theatre.kit.db import Session, Sessions, transact
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger

ASK_AT_MOST_EVERY = timedelta(hours=1)
ASK_BATCH = 50
Question: TypeAlias = AttemptStart | ChargeStart

log = get_logger(__name__)


async def ask_due(
    sessions: Sessions, client: PaymentClient, *, settings: BillingSettings, now: datetime
) -> int:
    """Ask payment-service about open attempts whose time to ask has come; gives how many were asked.

    Payment-service asks the provider. An attempt that it never heard of is started under the same id, or taken back
    if it would not store that.
    """
    async with sessions.begin() as session:
        due = await _claim_due(session, now=now)
        questions = [await _question_of(session, payment, settings) for payment in due]
    for question in questions:
        await _ask(sessions, client, question, settings=settings, now=now)
    return len(questions)


async def ask_about(
    sessions: Sessions, client: PaymentClient, payment_id: UUID, *, settings: BillingSettings, now: datetime
) -> None:
    """Ask payment-service about the open attempt of a payment, which so begins if it had not. Without an answer it is
    asked again in its time."""
    async with sessions.begin() as session:
        payment = await session.get_one(Payment, payment_id)
        if payment.status != PaymentStatus.PENDING:
            return
        question = await _question_of(session, payment, settings)
    await _ask(sessions, client, question, settings=settings, now=now)


async def _question_of(session: Session, payment: Payment, settings: BillingSettings) -> Question:
    if payment.payment_method_id is None:
        return attempts.question_of(payment, settings)
    method = await session.get_one(PaymentMethod, payment.payment_method_id)
    return charges.question_of(payment, method)


async def _ask(
    sessions: Sessions,
    client: PaymentClient,
    question: Question,
    *,
    settings: BillingSettings,
    now: datetime,
) -> None:
    try:
        attempt = await _read_or_start(client, question)
    except (Unknown, Refused) as error:
        log.warning("attempt not answered for yet", attempt_id=str(question.id), error=repr(error))
        return
    if attempt is None:
        await attempts.withdraw(sessions, question, now=now)
    else:
        await transact(sessions, partial(_settle, attempt=attempt, settings=settings, now=now))


async def _claim_due(session: Session, *, now: datetime) -> Sequence[Payment]:
    statement = (
        select(Payment)
        .where(Payment.status == PaymentStatus.PENDING, Payment.next_ask_at <= now)
        .order_by(Payment.next_ask_at)
        .limit(ASK_BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    for payment in due:
        waited = now - payment.created_at
        payment.next_ask_at = now + min(max(waited, ASK_AFTER), ASK_AT_MOST_EVERY)
    return due


async def _read_or_start(client: PaymentClient, ask: Question) -> Attempt | None:
    """Give the attempt as payment-service has it; None if it has none and will not."""
    try:
        return await client.read(ask.id)
    except Refused as error:
        if error.refused_status != NOT_FOUND:
            raise
    try:
        return await (client.charge(ask) if isinstance(ask, ChargeStart) else client.start(ask))
    except Refused as error:
        if error.refused_status != UNPROCESSABLE:
            raise
    return None


async def _settle(session: Session, *, attempt: Attempt, settings: BillingSettings, now: datetime) -> None:
    """Take note of an outcome; if its message is still on its way, that one will have no effect."""
    if attempt.status is AttemptStatus.FAILED and attempt.failure is not None:
        failed = AttemptFailed(
            attempt_id=attempt.id, payment_id=attempt.payment_id, failure=attempt.failure, is_expired=False
        )
        await attempts.fail(session, failed, now=now)
    if attempt.captured is not None and attempt.captured_at is not None:
        succeeded = AttemptSucceeded(
            attempt_id=attempt.id,
            payment_id=attempt.payment_id,
            captured=attempt.captured,
            provider=attempt.provider,
            provider_reference=attempt.provider_reference or "",
            captured_at=attempt.captured_at,
            fee=attempt.fee,
            method=attempt.method,
        )
        await settlements.settle(session, succeeded, settings=settings, now=now)
