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


def spread(discount_minor: int, parts: Sequence[int]) -> list[int]:
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


def share_of_refund(parts: Sequence[int], *, before: int, amount: int) -> list[int]:
    """Spread a refund of `amount` over `parts` (minor units), after `before` was given back already.

    Each share is the difference of two cumulative shares, so any series of refunds that reaches the total gives back
    exactly every part, and each refund's shares sum to its amount.
    """
    total = sum(parts)
    shares = []
    prefix = 0
    for part in parts:
        low, prefix = prefix, prefix + part
        shares.append(
            _cumulative(before + amount, prefix, total)
            - _cumulative(before + amount, low, total)
            - _cumulative(before, prefix, total)
            + _cumulative(before, low, total)
        )
    return shares


def _cumulative(refunded: int, prefix: int, total: int) -> int:
    return refunded * prefix // total
