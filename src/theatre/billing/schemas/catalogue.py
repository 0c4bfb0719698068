"""Products and prices as doors show them."""

from typing import Any
from uuid import UUID

from theatre.billing.models import Price, Product
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, MoneyField


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
        return cls(**price_fields(price))


def price_fields(price: Price) -> dict[str, Any]:
    """Give the fields of a price as its answers show them."""
    interval = None
    if price.interval_unit is not None and price.interval_count is not None:
        interval = IntervalAnswer(unit=price.interval_unit, count=price.interval_count)
    return {
        "id": price.id,
        "amount": money(price.amount_minor, price.currency),
        "interval": interval,
        "trial_days": price.trial_days,
    }


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
