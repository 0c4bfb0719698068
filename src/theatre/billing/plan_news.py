"""What users are told of their plans, in the words of notification-service."""

from typing import Any
from uuid import UUID

from theatre.contracts.billing import (
    Charged,
    SubscriptionCancelRequested,
    SubscriptionEndAnnounced,
    SubscriptionPastDue,
    SubscriptionRenewed,
)
from theatre.contracts.money import Amount
from theatre.contracts.notification import NotificationEvent
from theatre.kit.events import Envelope
from theatre.kit.money import to_decimal

PlanFact = SubscriptionRenewed | SubscriptionPastDue | SubscriptionEndAnnounced | SubscriptionCancelRequested
News = dict[str, Any]


def written(fact: PlanFact, message: Envelope, news: News) -> NotificationEvent:
    """Write news of a fact; a repeat is known by the message's id."""
    data = {"subscription_id": str(fact.subscription_id), **news}
    return NotificationEvent(user_id=fact.user_id, data=data, dedupe_key=str(message.id))


def of_renewed(fact: SubscriptionRenewed, charged: Charged) -> News:
    """Say that a plan was charged and goes on."""
    paid = {"title": charged.title, **_money(charged.total), **_payment(charged.payment_id)}
    return {"status": "renewed", "until": fact.period_end.isoformat(), **paid}


def of_past_due(fact: SubscriptionPastDue) -> News:
    """Say that a plan could not be charged, why, and until when it may be watched and paid."""
    owed = {"title": fact.title, **_money(fact.total), **_payment(fact.payment_id)}
    why = {"message": fact.failure_message, "is_hopeless": fact.is_hopeless}
    return {"status": "past_due", "until": fact.grace_until.isoformat(), **owed, **why}


def of_end(fact: SubscriptionEndAnnounced) -> News:
    """Say that a plan will be charged soon, or that it ends."""
    money = {} if fact.total is None else _money(fact.total)
    status = "renewing" if money else "ending"
    return {"status": status, "title": fact.title, "until": fact.period_end.isoformat(), **money}


def of_canceled(fact: SubscriptionCancelRequested) -> News:
    """Say that a plan ends as its user wished."""
    return {"status": "canceled", "title": fact.title, "until": fact.ends_at.isoformat()}


def _money(amount: Amount) -> News:
    return {"amount": to_decimal(amount.to_money()), "currency": amount.currency}


def _payment(payment_id: UUID) -> News:
    return {"payment_id": str(payment_id)}
