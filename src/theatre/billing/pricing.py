"""Arithmetic of totals and shares. Pure: no clock, no database."""

from collections.abc import Sequence

from theatre.billing.errors import CurrenciesMixed, TotalTooLarge
from theatre.kit.money import MAX_MINOR, Money


def total_of(lines: Sequence[tuple[Money, int]]) -> Money:
    """Sum unit price × quantity over lines.

    Raises:
        CurrenciesMixed: not all in one currency.
        TotalTooLarge: no JSON reader could hold it.
    """
    currencies = {unit.currency for unit, _ in lines}
    if len(currencies) != 1:
        raise CurrenciesMixed
    total = sum(unit.amount_minor * quantity for unit, quantity in lines)
    if total > MAX_MINOR:
        raise TotalTooLarge
    return Money(total, currencies.pop())


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Spread an amount over parts in proportion to their weights: each gets at most its weight, all get the amount.

    Shares are differences of cumulative ones, so nothing is lost to rounding. `amount` is at most the sum of weights.
    """
    total = sum(weights)
    shares, prefix = [], 0
    for weight in weights:
        low, prefix = prefix, prefix + weight
        shares.append(amount * prefix // total - amount * low // total if total else 0)
    return shares
