"""Refunds as doors take and show them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import Refund
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, Body, Line, MoneyField


class RefundCreate(Body):
    """Money to be given back; without `amount`, all that is left."""

    amount: MoneyField | None = None
    reason: Line


class RefundAnswer(Answer):
    """Money given back."""

    id: UUID
    payment_id: UUID
    status: str
    amount: MoneyField
    reason: str
    created_at: datetime

    @classmethod
    def of(cls, refund: Refund) -> "RefundAnswer":
        return cls(
            id=refund.id,
            payment_id=refund.payment_id,
            status=refund.status,
            amount=money(refund.amount_minor, refund.currency),
            reason=refund.reason,
            created_at=refund.created_at,
        )
