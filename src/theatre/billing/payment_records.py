"""Payments as staff read them: found by filters, with their history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from theatre.billing.models import Payment, PaymentStatus, PaymentTransition
from theatre.kit.db import Session
from theatre.kit.pagination import Page, PageRequest, page_of


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments are wanted; moments are of creation, `since` included and `until` not. `reference` is an id of
    the payment, its buyer or its attempt."""

    status: PaymentStatus | None = None
    user_id: UUID | None = None
    provider: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    reference: UUID | None = None


async def list_all(session: Session, wanted: PaymentFilter, request: PageRequest) -> Page[Payment]:
    """List payments of all users, newest first."""
    statement = select(Payment).order_by(Payment.id.desc())
    for column, value in (
        (Payment.status, wanted.status),
        (Payment.user_id, wanted.user_id),
        (Payment.provider, wanted.provider),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(Payment.created_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(Payment.created_at < wanted.until)
    if (reference := wanted.reference) is not None:
        statement = statement.where(
            or_(
                Payment.id == reference,
                Payment.user_id == reference,
                Payment.open_attempt_id == reference,
                Payment.paid_attempt_id == reference,
            )
        )
    if request.after:
        statement = statement.where(Payment.id < request.uuid_after())
    statement = statement.options(selectinload(Payment.items)).limit(request.limit + 1)
    return page_of((await session.scalars(statement)).all(), request, key=lambda row: (row.id,))


async def list_transitions(session: Session, payment_id: UUID) -> Sequence[PaymentTransition]:
    """List what became of a payment, oldest first."""
    statement = select(PaymentTransition).where(PaymentTransition.payment_id == payment_id)
    return (await session.scalars(statement.order_by(PaymentTransition.id))).all()
