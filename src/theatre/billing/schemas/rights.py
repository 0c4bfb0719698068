"""Subscriptions and rights as doors show them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import Subscription
from theatre.billing.schemas.catalogue import PriceAnswer, ProductAnswer
from theatre.kit.fields import Answer, MoneyField


class PeriodAnswer(Answer):
    """What is paid for now."""

    start: datetime
    end: datetime


class NextCharge(Answer):
    """What will be taken, and when."""

    at: datetime
    amount: MoneyField


class SubscriptionAnswer(Answer):
    """A standing agreement on a plan. `next_charge` is null: nothing is taken without being asked for."""

    id: UUID
    status: str
    product: ProductAnswer
    price: PriceAnswer
    current_period: PeriodAnswer
    cancel_at_period_end: bool
    next_charge: NextCharge | None

    @classmethod
    def of(cls, subscription: Subscription, product: ProductAnswer) -> "SubscriptionAnswer":
        return cls(
            id=subscription.id,
            status=subscription.status,
            product=product,
            price=PriceAnswer.of(subscription.price),
            current_period=PeriodAnswer(start=subscription.paid_from, end=subscription.paid_until),
            cancel_at_period_end=subscription.cancel_at_period_end,
            next_charge=None,
        )


class EntitlementAnswer(Answer):
    """A right to watch."""

    id: UUID
    kind: str
    product_id: UUID
    film_id: UUID | None
    payment_id: UUID
    starts_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None


class VerdictAnswer(Answer):
    """May it be watched: `reason` is the kind of right, or `none`."""

    allowed: bool
    reason: str
    expires_at: datetime | None
