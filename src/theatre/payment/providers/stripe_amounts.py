"""Amounts as Stripe writes them: whole numbers, with its own idea of a few currencies' digits.

Source: docs.stripe.com/currencies, "zero-decimal", "three-decimal", "special cases" and "minimum charge amounts".
"""

from theatre.kit.money import Money, MoneyError, digits

# where Stripe counts in other units than ISO 4217 does
DIGITS = {"MGA": 0, "ISK": 2, "UGX": 2}
# in our minor units. They hold where an account is settled in the currency; elsewhere Stripe reckons them over at its
# rate of the day and may say no all the same. For roubles none is published.
MINIMUMS = {
    "AED": 200,
    "AUD": 50,
    "BGN": 100,
    "BRL": 50,
    "CAD": 50,
    "CHF": 50,
    "CZK": 1500,
    "DKK": 250,
    "EUR": 50,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
    "INR": 50,
    "JPY": 50,
    "MXN": 1000,
    "MYR": 200,
    "NOK": 300,
    "NZD": 50,
    "PLN": 200,
    "RON": 200,
    "SEK": 300,
    "SGD": 50,
    "THB": 1000,
    "USD": 50,
}
# of three digits Stripe takes two: the last one must be 0
THREE = 3


def to_wire(amount: Money) -> int:
    """Write an amount.

    Raises:
        MoneyError: Stripe has no such amount; what is asked for is never rounded, for another sum would be taken.
    """
    units = amount.amount_minor * _units(_digits(amount.currency))
    steps = _units(digits(amount.currency))
    step_of_three = 10 if digits(amount.currency) == THREE else 1
    if units % steps or amount.amount_minor % step_of_three:
        raise MoneyError(f"Stripe cannot take {amount}")
    return units // steps


def from_wire(units: int, currency: str) -> Money:
    """Read an amount; the currency is in small letters.

    Raises:
        MoneyError: not an amount, or parts of our smallest unit.
    """
    code = currency.upper()
    minor, rest = divmod(units * _units(digits(code)), _units(_digits(code)))
    if rest or units < 0:
        raise MoneyError(f"{units} {code} is no amount")
    return Money(minor, code)


def _digits(currency: str) -> int:
    return DIGITS.get(currency, digits(currency))


def _units(places: int) -> int:
    return int("1" + "0" * places)
