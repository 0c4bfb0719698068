"""Arithmetic of totals and shares. Pure: no clock, no database."""

from collections.abc import Sequence

from theatre.billing.errors import CurrenciesMixed, TotalTooLarge
from theatre.kit.money import MAX_MINOR, Money, divide_half_away


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


def percent_of(amount_minor: int, percent: int) -> int:
    """Give a share of an amount, half a minor unit rounded away from zero (CORRECTNESS M3)."""
    return divide_half_away(amount_minor * percent, 100)


def spread_discount(discount_minor: int, parts: Sequence[int]) -> list[int]:
    """Spread a discount over `parts` (minor units) by their size; it is at most their sum.

    Each share is rounded down and the remainder goes to the largest part, the first of equals; what that cannot hold
    (parts of a few minor units) to the next. The shares sum to the discount, and none is above its part.
    """
    total = sum(parts)
    shares = [discount_minor * part // total if total else 0 for part in parts]
    remainder = discount_minor - sum(shares)
    for index in sorted(range(len(parts)), key=lambda index: -parts[index]):
        more = min(remainder, parts[index] - shares[index])
        shares[index] += more
        remainder -= more
    return shares


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
