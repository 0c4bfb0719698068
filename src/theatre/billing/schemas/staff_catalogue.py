"""Products and prices as staff make and see them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from theatre.billing.models import Price, Product, ProductKind
from theatre.billing.products import Interval
from theatre.billing.schemas.catalogue import PriceAnswer, price_fields
from theatre.kit.fields import Answer, Body, Line, MoneyField, Prose, Word


class Names(Body):
    """A name in every language of the house."""

    ru: Line
    en: Line


class Descriptions(Body):
    """A description in every language of the house."""

    ru: Prose = ""
    en: Prose = ""


class ProductCreate(Body):
    """A product to be sold; it is, once it has a price."""

    code: Word
    kind: ProductKind
    names: Names
    descriptions: Descriptions = Descriptions()
    film_id: UUID | None = None


class PriceCreate(Body):
    """A new price of a product; only a plan's has an interval and may have free days."""

    product_id: UUID
    amount: MoneyField
    interval: Interval | None = None
    trial_days: Annotated[int, Field(strict=True, ge=0, le=366)] = 0


class StaffPriceAnswer(PriceAnswer):
    """A price as staff see it; `decided_by` made it or switched it off."""

    product_id: UUID
    is_active: bool
    created_at: datetime
    decided_by: UUID | None

    @classmethod
    def of(cls, price: Price) -> "StaffPriceAnswer":
        return cls(
            **price_fields(price),
            product_id=price.product_id,
            is_active=price.is_active,
            created_at=price.created_at,
            decided_by=price.decided_by,
        )


class StaffProductAnswer(Answer):
    """A product as staff see it, with all its prices; names and descriptions by language."""

    id: UUID
    code: str
    kind: str
    names: dict[str, str]
    descriptions: dict[str, str]
    film_id: UUID | None
    is_active: bool
    created_at: datetime
    decided_by: UUID | None
    prices: list[StaffPriceAnswer]

    @classmethod
    def of(cls, product: Product) -> "StaffProductAnswer":
        own: dict[str, Any] = {name: getattr(product, name) for name in cls.model_fields if name != "prices"}
        return cls(**own, prices=[StaffPriceAnswer.of(price) for price in product.prices])
