"""What YooMoney keeps of an incoming payment: between what the payer was charged and what our wallet got.

The history of a wallet tells what came; what was charged follows from the rate, or is said by a notification.
"""

from theatre.kit.money import Money, divide_half_away

# a: charged from a wallet, sum/(1+a) arrives; from a card, sum*(1-a). In thousandths.
WALLET_RATE, CARD_RATE, WHOLE = 10, 30, 1000
# their rounding is not told
TOLERANCE_MINOR = 1


def fee_of(charged: Money, credited: Money) -> Money:
    """Give what YooMoney kept.

    Raises:
        MoneyError: another currency.
    """
    return charged - credited


def credited_of(charged: Money, *, by_card: bool) -> Money:
    """Tell what arrives when so much is charged."""
    minor = charged.amount_minor
    arrived = (
        divide_half_away(minor * (WHOLE - CARD_RATE), WHOLE)
        if by_card
        else divide_half_away(minor * WHOLE, WHOLE + WALLET_RATE)
    )
    return Money(arrived, charged.currency)


def charged_of(credited: Money, *, by_card: bool) -> Money:
    """Tell what was charged when so much arrived, give or take a kopeck."""
    minor = credited.amount_minor
    charged = (
        divide_half_away(minor * WHOLE, WHOLE - CARD_RATE)
        if by_card
        else divide_half_away(minor * (WHOLE + WALLET_RATE), WHOLE)
    )
    return Money(charged, credited.currency)


def explains(charged: Money, credited: Money, *, by_card: bool) -> bool:
    """Tell whether so much arrives when so much is charged."""
    expected = credited_of(charged, by_card=by_card)
    return abs(expected.amount_minor - credited.amount_minor) <= TOLERANCE_MINOR
