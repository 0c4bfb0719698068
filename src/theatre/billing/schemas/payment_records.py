"""Payments as staff see them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import Payment
from theatre.billing.schemas.ledger import EntryAnswer
from theatre.billing.schemas.payments import PaymentAnswer, payment_fields
from theatre.billing.schemas.refunds import RefundAnswer
from theatre.kit.fields import Answer


class TransitionAnswer(Answer):
    """One change of state."""

    from_status: str
    to_status: str
    reason: str
    attempt_id: UUID | None
    occurred_at: datetime


class StaffPaymentAnswer(PaymentAnswer):
    """A payment as staff see it in a list."""

    user_id: UUID

    @classmethod
    def of(cls, payment: Payment) -> "StaffPaymentAnswer":
        return cls.model_construct(user_id=payment.user_id, **payment_fields(payment))


class StaffPaymentDetails(StaffPaymentAnswer):
    """A payment as staff see it whole."""

    open_attempt_id: UUID | None
    paid_attempt_id: UUID | None
    history: list[TransitionAnswer]
    refunds: list[RefundAnswer]
    ledger: list[EntryAnswer]
