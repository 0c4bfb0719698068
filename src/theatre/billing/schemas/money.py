"""Amounts as doors show them."""

from theatre.kit.fields import MoneyField
from theatre.kit.money import Money, to_decimal


def money(amount_minor: int, currency: str) -> MoneyField:
    """Write an amount for the wire; our own amounts need no check."""
    return MoneyField.model_construct(amount=to_decimal(Money(amount_minor, currency)), currency=currency)
