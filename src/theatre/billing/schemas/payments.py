"""Payments as doors take and show them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from theatre.billing.models import Payment, PaymentItem
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, Body, MoneyField, Quantity, Storable, Word

MAX_ITEMS = 20
CodeWord = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_upper=True, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$"
    ),
]
"""A promo code: a machine word in any case, with or without space around it."""


class ItemWish(Body):
    """One thing to buy. There is no price here: prices come from us."""

    price_id: UUID
    quantity: Quantity = 1


class PaymentCreate(Body):
    """A purchase."""

    items: Annotated[list[ItemWish], Field(min_length=1, max_length=MAX_ITEMS)]
    promo_code: CodeWord | None = None
    payment_method_id: UUID | None = None


class CheckoutStart(Body):
    """How to pay. Without `return_url` the browser comes back to this payment's page."""

    provider: Word | None = None
    return_url: Annotated[str, StringConstraints(min_length=1, max_length=2048), Storable] | None = None
    save_method: Annotated[
        bool | None,
        Field(
            strict=True, description="let the payment system keep the card; not said: as it was said before"
        ),
    ] = None


class ItemAnswer(Answer):
    """One line of a payment, as it was when the payment was made; `total` is before its share of the discount."""

    product_id: UUID
    price_id: UUID
    name: str
    kind: str
    quantity: int
    unit_price: MoneyField
    total: MoneyField
    discount: MoneyField

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
            discount=money(item.discount_minor, currency),
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
