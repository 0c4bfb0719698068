"""Objects as YooKassa writes them: money with two digits, moments with milliseconds, never a null field."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from theatre.kit.money import divide_half_away
from theatre.sandbox.models import Payment, PaymentStatus, Receipt, Refund, RefundStatus, Shop, Webhook

Object = dict[str, Any]

# the provider's commission: 3.5 %
COMMISSION_PER_MILLE = 35


def commission(amount_minor: int) -> int:
    """Reckon what the payment system keeps of a capture, in minor units; a refund brings nothing of it back."""
    return divide_half_away(amount_minor * COMMISSION_PER_MILLE, 1000)


def money(amount_minor: int, currency: str) -> Object:
    """Write an amount: every currency here has two digits."""
    return {"value": f"{amount_minor // 100}.{amount_minor % 100:02d}", "currency": currency}


def moment(at: datetime) -> str:
    """Write a moment: ISO 8601 in UTC with milliseconds and Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def checkout_url(public_url: str, payment_id: UUID) -> str:
    """Give the address of a payment's hosted page."""
    return f"{public_url}/sandbox/checkout/{payment_id}"


def payment_object(payment: Payment, public_url: str) -> Object:
    """Write a payment."""
    is_paid = payment.status in {PaymentStatus.WAITING_FOR_CAPTURE, PaymentStatus.SUCCEEDED}
    body: Object = {
        "id": str(payment.id),
        "status": payment.status,
        "amount": money(payment.amount_minor, payment.currency),
        "recipient": {"account_id": payment.shop_id, "gateway_id": payment.gateway_id},
        "created_at": moment(payment.created_at),
        "metadata": payment.details,
        "paid": is_paid,
        "refundable": is_refundable(payment),
        "test": True,
        "description": payment.description,
        "merchant_customer_id": payment.merchant_customer_id,
        "cancellation_details": payment.cancellation,
        "authorization_details": payment.authorization,
        "payment_method": _method(payment),
        "confirmation": _confirmation(payment, public_url),
    }
    body.update(_of_status(payment))
    if payment.receipt is not None:
        body["receipt_registration"] = _registration(payment.status)
    return _without_nulls(body)


def is_refundable(payment: Payment) -> bool:
    """Tell whether anything of a payment can still be given back."""
    left_minor = payment.amount_minor - payment.refunded_minor - payment.refunding_minor
    return payment.status == PaymentStatus.SUCCEEDED and left_minor > 0


def _of_status(payment: Payment) -> Object:
    if payment.status == PaymentStatus.WAITING_FOR_CAPTURE and payment.due_at is not None:
        return {"expires_at": moment(payment.due_at)}
    if payment.status != PaymentStatus.SUCCEEDED or payment.captured_at is None:
        return {}
    return {
        "captured_at": moment(payment.captured_at),
        "income_amount": money(payment.amount_minor - commission(payment.amount_minor), payment.currency),
        "refunded_amount": money(payment.refunded_minor, payment.currency),
    }


def _method(payment: Payment) -> Object | None:
    if payment.method is None:
        return None
    saved = payment.is_method_saved
    return {**payment.method, "saved": saved, "status": "active" if saved else "inactive"}


def _confirmation(payment: Payment, public_url: str) -> Object | None:
    asked = payment.confirmation
    if asked is None or payment.status != PaymentStatus.PENDING or payment.is_processing:
        return None
    url = checkout_url(public_url, payment.id)
    shown: Object = {"type": asked["type"]}
    if asked["type"] in {"redirect", "mobile_application"}:
        shown |= {
            "confirmation_url": url,
            "return_url": asked.get("return_url"),
            "enforce": asked.get("enforce"),
        }
    elif asked["type"] == "embedded":
        shown["confirmation_token"] = f"ct-{payment.id}"
    elif asked["type"] == "qr":
        shown["confirmation_data"] = url
    return _without_nulls(shown)


def _registration(status: str) -> str:
    """Give the state of the receipt that came with an operation: registered with the money."""
    return status if status in {"succeeded", "canceled"} else "pending"


def refund_object(refund: Refund) -> Object:
    """Write a refund."""
    body: Object = {
        "id": str(refund.id),
        "payment_id": str(refund.payment_id),
        "status": refund.status,
        "amount": money(refund.amount_minor, refund.currency),
        "created_at": moment(refund.created_at),
        "description": refund.description,
        "metadata": refund.details,
    }
    if refund.status == RefundStatus.SUCCEEDED:
        body["refund_authorization_details"] = {"rrn": refund.rrn}
    if refund.status == RefundStatus.CANCELED:
        body["cancellation_details"] = refund.cancellation
    if refund.receipt is not None:
        body["receipt_registration"] = _registration(refund.status)
    return _without_nulls(body)


def receipt_object(receipt: Receipt) -> Object:
    """Write a receipt; its fiscal fields are imitated."""
    number = int(receipt.id[-8:], 16)
    body: Object = {
        "id": receipt.id,
        "type": receipt.type,
        "status": "succeeded",
        "payment_id": str(receipt.payment_id) if receipt.payment_id else None,
        "refund_id": str(receipt.refund_id) if receipt.refund_id else None,
        "fiscal_document_number": str(number),
        "fiscal_storage_number": "9288000100115785",
        "fiscal_attribute": f"{number % 10**10:010d}",
        "registered_at": moment(receipt.created_at),
        "fiscal_provider_id": receipt.id[3:],
        **receipt.content,
    }
    return _without_nulls(body)


def webhook_object(webhook: Webhook) -> Object:
    """Write a webhook."""
    return {"id": webhook.id, "event": webhook.event, "url": webhook.url}


def me_object(shop: Shop) -> Object:
    """Write a shop's settings."""
    return {
        "account_id": shop.id,
        "status": "enabled",
        "test": True,
        "fiscalization": {"enabled": True, "provider": "yoo_receipt"},
        "fiscalization_enabled": True,
        "payment_methods": ["bank_card", "yoo_money"],
    }


def list_object(items: list[Object], next_cursor: str | None) -> Object:
    """Write one page of a list; the cursor is there only if more exists."""
    return _without_nulls({"type": "list", "items": items, "next_cursor": next_cursor})


def _without_nulls(body: Object) -> Object:
    return {name: value for name, value in body.items() if value is not None}
