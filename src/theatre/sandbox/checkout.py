"""What a payer does on the hosted page. A further submit changes nothing, except that Stripe's page offers another try
after a refusal.

Steps want the payment locked and open; who calls them has asked `is_open` under the lock.
"""

from datetime import datetime, timedelta
from uuid import UUID

from theatre.kit.db import Session
from theatre.sandbox import settlement
from theatre.sandbox.cards import CANCELED_BY_PAYER, CODE_REFUSED, SCENARIOS, SUCCESS, card_of
from theatre.sandbox.errors import NothingToPay
from theatre.sandbox.forms import CardEntry
from theatre.sandbox.models import Payment, PaymentStatus, Shop, face_of
from theatre.sandbox.payment_methods import BANK_CARD

WRONG_CODE = "000000"


async def get(session: Session, payment_id: UUID) -> Payment:
    """Read the payment of a page.

    Raises:
        NothingToPay
    """
    return _shown(await session.get(Payment, payment_id))


async def get_locked(session: Session, payment_id: UUID) -> Payment:
    """Read the payment of a page and lock its row: of two submits the second sees what the first did.

    Raises:
        NothingToPay
    """
    return _shown(await session.get(Payment, payment_id, with_for_update=True))


def _shown(payment: Payment | None) -> Payment:
    if payment is None or payment.confirmation is None:
        raise NothingToPay
    return payment


def is_open(payment: Payment, now: datetime) -> bool:
    """Tell whether the payer can still do something."""
    is_over = payment.due_at is not None and payment.due_at <= now
    return payment.status == PaymentStatus.PENDING and not payment.is_processing and not is_over


def takes_card(payment: Payment) -> bool:
    """Tell whether the page asks for a card; other ways to pay are confirmed by a button."""
    return payment.method is None or payment.method["type"] == BANK_CARD


async def pay_by_card(
    session: Session, payment: Payment, entry: CardEntry, *, delay: timedelta, now: datetime
) -> None:
    """Try a card: it is decided now, later, or after a 3-D Secure code."""
    card = card_of(entry.number, face_of(payment.shop_id))
    scenario = SCENARIOS[card.scenario]
    payment.scenario = card.scenario
    payment.method = _method(payment, entry, card.brand)
    if payment.saves_method is None:
        payment.saves_method = entry.wants_saving
    enforces = bool((payment.confirmation or {}).get("enforce")) and scenario.refusal is None
    if scenario.asks_code or enforces:
        payment.is_challenged = True
    elif scenario.is_delayed:
        settlement.postpone(session, payment, delay, now=now)
    else:
        await settlement.decide(session, payment, with_code=False, now=now)


def _method(payment: Payment, entry: CardEntry, brand: str) -> dict[str, object]:
    last4 = entry.number[-4:]
    card = {
        "first6": entry.number[:6],
        "last4": last4,
        "expiry_month": entry.expiry_month,
        "expiry_year": entry.expiry_year,
        "card_type": brand,
        "issuer_country": "RU",
        "issuer_name": "Sandbox Bank",
    }
    return {"type": BANK_CARD, "id": str(payment.id), "title": f"Bank card *{last4}", "card": card}


async def pay_by_button(session: Session, payment: Payment, *, now: datetime) -> None:
    """Confirm a payment whose way to pay needs no card."""
    payment.scenario = SUCCESS
    await settlement.decide(session, payment, with_code=False, now=now)


async def confirm(session: Session, payment: Payment, code: str, *, delay: timedelta, now: datetime) -> None:
    """Give the 3-D Secure code that was asked for; any will do but one."""
    if code == WRONG_CODE:
        settlement.decline(session, payment, CODE_REFUSED, now=now)
    elif SCENARIOS[str(payment.scenario)].is_delayed:
        settlement.postpone(session, payment, delay, now=now)
    else:
        await settlement.decide(session, payment, with_code=True, now=now)


def leave(session: Session, payment: Payment, shop: Shop | None, *, now: datetime) -> None:
    """Go back without paying: the payment stays pending, unless the shop is switched to have it refused."""
    if is_open(payment, now) and shop is not None and shop.is_cancel_refused:
        settlement.refuse(session, payment, CANCELED_BY_PAYER, now=now)
