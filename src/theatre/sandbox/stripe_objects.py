"""Objects as Stripe writes them: amounts in the smallest unit, moments in seconds, references opened on demand.

A session, its payment intent, its charge and that one's balance transaction are all one payment of ours.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from theatre.kit.money import divide_half_away
from theatre.sandbox.cards import CANCELED_BY_MERCHANT, EXPIRED_ON_CONFIRMATION
from theatre.sandbox.errors import NoSuchObject
from theatre.sandbox.models import Payment, PaymentStatus, Refund, RefundStatus
from theatre.sandbox.objects import COMMISSION_PER_MILLE, Object, checkout_url

SESSION, INTENT, CHARGE, TRANSACTION, REFUND, EVENT = "cs_test_", "pi_", "ch_", "txn_", "re_", "evt_"
# a refusal in YooKassa's words as Stripe's code and decline code
DECLINES = {
    "3d_secure_failed": ("payment_intent_authentication_failure", None),
    "card_expired": ("expired_card", "expired_card"),
    "invalid_card_number": ("incorrect_number", "incorrect_number"),
    "invalid_csc": ("incorrect_cvc", "incorrect_cvc"),
    "insufficient_funds": ("card_declined", "insufficient_funds"),
    "issuer_unavailable": ("processing_error", "issuer_not_available"),
    "internal_timeout": ("processing_error", "processing_error"),
    "payment_method_limit_exceeded": ("card_declined", "card_velocity_exceeded"),
    "payment_method_restricted": ("card_declined", "lost_card"),
    "country_forbidden": ("card_declined", "card_not_supported"),
    "fraud_suspected": ("card_declined", "fraudulent"),
    "call_issuer": ("card_declined", "call_issuer"),
}
GENERIC_DECLINE = ("card_declined", "generic_decline")
REFUND_STATUSES = {
    RefundStatus.PENDING: "pending",
    RefundStatus.SUCCEEDED: "succeeded",
    RefundStatus.CANCELED: "failed",
}
REFUND_FAILURES = {
    "rejected_by_payee": "expired_or_canceled_card",
    "insufficient_funds": "insufficient_funds",
}
NOT_PAID_IN_TIME = (EXPIRED_ON_CONFIRMATION.reason, CANCELED_BY_MERCHANT.reason)


def read_id(text: str, prefix: str) -> UUID:
    """Read the id of an object of ours; what is none names no object.

    Raises:
        NoSuchObject
    """
    try:
        identity = UUID(text.removeprefix(prefix))
    except ValueError as error:
        raise NoSuchObject(f"No such object: '{text}'") from error
    if text != written_id(prefix, identity):
        raise NoSuchObject(f"No such object: '{text}'")
    return identity


def written_id(prefix: str, identity: UUID) -> str:
    """Write an id."""
    return f"{prefix}{identity.hex}"


def seconds(at: datetime) -> int:
    """Write a moment."""
    return int(at.timestamp())


def session_status(payment: Payment) -> str:
    """Tell where a session stands: it is complete when the payer has done all, whatever comes of it."""
    if payment.status == PaymentStatus.PENDING:
        return "complete" if payment.is_processing else "open"
    return "expired" if _is_expired(payment) else "complete"


def session_object(payment: Payment, public_url: str, opened: Collection[str] = ()) -> Object:
    """Write a checkout session; of references in it those are opened whose paths are named."""
    asked = payment.confirmation or {}
    status = session_status(payment)
    return {
        "id": written_id(SESSION, payment.id),
        "object": "checkout.session",
        "mode": "payment",
        "status": status,
        "payment_status": "paid" if payment.status == PaymentStatus.SUCCEEDED else "unpaid",
        "url": checkout_url(public_url, payment.id) if status == "open" else None,
        "amount_subtotal": payment.amount_minor,
        "amount_total": payment.amount_minor,
        "currency": payment.currency.lower(),
        "client_reference_id": asked.get("client_reference_id"),
        "customer": None,
        "customer_details": None,
        "customer_email": asked.get("customer_email"),
        "expires_at": asked.get("expires_at"),
        "payment_intent": _intent(payment, opened),
        "success_url": asked.get("return_url"),
        "cancel_url": asked.get("cancel_url"),
        "ui_mode": "hosted_page",
        "locale": asked.get("stripe_locale"),
        "created": seconds(payment.created_at),
        "livemode": False,
        "metadata": payment.details,
    }


def _intent(payment: Payment, opened: Collection[str]) -> str | Object | None:
    # an intent comes into being when the payer first tries
    if payment.method is None:
        return None
    if "payment_intent" not in opened:
        return written_id(INTENT, payment.id)
    return intent_object(payment, below("payment_intent", opened))


def intent_object(payment: Payment, opened: Collection[str] = ()) -> Object:
    """Write a payment intent."""
    is_paid = payment.status == PaymentStatus.SUCCEEDED
    is_expired = payment.status == PaymentStatus.CANCELED and _is_expired(payment)
    identity = written_id(INTENT, payment.id)
    return {
        "id": identity,
        "object": "payment_intent",
        "amount": payment.amount_minor,
        "amount_capturable": 0,
        "amount_received": payment.amount_minor if is_paid else 0,
        "currency": payment.currency.lower(),
        "status": _intent_status(payment),
        "client_secret": f"{identity}_secret_sandbox",
        "capture_method": "automatic_async",
        "latest_charge": _charge(payment, opened) if is_paid else None,
        "last_payment_error": _error(payment),
        "next_action": None,
        "canceled_at": seconds(payment.created_at) if is_expired else None,
        "cancellation_reason": "abandoned" if is_expired else None,
        "created": seconds(payment.created_at),
        "livemode": False,
        "metadata": (payment.confirmation or {}).get("intent_metadata", {}),
    }


def _intent_status(payment: Payment) -> str:
    if payment.status == PaymentStatus.SUCCEEDED:
        return "succeeded"
    if payment.status == PaymentStatus.CANCELED:
        return "canceled" if _is_expired(payment) else "requires_payment_method"
    if payment.is_processing:
        return "processing"
    return "requires_action" if payment.is_challenged else "requires_payment_method"


def _is_expired(payment: Payment) -> bool:
    return (payment.cancellation or {}).get("reason") in NOT_PAID_IN_TIME


def _error(payment: Payment) -> Object | None:
    refusal = (
        payment.last_refusal if payment.cancellation is None or _is_expired(payment) else payment.cancellation
    )
    if refusal is None or payment.status == PaymentStatus.SUCCEEDED:
        return None
    code, decline_code = DECLINES.get(refusal["reason"], GENERIC_DECLINE)
    return {
        "type": "card_error",
        "code": code,
        "decline_code": decline_code,
        "message": "Your card was declined.",
    }


def _charge(payment: Payment, opened: Collection[str]) -> str | Object:
    identity = written_id(CHARGE, payment.id)
    return charge_object(payment, below("latest_charge", opened)) if "latest_charge" in opened else identity


def charge_object(payment: Payment, opened: Collection[str] = ()) -> Object:
    """Write the charge of a payment that was made."""
    is_open = "balance_transaction" in opened
    return {
        "id": written_id(CHARGE, payment.id),
        "object": "charge",
        "amount": payment.amount_minor,
        "amount_captured": payment.amount_minor,
        "amount_refunded": payment.refunded_minor,
        "refunded": payment.refunded_minor == payment.amount_minor,
        "balance_transaction": _transaction(payment) if is_open else written_id(TRANSACTION, payment.id),
        "captured": True,
        "created": seconds(payment.captured_at or payment.created_at),
        "currency": payment.currency.lower(),
        "livemode": False,
        "metadata": (payment.confirmation or {}).get("intent_metadata", {}),
        "paid": True,
        "payment_intent": written_id(INTENT, payment.id),
        "status": "succeeded",
    }


def _transaction(payment: Payment) -> Object:
    return {
        "id": written_id(TRANSACTION, payment.id),
        "object": "balance_transaction",
        "amount": payment.amount_minor,
        "available_on": seconds(payment.captured_at or payment.created_at),
        "created": seconds(payment.captured_at or payment.created_at),
        "currency": payment.currency.lower(),
        "fee": (fee_minor := divide_half_away(payment.amount_minor * COMMISSION_PER_MILLE, 1000)),
        "net": payment.amount_minor - fee_minor,
        "reporting_category": "charge",
        "source": written_id(CHARGE, payment.id),
        "status": "pending",
        "type": "charge",
    }


def transaction_object(moved: Payment | Refund, opened: Collection[str] = ()) -> Object:
    """Write the balance transaction of a payment that was made or of a refund; of a refund nothing is kept."""
    is_open, inner = "source" in opened, below("source", opened)
    if isinstance(moved, Payment):
        return {**_transaction(moved), **({"source": charge_object(moved, inner)} if is_open else {})}
    return {
        "id": written_id(TRANSACTION, moved.id),
        "object": "balance_transaction",
        "amount": -moved.amount_minor,
        "available_on": seconds(moved.created_at),
        "created": seconds(moved.created_at),
        "currency": moved.currency.lower(),
        "fee": 0,
        "net": -moved.amount_minor,
        "reporting_category": "refund",
        "source": refund_object(moved) if is_open else written_id(REFUND, moved.id),
        "status": "pending",
        "type": "refund",
    }


def refund_object(refund: Refund) -> Object:
    """Write a refund."""
    reason = (refund.cancellation or {}).get("reason", "")
    is_failed = refund.status == RefundStatus.CANCELED
    return {
        "id": written_id(REFUND, refund.id),
        "object": "refund",
        "amount": refund.amount_minor,
        "balance_transaction": written_id(TRANSACTION, refund.id)
        if refund.status == RefundStatus.SUCCEEDED
        else None,
        "charge": written_id(CHARGE, refund.payment_id),
        "created": seconds(refund.created_at),
        "currency": refund.currency.lower(),
        "failure_reason": REFUND_FAILURES.get(reason, "unknown") if is_failed else None,
        "metadata": refund.details,
        "payment_intent": written_id(INTENT, refund.payment_id),
        "pending_reason": "processing" if refund.status == RefundStatus.PENDING else None,
        "reason": refund.description,
        "status": REFUND_STATUSES[RefundStatus(refund.status)],
    }


def list_object(items: list[Object], url: str, *, has_more: bool) -> Object:
    """Write one page of a list."""
    return {"object": "list", "data": items, "has_more": has_more, "url": url}


def below(name: str, opened: Collection[str]) -> frozenset[str]:
    """Give, of paths to be opened, what lies below a name."""
    return frozenset(path.removeprefix(f"{name}.") for path in opened if path.startswith(f"{name}."))


def opened_by(paths: Collection[str]) -> frozenset[str]:
    """Give every path that is opened on the way to others: `a.b` opens `a` too."""
    parts = (path.split(".") for path in paths)
    return frozenset(".".join(names[: length + 1]) for names in parts for length in range(len(names)))


def error_object(problem: dict[str, Any], status: int) -> dict[str, Any]:
    """Write a problem as Stripe's error object."""
    fields = problem.get("errors") or []
    error: Object = {"type": problem.get("stripe_type") or _type_of(status), "message": problem["detail"]}
    parameter = fields[0]["field"] if fields else problem.get("parameter")
    code = problem.get("stripe_code") or CODES.get(status)
    return {
        "error": {
            **error,
            **({"code": code} if code else {}),
            **({"param": parameter} if parameter else {}),
        }
    }


CODES = {404: "resource_missing", 429: "rate_limit"}
SERVER_ERROR = 500


def _type_of(status: int) -> str:
    return "api_error" if status >= SERVER_ERROR else "invalid_request_error"
