"""How prices and rights are laid out: pure rules."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from theatre.web.offers import saving_percent, shelve
from theatre.web.rights import merge
from theatre.web.schemas import Entitlement, Price, Product

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def make_price(
    amount: str, unit: str | None = "month", count: int = 1, currency: str = "RUB"
) -> dict[str, Any]:
    interval = {"unit": unit, "count": count} if unit else None
    return {"id": uuid4(), "amount": {"amount": amount, "currency": currency}, "interval": interval}


def make_product(*prices: dict[str, Any], kind: str = "plan") -> Product:
    body = {"id": uuid4(), "code": "code", "kind": kind, "name": "name", "prices": prices}
    return Product.model_validate(body)


def saving(amount: str, unit: str, *plans: Product) -> int:
    return saving_percent(Price.model_validate(make_price(amount, unit)), plans)


def test_plans_come_from_short_to_long_and_what_has_no_price_is_left_out() -> None:
    year, month, nothing = (
        make_product(make_price("3990.00", "year")),
        make_product(make_price("399.00")),
        make_product(),
    )
    film = make_product(make_price("299.00", None), kind="film")
    shelf = shelve([year, nothing, film, month])
    assert (shelf.plans, shelf.films) == ([month, year], [film])


def test_a_saving_is_counted_in_whole_per_cent_and_never_overstated() -> None:
    monthly, dearer = make_product(make_price("399.00")), make_product(make_price("599.00"))
    assert saving("3990.00", "year", monthly, dearer) == 16
    assert saving("4788.00", "year", monthly) == 0
    assert saving("9999.00", "year", monthly) == 0
    assert saving("399.00", "month", dearer) == 0


def test_without_a_monthly_price_in_the_same_currency_there_is_no_saving() -> None:
    dollars = make_product(make_price("5.99", currency="USD"))
    free = make_product(make_price("0.00"))
    assert (
        saving("3990.00", "year") == saving("3990.00", "year", dollars) == saving("0.00", "year", free) == 0
    )


def make_right(product_id: object, ends_at: datetime | None) -> Entitlement:
    body = {"id": uuid4(), "kind": "plan", "product_id": product_id, "starts_at": NOW, "ends_at": ends_at}
    return Entitlement.model_validate(body)


def test_a_plan_bought_twice_is_one_right_until_the_last_end() -> None:
    plan, film = uuid4(), uuid4()
    soon, later = make_right(plan, NOW + timedelta(days=30)), make_right(plan, NOW + timedelta(days=60))
    rented, kept = make_right(film, NOW + timedelta(days=2)), make_right(film, None)
    assert merge([later, soon, kept, rented]) == merge([soon, later, rented, kept]) == [later, kept]
