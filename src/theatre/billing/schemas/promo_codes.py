"""What billing's doors take and give of promo codes (CONTRACT 5)."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from theatre.billing.models import Payment, PromoCode
from theatre.billing.promo_codes import NewPromoCode
from theatre.billing.schemas.money import money
from theatre.billing.schemas.payments import CodeWord, ItemAnswer
from theatre.kit.fields import Answer, Body, Moment, MoneyField

MAX_PRODUCTS = 100
MAX_USES = 2**31 - 1

Percent = Annotated[int, Field(strict=True, ge=1, le=100)]
Cap = Annotated[int, Field(strict=True, ge=1, le=MAX_USES)]
Switch = Annotated[bool, Field(strict=True)]


class PreviewAnswer(Answer):
    """What a purchase with a promo code would cost, as its payment would say it."""

    promo_code: str
    total: MoneyField
    discount: MoneyField
    items: list[ItemAnswer]

    @classmethod
    def of(cls, payment: Payment) -> "PreviewAnswer":
        return cls(
            promo_code=payment.promo_code or "",
            total=money(payment.total_minor, payment.currency),
            discount=money(payment.discount_minor, payment.currency),
            items=[ItemAnswer.of(item, payment.currency) for item in payment.items],
        )


class PromoCodeCreate(Body):
    """A promo code: either `percent` or `amount` off. Without `starts_at` it holds now, without products for all."""

    code: CodeWord
    percent: Percent | None = None
    amount: MoneyField | None = None
    product_ids: Annotated[list[UUID], Field(max_length=MAX_PRODUCTS)] = []
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    total_cap: Cap | None = None
    per_user_cap: Cap | None = None
    is_active: Switch = True

    @field_validator("amount")
    @classmethod
    def _takes_something(cls, amount: MoneyField | None) -> MoneyField | None:
        if amount is not None and amount.to_money().amount_minor == 0:
            raise ValueError("must be above zero")
        return amount

    @model_validator(mode="after")
    def _takes_one_way(self) -> "PromoCodeCreate":
        if (self.percent is None) == (self.amount is None):
            raise ValueError("exactly one of percent and amount must be given")
        return self

    def wanted(self, now: datetime) -> NewPromoCode:
        """Give it in the words of the verb."""
        amount = self.amount.to_money() if self.amount else None
        return NewPromoCode(
            code=self.code,
            percent=self.percent,
            amount_minor=amount.amount_minor if amount else None,
            currency=amount.currency if amount else None,
            product_ids=list(dict.fromkeys(self.product_ids)),
            starts_at=self.starts_at or now,
            ends_at=self.ends_at,
            total_cap=self.total_cap,
            per_user_cap=self.per_user_cap,
            is_active=self.is_active,
        )


class PromoCodeChange(Body):
    """What may change of a promo code; a field that is not sent stays, and null lifts an end or a cap."""

    is_active: Switch = True
    ends_at: Moment | None = None
    total_cap: Cap | None = None
    per_user_cap: Cap | None = None


class PromoCodeAnswer(Answer):
    """A promo code; `used_count` is how many purchases hold a use of it now."""

    id: UUID
    code: str
    kind: str
    percent: int | None
    amount: MoneyField | None
    product_ids: list[UUID]
    starts_at: datetime
    ends_at: datetime | None
    total_cap: int | None
    per_user_cap: int | None
    used_count: int
    is_active: bool
    created_at: datetime

    @classmethod
    def of(cls, promo: PromoCode) -> "PromoCodeAnswer":
        amount = None
        if promo.amount_minor is not None and promo.currency is not None:
            amount = money(promo.amount_minor, promo.currency)
        named = {name: getattr(promo, name) for name in cls.model_fields if name != "amount"}
        return cls(amount=amount, **named)
