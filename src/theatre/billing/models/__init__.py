"""Billing's tables, whose constraints hold the rules, and its states with what each may become."""

from theatre.billing.models.catalogue import Price, Product, PromoCode, PromoUser
from theatre.billing.models.disputes import Dispute
from theatre.billing.models.ledger import (
    AccountBalance,
    LedgerClosing,
    LedgerDay,
    LedgerEntry,
    LedgerPosting,
    RevenueSchedule,
)
from theatre.billing.models.messages import IdempotencyKey, InboxMessage, OutboxMessage
from theatre.billing.models.methods import PaymentMethod
from theatre.billing.models.payments import (
    Payment,
    PaymentItem,
    PaymentTransition,
    PromoRedemption,
    Refund,
    RefundItem,
)
from theatre.billing.models.receipts import Receipt
from theatre.billing.models.reconciliation import (
    Outcome,
    Reason,
    ReconciliationRow,
    ReconciliationRun,
    RegisterLine,
    RunStatus,
)
from theatre.billing.models.records import AuditRecord, Case
from theatre.billing.models.rights import Entitlement, Subscription, SubscriptionPeriod
from theatre.billing.models.schema import Base
from theatre.billing.models.states import (
    LOCKING,
    OPEN_SUBSCRIPTION,
    PAYMENT_TRANSITIONS,
    RECEIPT_TRANSITIONS,
    REFUND_TRANSITIONS,
    RESERVING,
    CaseKind,
    CaseStatus,
    PaymentStatus,
    ProductKind,
    PromoKind,
    ReceiptKind,
    ReceiptStatus,
    RefundSource,
    RefundStatus,
    SubscriptionStatus,
)

__all__ = [
    "LOCKING",
    "OPEN_SUBSCRIPTION",
    "PAYMENT_TRANSITIONS",
    "RECEIPT_TRANSITIONS",
    "REFUND_TRANSITIONS",
    "RESERVING",
    "AccountBalance",
    "AuditRecord",
    "Base",
    "Case",
    "CaseKind",
    "CaseStatus",
    "Dispute",
    "Entitlement",
    "IdempotencyKey",
    "InboxMessage",
    "LedgerClosing",
    "LedgerDay",
    "LedgerEntry",
    "LedgerPosting",
    "OutboxMessage",
    "Outcome",
    "Payment",
    "PaymentItem",
    "PaymentMethod",
    "PaymentStatus",
    "PaymentTransition",
    "Price",
    "Product",
    "ProductKind",
    "PromoCode",
    "PromoKind",
    "PromoRedemption",
    "PromoUser",
    "Reason",
    "Receipt",
    "ReceiptKind",
    "ReceiptStatus",
    "ReconciliationRow",
    "ReconciliationRun",
    "Refund",
    "RefundItem",
    "RefundSource",
    "RefundStatus",
    "RegisterLine",
    "RevenueSchedule",
    "RunStatus",
    "Subscription",
    "SubscriptionPeriod",
    "SubscriptionStatus",
]
