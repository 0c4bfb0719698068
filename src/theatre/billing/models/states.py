"""States of billing's things, each with the table of what it may become."""

from collections.abc import Mapping
from enum import StrEnum

from theatre.contracts.payment_disputes import (
    DisputeStatus,
)


class ProductKind(StrEnum):
    """What a product gives: all of the catalogue for a time, one film for ever, one film for a while, a present."""

    PLAN = "plan"
    FILM = "film"
    RENTAL = "rental"
    GIFT = "gift"


class PaymentStatus(StrEnum):
    """States of CONTRACT 5."""

    UNPAID = "unpaid"
    PENDING = "pending"
    PAID = "paid"
    REFUNDED = "refunded"
    CANCELED = "canceled"
    EXPIRED = "expired"


PAYMENT_TRANSITIONS: Mapping[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.UNPAID: frozenset(
        {PaymentStatus.PENDING, PaymentStatus.CANCELED, PaymentStatus.EXPIRED, PaymentStatus.PAID}
    ),
    PaymentStatus.PENDING: frozenset(
        {PaymentStatus.PAID, PaymentStatus.UNPAID, PaymentStatus.CANCELED, PaymentStatus.EXPIRED}
    ),
    PaymentStatus.PAID: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
    PaymentStatus.CANCELED: frozenset(),
    PaymentStatus.EXPIRED: frozenset(),
}


class RefundStatus(StrEnum):
    """`requested` waits for a second person; `pending` is with the provider."""

    REQUESTED = "requested"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"


REFUND_TRANSITIONS: Mapping[RefundStatus, frozenset[RefundStatus]] = {
    RefundStatus.REQUESTED: frozenset({RefundStatus.PENDING, RefundStatus.REJECTED}),
    RefundStatus.PENDING: frozenset({RefundStatus.SUCCEEDED, RefundStatus.FAILED}),
    RefundStatus.SUCCEEDED: frozenset(),
    # a provider may find out afterwards that the money did go back: money wins
    RefundStatus.FAILED: frozenset({RefundStatus.SUCCEEDED}),
    RefundStatus.REJECTED: frozenset(),
}
RESERVING = frozenset({RefundStatus.REQUESTED, RefundStatus.PENDING, RefundStatus.SUCCEEDED})
"""Refunds in these states count against what may still be given back."""


class RefundSource(StrEnum):
    """Who wanted it: the buyer, staff, the rule that gives back money that bought nothing, or the provider itself
    (made in its cabinet, we only hear of it)."""

    USER = "user"
    STAFF = "staff"
    LATE = "late"
    PROVIDER = "provider"


LOCKING = frozenset({DisputeStatus.OPEN, DisputeStatus.LOST})
"""While a dispute of a payment is in one of these states nothing of the payment is given back (R2)."""


class SubscriptionStatus(StrEnum):
    """States of a standing agreement."""

    TRIALING = "trialing"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    PAUSED = "paused"
    CANCELED = "canceled"
    EXPIRED = "expired"


OPEN_SUBSCRIPTION = (
    SubscriptionStatus.TRIALING,
    SubscriptionStatus.ACTIVE,
    SubscriptionStatus.PAST_DUE,
    SubscriptionStatus.PAUSED,
)


class PromoKind(StrEnum):
    """What a promo code takes off: a share of the sum, or a fixed amount."""

    PERCENT = "percent"
    AMOUNT = "amount"


class ReceiptKind(StrEnum):
    """What a fiscal receipt confirms: money taken for a purchase, or money given back (54-FZ)."""

    INCOME = "income"
    RETURN = "return"


class ReceiptStatus(StrEnum):
    """`pending`: to be handed in, or nobody knows yet whether it was; `sent`: the provider has it and is registering
    it; `failed`: it was definitely not registered."""

    PENDING = "pending"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


RECEIPT_TRANSITIONS: Mapping[ReceiptStatus, frozenset[ReceiptStatus]] = {
    ReceiptStatus.PENDING: frozenset({ReceiptStatus.SENT, ReceiptStatus.SUCCEEDED, ReceiptStatus.FAILED}),
    ReceiptStatus.SENT: frozenset({ReceiptStatus.SUCCEEDED, ReceiptStatus.FAILED}),
    ReceiptStatus.SUCCEEDED: frozenset(),
    # handed in again as a new submission, by the clock or by staff
    ReceiptStatus.FAILED: frozenset({ReceiptStatus.PENDING}),
}


class CaseKind(StrEnum):
    """Why a person must look."""

    UNALLOCATED_MONEY = "unallocated_money"
    REFUND_FAILED = "refund_failed"
    REFUND_UNEXPECTED = "refund_unexpected"
    RECONCILIATION = "reconciliation"
    RECEIPT_FAILED = "receipt_failed"
    DISPUTE = "dispute"
    DISPUTE_UNEXPECTED = "dispute_unexpected"
    REFUND_DISPUTED = "refund_disputed"


class CaseStatus(StrEnum):
    """A case is closed by a person, with a note."""

    OPEN = "open"
    RESOLVED = "resolved"
