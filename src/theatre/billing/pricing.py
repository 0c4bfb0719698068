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
