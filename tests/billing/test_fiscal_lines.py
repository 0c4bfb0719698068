"""Lines of fiscal receipts: whatever was sold, discounted and given back, they make exactly the money."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from theatre.billing.fiscal_lines import FiscalLine, lines_of_return, lines_of_sale, net_of
from theatre.billing.models import PaymentItem
from theatre.billing.pricing import spread


def item(unit_minor: int, quantity: int = 1, *, discount_minor: int = 0, name: str = "A film") -> PaymentItem:
    total_minor = unit_minor * quantity
    return PaymentItem(
        name=name,
        quantity=quantity,
        unit_minor=unit_minor,
        total_minor=total_minor,
        discount_minor=discount_minor,
    )


def total_of(lines: list[FiscalLine]) -> int:
    return sum(line.total_minor for line in lines)


@some.composite
def sales(draw: some.DrawFn) -> list[PaymentItem]:
    def one(number: int) -> PaymentItem:
        unit_minor = draw(some.integers(1, 10**9))
        quantity = draw(some.integers(1, 100))
        discount_minor = draw(some.integers(0, unit_minor * quantity))
        return item(unit_minor, quantity, discount_minor=discount_minor, name=str(number))

    return [one(number) for number in range(draw(some.integers(1, 6)))]


@pytest.mark.parametrize(
    ("sold", "lines"),
    [
        (item(39900), [(1, 39900)]),
        (item(100, 3), [(3, 100)]),
        (item(100, 3, discount_minor=1), [(1, 99), (2, 100)]),
        (item(100, 3, discount_minor=200), [(2, 33), (1, 34)]),
        # a kopeck for three, two for three, nothing at all
        (item(100, 3, discount_minor=299), [(1, 1)]),
        (item(100, 3, discount_minor=298), [(2, 1)]),
        (item(100, 3, discount_minor=300), []),
    ],
)
def test_units_that_cannot_all_cost_the_same_stand_in_two_lines(
    sold: PaymentItem, lines: list[tuple[int, int]]
) -> None:
    assert [(line.quantity, line.unit_minor) for line in lines_of_sale([sold])] == lines


@given(sales())
def test_the_lines_of_a_sale_make_what_was_paid(sold: list[PaymentItem]) -> None:
    """F1: to the kopeck, whatever the discount; no line is worth nothing."""
    lines = lines_of_sale(sold)
    assert total_of(lines) == sum(map(net_of, sold))
    assert all(line.quantity > 0 and line.unit_minor > 0 for line in lines)
    assert all(
        sum(line.quantity for line in lines if line.description == one.name) <= one.quantity for one in sold
    )


@given(sales(), some.data())
def test_returns_until_nothing_is_left_give_back_every_line(sold: list[PaymentItem], data: Any) -> None:
    """F3: each return makes its own sum; together they make what each item was sold for."""
    nets = [net_of(one) for one in sold]
    returned = dict.fromkeys((one.name for one in sold), 0)
    left = list(nets)
    for _ in range(5):
        if total := sum(left):
            give(data.draw(some.integers(1, total)), sold, left, returned)
    if total := sum(left):
        give(total, sold, left, returned)
    assert list(returned.values()) == nets


def give(amount: int, sold: list[PaymentItem], left: list[int], returned: dict[str, int]) -> None:
    """Give a sum back, spread as refunds are."""
    shares = spread(amount, left)
    lines = lines_of_return(sold, shares)
    assert total_of(lines) == amount
    for line in lines:
        returned[line.description] += line.total_minor
    left[:] = [had - share for had, share in zip(left, shares, strict=True)]


def test_an_item_given_back_whole_is_given_back_as_it_was_sold() -> None:
    sold = [item(100, 3, discount_minor=1), item(500)]
    assert lines_of_return(sold, [299, 500]) == lines_of_sale(sold)
    assert lines_of_return(sold, [100, 0]) == [FiscalLine("A film", 1, 100)]


def test_a_long_name_is_cut_to_what_the_fiscal_format_takes() -> None:
    (line,) = lines_of_sale([item(100, name="я" * 200)])
    assert line.description == "я" * 128
