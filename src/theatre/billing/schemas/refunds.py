"""Refunds as doors take and show them."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from theatre.billing.models import Refund
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, Body, Line, MoneyField


class RefundCreate(Body):
    """Money to be given back; without `amount`, all that is left."""

    amount: MoneyField | None = None
    reason: Line


class StaffRefundCreate(RefundCreate):
    """Money to be given back by staff; `takes_rights`: also a part given back ends what the payment bought."""

    takes_rights: Annotated[bool, Field(strict=True)] = False


class RefundRejection(Body):
    """Why a refund is not to be."""

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
        return cls(**refund_fields(refund))


def refund_fields(refund: Refund) -> dict[str, Any]:
    """Give the fields of a refund as its answers show them."""
    return {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "status": refund.status,
        "amount": money(refund.amount_minor, refund.currency),
        "reason": refund.reason,
        "created_at": refund.created_at,
    }
