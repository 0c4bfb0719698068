"""What billing's doors take and give (CONTRACT 5)."""

from theatre.billing.schemas.catalogue import (
    IntervalAnswer,
    PriceAnswer,
    ProductAnswer,
    ProductsAnswer,
)
from theatre.billing.schemas.disputes import DisputeAnswer
from theatre.billing.schemas.explanations import ExplanationAnswer, StepAnswer
from theatre.billing.schemas.ledger import AccountAnswer, EntryAnswer, PostingAnswer
from theatre.billing.schemas.methods import PaymentMethodAnswer
from theatre.billing.schemas.payment_records import (
    AttemptAnswer,
    RefundPreviewAnswer,
    StaffPaymentAnswer,
    StaffPaymentDetails,
    StaffRefundAnswer,
    TransitionAnswer,
)
from theatre.billing.schemas.payments import (
    CheckoutAnswer,
    CheckoutStart,
    FailureAnswer,
    ItemAnswer,
    ItemWish,
    PaymentAnswer,
    PaymentCreate,
    payment_fields,
)
from theatre.billing.schemas.refunds import RefundAnswer, RefundCreate, RefundRejection, StaffRefundCreate
from theatre.billing.schemas.rights import (
    EntitlementAnswer,
    NextCharge,
    PeriodAnswer,
    SubscriptionAnswer,
    SubscriptionCancel,
    VerdictAnswer,
)
from theatre.billing.schemas.staff import (
    AuditAnswer,
    CaseAnswer,
    CaseResolution,
    ChainAnswer,
    DeadLetterAnswer,
    StaffSubscriptionAnswer,
    SummaryAnswer,
)
from theatre.billing.schemas.staff_catalogue import (
    PriceCreate,
    ProductCreate,
    StaffPriceAnswer,
    StaffProductAnswer,
)

__all__ = [
    "AccountAnswer",
    "AttemptAnswer",
    "AuditAnswer",
    "CaseAnswer",
    "CaseResolution",
    "ChainAnswer",
    "CheckoutAnswer",
    "CheckoutStart",
    "DeadLetterAnswer",
    "DisputeAnswer",
    "EntitlementAnswer",
    "EntryAnswer",
    "ExplanationAnswer",
    "FailureAnswer",
    "IntervalAnswer",
    "ItemAnswer",
    "ItemWish",
    "NextCharge",
    "PaymentAnswer",
    "PaymentCreate",
    "PaymentMethodAnswer",
    "PeriodAnswer",
    "PostingAnswer",
    "PriceAnswer",
    "PriceCreate",
    "ProductAnswer",
    "ProductCreate",
    "ProductsAnswer",
    "RefundAnswer",
    "RefundCreate",
    "RefundPreviewAnswer",
    "RefundRejection",
    "StaffPaymentAnswer",
    "StaffPaymentDetails",
    "StaffPriceAnswer",
    "StaffProductAnswer",
    "StaffRefundAnswer",
    "StaffRefundCreate",
    "StaffSubscriptionAnswer",
    "StepAnswer",
    "SubscriptionAnswer",
    "SubscriptionCancel",
    "SummaryAnswer",
    "TransitionAnswer",
    "VerdictAnswer",
    "payment_fields",
]
