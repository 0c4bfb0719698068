"""Money: an integer number of minor units and a currency. No float comes near it.

On the wire it is `{"amount": "399.00", "currency": "RUB"}` with exactly the currency's digits (ISO 4217).
"""

import re
from dataclasses import dataclass
from functools import cache

from iso4217 import Currency

MAX_MINOR = 2**53 - 1
"""Largest amount taken from outside: every JSON reader on earth can hold it."""

AMOUNT = re.compile(r"(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,4}))?", re.ASCII)


class MoneyError(ValueError):
    """Not an amount of money; the message says why and is safe to show."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of a currency (kopecks, cents, whole yen)."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def times(self, quantity: int) -> "Money":
        """Multiply by a whole number."""
        return Money(self.amount_minor * quantity, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise MoneyError(f"cannot reckon {self.currency} with {other.currency}")
        return other.amount_minor

    def __str__(self) -> str:
        return f"{to_decimal(self)} {self.currency}"


@cache
def digits(currency: str) -> int:
    """Tell how many digits a currency has after the point (ISO 4217).

    Raises:
        MoneyError: no such currency, or one that has no minor unit at all (gold, the test code).
    """
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        exponent = None
    if exponent is None or currency != currency.upper():
        raise MoneyError("not an ISO 4217 currency")
    return exponent


def to_decimal(money: Money) -> str:
    """Write the amount with exactly its currency's digits: 39900 RUB → "399.00", 500 JPY → "500"."""
    places = digits(money.currency)
    sign = "-" if money.amount_minor < 0 else ""
    whole, part = divmod(abs(money.amount_minor), 10**places)
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def from_decimal(amount: str, currency: str) -> Money:
    """Read an amount written with exactly its currency's digits; never negative.

    Raises:
        MoneyError: another form, other digits, too large, or an unknown currency.
    """
    places = digits(currency)
    match = AMOUNT.fullmatch(amount)
    if match is None or len(match[2] or "") != places:
        raise MoneyError(f"must be a decimal string with {places} digits after the point")
    minor = int(match[1]) * 10**places + int(match[2] or 0)
    if minor > MAX_MINOR:
        raise MoneyError("too large")
    return Money(minor, currency)


def divide_half_away(numerator: int, denominator: int) -> int:
    """Divide whole numbers, rounding half away from zero: 17/2 → 9, -17/2 → -9."""
    if denominator <= 0:
        raise MoneyError("the denominator must be positive")
    quotient = (2 * abs(numerator) + denominator) // (2 * denominator)
    return quotient if numerator >= 0 else -quotient
