"""Roubles on the wallet system's wire, and what it keeps of them."""

import re
from decimal import Decimal

from theatre.kit.money import Money, divide_half_away, to_decimal

AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
CURRENCY_NUMBER = "643"
# in thousandths: sum/(1+a) arrives from a wallet, sum*(1-a) from a card
WALLET_RATE, CARD_RATE, WHOLE = 10, 30, 1000


def read_minor(text: str) -> int | None:
    """Read an amount above zero in kopecks; None if it is none."""
    return int(Decimal(text) * 100) or None if AMOUNT.fullmatch(text) else None


def written(minor: int) -> str:
    """Write an amount as in forms: `402.50`."""
    return to_decimal(Money(minor, "RUB"))


def number(minor: int) -> float:
    """Write an amount as the JSON number that the API gives."""
    return float(written(minor))


def credited(charged_minor: int, *, by_card: bool) -> int:
    """Tell what arrives; at least a kopeck does."""
    if by_card:
        return max(divide_half_away(charged_minor * (WHOLE - CARD_RATE), WHOLE), 1)
    return max(divide_half_away(charged_minor * WHOLE, WHOLE + WALLET_RATE), 1)


def charged(credited_minor: int) -> int:
    """Tell what must be charged from a wallet for so much to arrive."""
    return -(-credited_minor * (WHOLE + WALLET_RATE) // WHOLE)
