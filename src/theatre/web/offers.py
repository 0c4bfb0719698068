"""How the price list is laid out on the shelf. Pure: no I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from theatre.kit.money import Money
from theatre.web.schemas import Price, Product

MONTHS_OF_UNIT = {"month": 1, "year": 12}


@dataclass(frozen=True, slots=True)
class Shelf:
    """Products by the way they are shown: plans from short to long, then single films."""

    plans: list[Product]
    films: list[Product]


def shelve(products: Sequence[Product]) -> Shelf:
    """Lay the price list out; what has no price at present is left out."""
    sold = [product for product in products if product.prices]
    plans = [product for product in sold if product.kind == "plan"]
    return Shelf(
        plans=sorted(plans, key=_length_and_amount),
        films=[product for product in sold if product.kind != "plan"],
    )


def _length_and_amount(plan: Product) -> tuple[int, int]:
    price = plan.prices[0]
    return _months(price), price.amount.to_money().amount_minor


def saving_percent(price: Price, plans: Sequence[Product]) -> int:
    """Tell by how many whole per cent a long plan is cheaper than its months bought one by one.

    Compared with the cheapest monthly price on sale: a saving is never overstated; 0 if there is none.
    """
    months = _months(price)
    money = price.amount.to_money()
    monthly = [
        each.amount.to_money().amount_minor
        for plan in plans
        for each in plan.prices
        if _months(each) == 1 and each.amount.currency == money.currency
    ]
    if months <= 1 or not monthly:
        return 0
    apart = Money(min(monthly), money.currency).times(months)
    return max(0, 100 * (apart - money).amount_minor // apart.amount_minor) if apart.amount_minor else 0


def _months(price: Price) -> int:
    if price.interval is None:
        return 0
    return MONTHS_OF_UNIT.get(price.interval.unit, 0) * price.interval.count
