"""Money: whole minor units, the currency's own digits, halves away from zero."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from theatre.kit.fields import MoneyField
from theatre.kit.money import MAX_MINOR, Money, MoneyError, digits, divide_half_away, from_decimal, to_decimal

SPENDABLE = sorted(currency.code for currency in Currency if currency.exponent is not None)


@given(st.sampled_from(SPENDABLE), st.integers(0, MAX_MINOR))
def test_the_round_trip_is_the_identity_for_every_currency(currency: str, amount_minor: int) -> None:
    """M2."""
    money = Money(amount_minor, currency)
    assert from_decimal(to_decimal(money), currency) == money


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(500, "JPY"), "500"),
        (Money(50000, "RUB"), "500.00"),
        (Money(5000, "KWD"), "5.000"),
        (Money(5, "RUB"), "0.05"),
        (Money(-5, "RUB"), "-0.05"),
        (Money(0, "RUB"), "0.00"),
    ],
)
def test_an_amount_is_written_with_its_currencys_digits(money: Money, text: str) -> None:
    """M2: JPY 500 is 500, RUB 500.00 is 50000, KWD 5.000 is 5000."""
    assert to_decimal(money) == text


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "1.0",
        "1.000",
        "-1.00",
        "+1.00",
        "01.00",
        "1e2",
        "",
        " 1.00",
        "1.00\n",
        "NaN",
        "١.٠٠",
        "9" * 20 + ".00",
    ],
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        from_decimal(text, "RUB")


@pytest.mark.parametrize("currency", ["rub", "XXX", "XAU", "ZZZ", "", "RUBB"])
def test_what_nobody_pays_in_is_no_currency(currency: str) -> None:
    with pytest.raises(MoneyError):
        digits(currency)


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [(17, 2, 9), (-17, 2, -9), (1, 2, 1), (1, 3, 0), (5, 3, 2), (0, 7, 0)],
)
def test_half_is_rounded_away_from_zero(numerator: int, denominator: int, quotient: int) -> None:
    """M3: 8.5 → 9, −8.5 → −9."""
    assert divide_half_away(numerator, denominator) == quotient


def test_currencies_do_not_mix() -> None:
    with pytest.raises(MoneyError):
        Money(1, "RUB") + Money(1, "USD")
    with pytest.raises(MoneyError):
        Money(1, "RUB") - Money(1, "USD")
    assert (Money(5, "RUB") + Money(3, "RUB") - Money(1, "RUB")).times(2) == Money(14, "RUB")


def test_money_on_the_wire_is_text() -> None:
    """M1: a JSON number is refused."""
    field = MoneyField.model_validate(Money(39900, "RUB"))
    assert field.model_dump() == {"amount": "399.00", "currency": "RUB"}
    with pytest.raises(ValueError, match="string"):
        MoneyField.model_validate({"amount": 399, "currency": "RUB"})
