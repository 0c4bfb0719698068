"""The catalogue as staff keep it: new products, new prices, prices switched off. Nothing of it is ever edited."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from theatre.billing.errors import (
    IntervalMisplaced,
    PriceNotPositive,
    PriceUnknown,
    ProductCodeTaken,
    ProductUnknown,
)
from theatre.billing.models import Price, Product, ProductKind
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.kit.money import Money

PRODUCT_COLUMNS = (
    Product.id,
    Product.created_at,
    Product.code,
    Product.kind,
    Product.names,
    Product.film_id,
    Product.is_active,
    Product.decided_by,
)
PRICE_COLUMNS = (
    Price.id,
    Price.created_at,
    Price.product_id,
    Price.amount_minor,
    Price.currency,
    Price.interval_unit,
    Price.interval_count,
    Price.trial_days,
    Price.is_active,
    Price.decided_by,
)


@dataclass(frozen=True, slots=True)
class ProductDraft:
    """A product to be; names and descriptions by language."""

    code: str
    kind: ProductKind
    names: dict[str, str]
    descriptions: dict[str, str] = field(default_factory=dict)
    film_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PriceDraft:
    """A price to be; `interval` is unit and count of a plan's period."""

    product_id: UUID
    amount: Money
    interval: tuple[str, int] | None = None
    trial_days: int = 0


def find_products(*, kind: ProductKind | None = None, is_active: bool | None = None) -> Listing[Product]:
    """List products, sold now or not, newest first."""
    rows = select(Product)
    if kind is not None:
        rows = rows.where(Product.kind == kind)
    if is_active is not None:
        rows = rows.where(Product.is_active == is_active)
    options = (selectinload(Product.prices),)
    return Listing(rows, keys=(Product.id,), columns=PRODUCT_COLUMNS, options=options)


def find_prices(
    *, product_id: UUID | None = None, currency: str | None = None, is_active: bool | None = None
) -> Listing[Price]:
    """List prices, sold now or not, newest first."""
    rows = select(Price)
    for column, value in (
        (Price.product_id, product_id),
        (Price.currency, currency),
        (Price.is_active, is_active),
    ):
        if value is not None:
            rows = rows.where(column == value)
    return Listing(rows, keys=(Price.id,), columns=PRICE_COLUMNS)


async def create_product(session: Session, draft: ProductDraft, *, staff_id: UUID, now: datetime) -> Product:
    """Make a product; it is sold once it has a price.

    Raises:
        ProductCodeTaken
    """
    statement = insert(Product).values(
        id=new_id(),
        code=draft.code,
        kind=draft.kind,
        names=draft.names,
        descriptions=draft.descriptions,
        film_id=draft.film_id,
        is_active=True,
        decided_by=staff_id,
        created_at=now,
    )
    made = await session.scalar(
        statement.on_conflict_do_nothing(index_elements=["code"]).returning(Product.id)
    )
    if made is None:
        raise ProductCodeTaken
    return await session.get_one(Product, made, options=[selectinload(Product.prices)])


async def create_price(session: Session, draft: PriceDraft, *, staff_id: UUID, now: datetime) -> Price:
    """Add a price to a product; its other prices stay as they are.

    Raises:
        ProductUnknown, PriceNotPositive
        IntervalMisplaced: a plan's price has an interval, another's has none, and only a plan has free days.
    """
    product = await session.get(Product, draft.product_id)
    if product is None:
        raise ProductUnknown
    is_plan = product.kind == ProductKind.PLAN
    if (draft.interval is not None) != is_plan or (draft.trial_days and not is_plan):
        raise IntervalMisplaced
    if draft.amount.amount_minor <= 0:
        raise PriceNotPositive
    unit, count = draft.interval or (None, None)
    price = Price(
        id=new_id(),
        product_id=product.id,
        amount_minor=draft.amount.amount_minor,
        currency=draft.amount.currency,
        interval_unit=unit,
        interval_count=count,
        trial_days=draft.trial_days,
        is_active=True,
        decided_by=staff_id,
        created_at=now,
    )
    session.add(price)
    await session.flush()
    return price


async def switch_off(session: Session, price_id: UUID, *, staff_id: UUID) -> Price:
    """Sell a price no more; payments made with it keep it. Repeating it changes nothing. Locks the price.

    Raises:
        PriceUnknown
    """
    price = await session.get(Price, price_id, with_for_update=True, populate_existing=True)
    if price is None:
        raise PriceUnknown
    if price.is_active:
        price.is_active, price.decided_by = False, staff_id
        await session.flush()
    return price
