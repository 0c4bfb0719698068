"""What is sold: products with their immutable prices, and the price list file they come from."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload, selectinload

from theatre.billing.models import Price, Product, ProductKind
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions
from theatre.kit.fields import MoneyField
from theatre.kit.ids import new_id

PRICE_BOOK_LIFE = timedelta(seconds=30)
DEMO_PRICE_LIST = files("theatre.billing") / "price_list.yaml"


class Interval(BaseModel):
    """How long one unit of a plan lasts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unit: Literal["day", "month", "year"]
    count: int = Field(ge=1, le=366)


class ListedPrice(BaseModel):
    """A price as the price list states it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: str
    currency: str
    interval: Interval | None = None
    trial_days: int = Field(0, ge=0, le=366)


class ListedProduct(BaseModel):
    """A product as the price list states it; names and descriptions by language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    kind: ProductKind
    names: dict[Literal["ru", "en"], str]
    descriptions: dict[Literal["ru", "en"], str]
    film_id: UUID | None = None
    prices: list[ListedPrice] = Field(min_length=1)

    @model_validator(mode="after")
    def _plans_last(self) -> "ListedProduct":
        is_plan = self.kind is ProductKind.PLAN
        if any((price.interval is not None) != is_plan for price in self.prices):
            raise ValueError(f"{self.code}: every price of a plan has an interval, others have none")
        return self


class PriceList(BaseModel):
    """All that is sold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    products: list[ListedProduct]


def read_price_list(path: Path | None) -> PriceList:
    """Read a price list file; without a path the demo list of the package.

    Raises:
        ValueError: the file is not a price list.
    """
    text = DEMO_PRICE_LIST.read_text() if path is None else path.read_text()
    return PriceList.model_validate(yaml.safe_load(text))


async def apply_price_list(session: Session, price_list: PriceList, *, now: datetime) -> None:
    """Make the tables say what the list says. Repeating it changes nothing.

    A price that is no longer listed stays for the payments made with it but is not sold any more; a changed amount is
    a new price. What staff have decided stands: their products and prices stay, what they switched off stays off.
    """
    product_ids = [await _put_product(session, listed, now=now) for listed in price_list.products]
    unlisted = update(Product).where(Product.id.not_in(product_ids), Product.decided_by.is_(None))
    await session.execute(unlisted.values(is_active=False))
    for product_id, listed in zip(product_ids, price_list.products, strict=True):
        await _put_prices(session, product_id, listed.prices, now=now)


async def _put_product(session: Session, listed: ListedProduct, *, now: datetime) -> UUID:
    values = {**listed.model_dump(exclude={"prices", "code"}), "is_active": True}
    statement = insert(Product).values(id=new_id(), code=listed.code, created_at=now, **values)
    put = statement.on_conflict_do_update(index_elements=["code"], set_=values).returning(Product.id)
    return (await session.execute(put)).scalar_one()


async def _put_prices(
    session: Session, product_id: UUID, listed: Sequence[ListedPrice], *, now: datetime
) -> None:
    rows = await session.scalars(select(Price).where(Price.product_id == product_id).with_for_update())
    known = {_terms_of(price): price for price in rows}
    wanted = {_listed_terms(price): price for price in listed}
    for terms, price in known.items():
        if price.decided_by is None and price.is_active != (terms in wanted):
            price.is_active = terms in wanted
    for terms in wanted.keys() - known.keys():
        amount_minor, currency, unit, count, trial_days = terms
        session.add(
            Price(
                id=new_id(),
                product_id=product_id,
                amount_minor=amount_minor,
                currency=currency,
                interval_unit=unit,
                interval_count=count,
                trial_days=trial_days,
                is_active=True,
                created_at=now,
            )
        )


def _terms_of(price: Price) -> tuple[Any, ...]:
    return price.amount_minor, price.currency, price.interval_unit, price.interval_count, price.trial_days


def _listed_terms(price: ListedPrice) -> tuple[Any, ...]:
    money = MoneyField(amount=price.amount, currency=price.currency).to_money()
    interval = (price.interval.unit, price.interval.count) if price.interval else (None, None)
    return money.amount_minor, money.currency, *interval, price.trial_days


async def list_sold(session: Session, *, kind: ProductKind | None, film_id: UUID | None) -> Sequence[Product]:
    """List what can be bought now, with the prices that can be paid now."""
    sold = Price.is_active.is_(True)
    statement = select(Product).where(Product.is_active, Product.prices.any(sold)).order_by(Product.id)
    if kind is not None:
        statement = statement.where(Product.kind == kind)
    if film_id is not None:
        statement = statement.where(Product.film_id == film_id)
    options = selectinload(Product.prices.and_(sold))
    return (await session.scalars(statement.options(options))).all()


async def find_prices(session: Session, price_ids: Sequence[UUID]) -> Mapping[UUID, Price]:
    """Find prices with their products, sold now or not; those that do not exist are absent."""
    statement = select(Price).where(Price.id.in_(price_ids)).options(joinedload(Price.product))
    return {price.id: price for price in await session.scalars(statement)}


class PriceBook:
    """Prices kept in memory for half a minute; they never change, and the sale asks whether one is still sold."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock
        self._prices: dict[UUID, Price] = {}
        self._lock = asyncio.Lock()
        self._good_until = clock.now()

    async def find(self, price_ids: Sequence[UUID]) -> Mapping[UUID, Price]:
        """Find prices with their products; those that do not exist are absent."""
        if self._good_until <= self._clock.now():
            self._prices.clear()
            self._good_until = self._clock.now() + PRICE_BOOK_LIFE
        if any(price_id not in self._prices for price_id in price_ids):
            async with self._lock:
                await self._load([price_id for price_id in price_ids if price_id not in self._prices])
        return {price_id: self._prices[price_id] for price_id in price_ids if price_id in self._prices}

    async def _load(self, missing: Sequence[UUID]) -> None:
        if missing:
            async with self._sessions() as session:
                self._prices.update(await find_prices(session, missing))


def text_in(texts: Mapping[str, str], locale: str) -> str:
    """Choose a text by language; English, then anything, where there is none."""
    return texts.get(locale) or texts.get("en") or next(iter(texts.values()), "")
