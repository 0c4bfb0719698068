"""Subscriptions and rights as doors show them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.cancellations import CancelAt
from theatre.billing.models import OPEN_SUBSCRIPTION, Subscription
from theatre.billing.renewal_dates import Course
from theatre.billing.schemas.catalogue import PriceAnswer, ProductAnswer
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, Body, MoneyField


class PeriodAnswer(Answer):
    """What is paid for now."""

    start: datetime
    end: datetime


class NextCharge(Answer):
    """What will be taken, and when."""

    at: datetime
    amount: MoneyField


class SubscriptionCancel(Body):
    """When a plan is to end: with what is paid for, or at once."""

    at: CancelAt = CancelAt.PERIOD_END


class SubscriptionAnswer(Answer):
    """A standing agreement on a plan. `next_charge` is what will be taken without asking, and when; null: nothing,
    or it is being taken just now."""

    id: UUID
    status: str
    product: ProductAnswer
    price: PriceAnswer
    current_period: PeriodAnswer
    cancel_at_period_end: bool
    next_charge: NextCharge | None

    @classmethod
    def of(
        cls, subscription: Subscription, product: ProductAnswer, *, course: Course, has_method: bool
    ) -> "SubscriptionAnswer":
        price, due_at = subscription.price, subscription.renewal_due_at
        next_charge = None
        if due_at is not None and has_method and subscription.status in OPEN_SUBSCRIPTION:
            at = max(due_at, course.charge_at(subscription.paid_until))
            next_charge = NextCharge(at=at, amount=money(price.amount_minor, price.currency))
        return cls(
            id=subscription.id,
            status=subscription.status,
            product=product,
            price=PriceAnswer.of(price),
            current_period=PeriodAnswer(start=subscription.paid_from, end=subscription.paid_until),
            cancel_at_period_end=subscription.cancel_at_period_end,
            next_charge=next_charge,
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
