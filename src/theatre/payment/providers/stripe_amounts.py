"""Amounts as Stripe writes them: whole numbers, with its own idea of a few currencies' digits.

Source: docs.stripe.com/currencies, "zero-decimal", "three-decimal" and "special cases".
"""

from theatre.kit.money import Money, MoneyError, digits

# where Stripe counts in other units than ISO 4217 does
DIGITS = {"MGA": 0, "ISK": 2, "UGX": 2}
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
