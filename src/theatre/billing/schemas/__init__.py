"""What billing's doors take and give (CONTRACT 5)."""

from theatre.billing.schemas.catalogue import (
    IntervalAnswer,
    PriceAnswer,
    ProductAnswer,
    ProductsAnswer,
)
from theatre.billing.schemas.ledger import EntryAnswer, PostingAnswer
from theatre.billing.schemas.payment_records import (
    StaffPaymentAnswer,
    StaffPaymentDetails,
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
from theatre.billing.schemas.refunds import RefundAnswer, RefundCreate
from theatre.billing.schemas.rights import (
    EntitlementAnswer,
    NextCharge,
    PeriodAnswer,
    SubscriptionAnswer,
    VerdictAnswer,
)

__all__ = [
    "CheckoutAnswer",
    "CheckoutStart",
    "EntitlementAnswer",
    "EntryAnswer",
    "FailureAnswer",
    "IntervalAnswer",
    "ItemAnswer",
    "ItemWish",
    "NextCharge",
    "PaymentAnswer",
    "PaymentCreate",
    "PeriodAnswer",
    "PostingAnswer",
    "PriceAnswer",
    "ProductAnswer",
    "ProductsAnswer",
    "RefundAnswer",
    "RefundCreate",
    "StaffPaymentAnswer",
    "StaffPaymentDetails",
    "SubscriptionAnswer",
    "TransitionAnswer",
    "VerdictAnswer",
    "payment_fields",
]
