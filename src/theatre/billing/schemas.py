"""What billing's doors take and give (CONTRACT 5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from theatre.billing.explanations import Step
from theatre.billing.models import LedgerEntry, Payment, PaymentItem, Price, Product, Refund, Subscription
from theatre.kit.fields import Answer, Body, Line, MoneyField, Quantity, Storable, Word
from theatre.kit.money import Money, to_decimal

MAX_ITEMS = 20


def money(amount_minor: int, currency: str) -> MoneyField:
    """Write an amount for the wire; our own amounts need no check."""
    return MoneyField.model_construct(amount=to_decimal(Money(amount_minor, currency)), currency=currency)


class ItemWish(Body):
    """One thing to buy. There is no price here: prices come from us."""

    price_id: UUID
    quantity: Quantity = 1


class PaymentCreate(Body):
    """A purchase."""

    items: Annotated[list[ItemWish], Field(min_length=1, max_length=MAX_ITEMS)]
    promo_code: Word | None = None
    payment_method_id: UUID | None = None


class CheckoutStart(Body):
    """How to pay. Without `return_url` the browser comes back to this payment's page."""

    provider: Word | None = None
    return_url: Annotated[str, StringConstraints(min_length=1, max_length=2048), Storable] | None = None
    save_method: Annotated[bool, Field(strict=True)] = False


class RefundCreate(Body):
    """Money to be given back; without `amount`, all that is left."""

    amount: MoneyField | None = None
    reason: Line


class IntervalAnswer(Answer):
    """How long a period of a plan lasts."""

    unit: str
    count: int


class PriceAnswer(Answer):
    """An immutable price."""

    id: UUID
    amount: MoneyField
    interval: IntervalAnswer | None
    trial_days: int

    @classmethod
    def of(cls, price: Price) -> "PriceAnswer":
        interval = None
        if price.interval_unit is not None and price.interval_count is not None:
            interval = IntervalAnswer(unit=price.interval_unit, count=price.interval_count)
        amount = money(price.amount_minor, price.currency)
        return cls(id=price.id, amount=amount, interval=interval, trial_days=price.trial_days)


class ProductAnswer(Answer):
    """What can be bought."""

    id: UUID
    code: str
    kind: str
    name: str
    description: str
    film_id: UUID | None
    is_active: bool
    prices: list[PriceAnswer]

    @classmethod
    def of(cls, product: Product, *, name: str, description: str) -> "ProductAnswer":
        return cls(
            id=product.id,
            code=product.code,
            kind=product.kind,
            name=name,
            description=description,
            film_id=product.film_id,
            is_active=product.is_active,
            prices=[PriceAnswer.of(price) for price in product.prices],
        )


class ProductsAnswer(Answer):
    """The price list; it is short and comes whole."""

    items: list[ProductAnswer]
    next_cursor: None = None


class ItemAnswer(Answer):
    """One line of a payment, as it was when the payment was made."""

    product_id: UUID
    price_id: UUID
    name: str
    kind: str
    quantity: int
    unit_price: MoneyField
    total: MoneyField

    @classmethod
    def of(cls, item: PaymentItem, currency: str) -> "ItemAnswer":
        return cls.model_construct(
            product_id=item.product_id,
            price_id=item.price_id,
            name=item.name,
            kind=item.kind,
            quantity=item.quantity,
            unit_price=money(item.unit_minor, currency),
            total=money(item.total_minor, currency),
        )


class FailureAnswer(Answer):
    """Why the last try brought nothing."""

    code: str
    message: str


class PaymentAnswer(Answer):
    """A payment."""

    id: UUID
    status: str
    total: MoneyField
    refunded: MoneyField
    discount: MoneyField
    items: list[ItemAnswer]
    promo_code: str | None
    provider: str | None
    created_at: datetime
    expires_at: datetime
    paid_at: datetime | None
    canceled_at: datetime | None
    cancel_requested_at: datetime | None
    failure: FailureAnswer | None

    @classmethod
    def of(cls, payment: Payment) -> "PaymentAnswer":
        return cls.model_construct(**payment_fields(payment))


def payment_fields(payment: Payment) -> dict[str, Any]:
    """Give the fields of a payment as its answers show them."""
    failure = None
    if payment.failure_code is not None:
        failure = FailureAnswer(code=payment.failure_code, message=payment.failure_message or "")
    return {
        "id": payment.id,
        "status": payment.status,
        "total": money(payment.total_minor, payment.currency),
        "refunded": money(payment.refunded_minor, payment.currency),
        "discount": money(payment.discount_minor, payment.currency),
        "items": [ItemAnswer.of(item, payment.currency) for item in payment.items],
        "promo_code": payment.promo_code,
        "provider": payment.provider,
        "created_at": payment.created_at,
        "expires_at": payment.expires_at,
        "paid_at": payment.paid_at,
        "canceled_at": payment.canceled_at,
        "cancel_requested_at": payment.cancel_requested_at,
        "failure": failure,
    }


class CheckoutAnswer(Answer):
    """Where to send the user to pay."""

    confirmation_url: str
    short_url: str
    attempt_id: UUID
    expires_at: datetime


class RefundAnswer(Answer):
    """Money given back."""

    id: UUID
    payment_id: UUID
    status: str
    amount: MoneyField
    reason: str
    created_at: datetime

    @classmethod
    def of(cls, refund: Refund) -> "RefundAnswer":
        return cls(
            id=refund.id,
            payment_id=refund.payment_id,
            status=refund.status,
            amount=money(refund.amount_minor, refund.currency),
            reason=refund.reason,
            created_at=refund.created_at,
        )


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


class TransitionAnswer(Answer):
    """One change of state."""

    from_status: str
    to_status: str
    reason: str
    attempt_id: UUID | None
    occurred_at: datetime


class PostingAnswer(Answer):
    """One signed line: debit above zero, credit below."""

    account: str
    amount_minor: int
    currency: str


class EntryAnswer(Answer):
    """One balanced fact of the ledger."""

    id: UUID
    operation_key: str
    kind: str
    refund_id: UUID | None
    occurred_at: datetime
    postings: list[PostingAnswer]

    @classmethod
    def of(cls, entry: LedgerEntry) -> "EntryAnswer":
        return cls.model_validate(entry, from_attributes=True)


class StaffPaymentAnswer(PaymentAnswer):
    """A payment as staff see it in a list."""

    user_id: UUID

    @classmethod
    def of(cls, payment: Payment) -> "StaffPaymentAnswer":
        return cls.model_construct(user_id=payment.user_id, **payment_fields(payment))


class StaffPaymentDetails(StaffPaymentAnswer):
    """A payment as staff see it whole."""

    open_attempt_id: UUID | None
    paid_attempt_id: UUID | None
    history: list[TransitionAnswer]
    refunds: list[RefundAnswer]
    ledger: list[EntryAnswer]


class StepAnswer(Answer):
    """One amount of a payment: how it is derived, and whether what is stored agrees."""

    name: str
    derivation: str
    derived: MoneyField
    stored: MoneyField
    agrees: bool


class ExplanationAnswer(Answer):
    """A payment's money from price to postings; `agrees` when every step does."""

    payment_id: UUID
    agrees: bool
    steps: list[StepAnswer]

    @classmethod
    def of(cls, payment_id: UUID, steps: Sequence[Step]) -> "ExplanationAnswer":
        written = [
            StepAnswer(
                name=step.name,
                derivation=step.derivation,
                derived=money(step.derived.amount_minor, step.derived.currency),
                stored=money(step.stored.amount_minor, step.stored.currency),
                agrees=step.agrees,
            )
            for step in steps
        ]
        return cls(payment_id=payment_id, agrees=all(step.agrees for step in steps), steps=written)
