"""Stripe's events: which of them tell of a change, how they are written, and their signature."""

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

from theatre.sandbox.cards import SCENARIOS
from theatre.sandbox.models import Payment, PaymentStatus, Refund, RefundStatus
from theatre.sandbox.objects import Object
from theatre.sandbox.stripe_objects import (
    EVENT,
    charge_object,
    refund_object,
    seconds,
    session_object,
    session_status,
    written_id,
)

API_VERSION = "2026-10-28.endive"


def of_payment(payment: Payment) -> tuple[str, Object]:
    """Name the event that tells what a session has become, with the session as it is."""
    is_slow = payment.scenario is not None and SCENARIOS[payment.scenario].is_delayed
    if session_status(payment) == "expired":
        kind = "expired"
    elif is_slow and payment.status == PaymentStatus.SUCCEEDED:
        kind = "async_payment_succeeded"
    elif is_slow and payment.status == PaymentStatus.CANCELED:
        kind = "async_payment_failed"
    else:
        kind = "completed"
    return f"checkout.session.{kind}", session_object(payment, "")


def of_refund(refund: Refund, payment: Payment, now: datetime) -> list[tuple[str, Object]]:
    """Name the events that tell how a refund stands, with what each is about."""
    about = refund_object(refund)
    told = [("refund.created" if refund.created_at == now else "refund.updated", about)]
    if refund.status == RefundStatus.CANCELED:
        told.append(("refund.failed", about))
    if refund.status == RefundStatus.SUCCEEDED:
        told.append(("charge.refunded", charge_object(payment)))
    return told


def event_object(event_id: UUID, kind: str, about: Object, *, now: datetime) -> Object:
    """Write an event."""
    return {
        "id": written_id(EVENT, event_id),
        "object": "event",
        "api_version": API_VERSION,
        "created": seconds(now),
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def signature(body: bytes, secret: str, now: datetime) -> str:
    """Sign a notification for sending it now."""
    moment = str(seconds(now))
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"
