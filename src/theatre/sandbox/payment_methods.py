"""Ways to pay, what each allows (PROVIDERS 1.5), and methods that a shop saved for later charges."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from theatre.kit.db import Session
from theatre.sandbox.errors import InvalidRequest, NoSuchObject
from theatre.sandbox.models import Payment, PaymentMethod

BANK_CARD = "bank_card"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a way to pay allows. `hold` is None where money cannot be held, `max_minor` is in kopecks."""

    pay: timedelta = timedelta(hours=1)
    hold: timedelta | None = timedelta(days=7)
    is_refundable: bool = True
    is_partly_refundable: bool = True
    is_savable: bool = False
    max_minor: int | None = None


TERMS = {
    BANK_CARD: Terms(is_savable=True, max_minor=350_000_00),
    "yoo_money": Terms(is_savable=True),
    "sberbank": Terms(is_savable=True),
    "tinkoff_bank": Terms(is_savable=True),
    "sbp": Terms(hold=None, is_savable=True, max_minor=700_000_00),
    "alfa_pay": Terms(hold=None),
    "sber_loan": Terms(pay=timedelta(hours=72), hold=timedelta(hours=2)),
    "sber_bnpl": Terms(),
    "mobile_balance": Terms(hold=timedelta(hours=6), is_partly_refundable=False),
    "cash": Terms(
        pay=timedelta(days=3650), hold=timedelta(hours=6), is_refundable=False, is_partly_refundable=False
    ),
    "b2b_sberbank": Terms(pay=timedelta(hours=8), hold=None, is_refundable=False, is_partly_refundable=False),
    "electronic_certificate": Terms(hold=None),
}


def terms_of(payment: Payment) -> Terms:
    """Tell what the way that a payment is paid by allows; the payer's choice is a card until known."""
    return TERMS[(payment.method or {}).get("type", BANK_CARD)]


async def save(session: Session, payment: Payment, now: datetime) -> None:
    """Keep a payment's method for charges without the payer."""
    payment.is_method_saved = True
    session.add(
        PaymentMethod(
            id=payment.id,
            shop_id=payment.shop_id,
            method=payment.method,
            scenario=payment.scenario,
            is_revoked=False,
            created_at=now,
        )
    )


async def get_saved(session: Session, shop_id: str, method_id: UUID) -> PaymentMethod:
    """Read a saved method of a shop.

    Raises:
        InvalidRequest: there is none with this id.
    """
    method = await session.get(PaymentMethod, method_id)
    if method is None or method.shop_id != shop_id:
        raise InvalidRequest("Payment method not found or not saved", parameter="payment_method_id")
    return method


async def revoke(session: Session, method_id: UUID) -> None:
    """Play the payer who takes the permission back: later charges end as `permission_revoked`.

    Raises:
        NoSuchObject
    """
    method = await session.get(PaymentMethod, method_id, with_for_update=True)
    if method is None:
        raise NoSuchObject
    method.is_revoked = True
