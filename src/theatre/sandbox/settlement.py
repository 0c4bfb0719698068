"""How a payment comes to its end: every change of its status is here, each told to the shop in the same transaction.

The caller holds the payment's row lock, or has just made it.
"""

import secrets
from datetime import datetime, timedelta

from theatre.kit.db import Session
from theatre.sandbox import disputes, notifications, payment_methods, receipts
from theatre.sandbox.cards import SCENARIOS, Refusal
from theatre.sandbox.models import PAYMENT_TRANSITIONS, Face, Payment, PaymentStatus, face_of


async def decide(session: Session, payment: Payment, *, with_code: bool, now: datetime) -> None:
    """End a payer's try as the scenario of the payment's method says."""
    scenario = SCENARIOS[str(payment.scenario)]
    if scenario.refusal is not None:
        decline(session, payment, scenario.refusal, now=now)
        return
    payment.is_challenged = payment.is_processing = False
    await authorise(session, payment, with_code=with_code, now=now)


def postpone(session: Session, payment: Payment, delay: timedelta, *, now: datetime) -> None:
    """Let the decision come later: nothing more is asked of the payer."""
    payment.is_challenged = False
    payment.is_processing = True
    payment.due_at = now + delay
    notifications.tell_of_payment(session, payment, now)


def decline(session: Session, payment: Payment, refusal: Refusal, *, now: datetime) -> None:
    """Refuse a payer's try: that ends the payment, but at a Stripe page another card may be tried at once."""
    if face_of(payment.shop_id) is Face.STRIPE and not payment.is_processing:
        payment.is_challenged = False
        payment.last_refusal = refusal.to_object()
    else:
        refuse(session, payment, refusal, now=now)


async def authorise(session: Session, payment: Payment, *, with_code: bool, now: datetime) -> None:
    """Take the money, or hold it where the shop wants to capture later; save the method if that was wished."""
    payment.authorization = {
        "rrn": f"{secrets.randbelow(10**12):012d}",
        "auth_code": f"{secrets.randbelow(10**6):06d}",
        "three_d_secure": {"applied": with_code},
    }
    if payment.saves_method and payment_methods.terms_of(payment).is_savable:
        await payment_methods.save(session, payment, now)
    if payment.captures_at_once:
        succeed(session, payment, now=now)
    else:
        hold(session, payment, now=now)


def hold(session: Session, payment: Payment, *, now: datetime) -> None:
    """Hold the money until it is captured, given up or the method's term is over."""
    _move(payment, PaymentStatus.WAITING_FOR_CAPTURE)
    payment.due_at = now + (payment_methods.terms_of(payment).hold or timedelta())
    notifications.tell_of_payment(session, payment, now)


def succeed(session: Session, payment: Payment, *, now: datetime) -> None:
    """Take the money; the receipt that came with the payment is registered now, and some cards dispute it at once."""
    _move(payment, PaymentStatus.SUCCEEDED)
    payment.captured_at = now
    payment.due_at = None
    receipts.register_for_payment(session, payment, now)
    notifications.tell_of_payment(session, payment, now)
    if payment.scenario is not None and SCENARIOS[payment.scenario].is_disputed:
        disputes.open_by_card(session, payment, now=now)


def refuse(session: Session, payment: Payment, refusal: Refusal, *, now: datetime) -> None:
    """End a payment without its money."""
    _move(payment, PaymentStatus.CANCELED)
    payment.is_challenged = payment.is_processing = False
    payment.cancellation = refusal.to_object()
    payment.due_at = None
    notifications.tell_of_payment(session, payment, now)


def _move(payment: Payment, status: PaymentStatus) -> None:
    if status not in PAYMENT_TRANSITIONS[PaymentStatus(payment.status)]:
        raise AssertionError(f"a {payment.status} payment cannot become {status}")
    payment.status = status
