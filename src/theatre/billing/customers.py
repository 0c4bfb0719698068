"""Customers as staff see them: what one person bought, has paid, got back and may watch."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, cast, func, select

from theatre.billing import entitlements, subscriptions
from theatre.billing.models import Case, Dispute, Entitlement, Payment, Refund, Subscription
from theatre.kit.db import Session
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageRequest

SHOWN = PageRequest(limit=100, after=None)
"""Of rights, plans, disputes and cases the newest are shown; the lists have the rest."""


@dataclass(frozen=True, slots=True)
class Sum:
    """How many payments or refunds are in one state and currency, and what they come to."""

    status: str
    currency: str
    count: int
    total_minor: int
    refunded_minor: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """One customer at a glance; the notes that staff made of them are those of their cases."""

    user_id: UUID
    payments: Sequence[Sum]
    refunds: Sequence[Sum]
    entitlements: Sequence[Entitlement]
    subscriptions: Sequence[Subscription]
    disputes: Sequence[Dispute]
    cases: Sequence[Case]


async def summarize(session: Session, user_id: UUID, *, now: datetime) -> Summary:
    """Sum up a customer. Billing knows of nobody who has not bought: their summary is empty."""
    paid = (
        select(
            Payment.status,
            Payment.currency,
            func.count(),
            _sum(Payment.total_minor),
            _sum(Payment.refunded_minor),
        )
        .where(Payment.user_id == user_id)
        .group_by(Payment.status, Payment.currency)
        .order_by(Payment.status, Payment.currency)
    )
    given_back = (
        select(Refund.status, Refund.currency, func.count(), _sum(Refund.amount_minor))
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Payment.user_id == user_id)
        .group_by(Refund.status, Refund.currency)
        .order_by(Refund.status, Refund.currency)
    )
    rights = await entitlements.list_own(session, user_id, SHOWN, with_past=False, now=now)
    plans = await read_page(session, subscriptions.find(user_id=user_id), SHOWN)
    return Summary(
        user_id,
        payments=await _sums(session, paid),
        refunds=await _sums(session, given_back),
        entitlements=rights.items,
        subscriptions=plans.items,
        disputes=await _list_disputes(session, user_id),
        cases=await _list_cases(session, user_id),
    )


async def _list_disputes(session: Session, user_id: UUID) -> Sequence[Dispute]:
    statement = select(Dispute).join(Payment, Payment.id == Dispute.payment_id)
    newest = statement.where(Payment.user_id == user_id).order_by(Dispute.id.desc()).limit(SHOWN.limit)
    return (await session.scalars(newest)).all()


async def _list_cases(session: Session, user_id: UUID) -> Sequence[Case]:
    statement = select(Case).join(Payment, Payment.id == Case.payment_id)
    newest = statement.where(Payment.user_id == user_id).order_by(Case.id.desc()).limit(SHOWN.limit)
    return (await session.scalars(newest)).all()


def _sum(column: Any) -> Any:
    return cast(func.sum(column), BigInteger)


async def _sums(session: Session, statement: Select[Any]) -> list[Sum]:
    return [Sum(*row) for row in await session.execute(statement)]
