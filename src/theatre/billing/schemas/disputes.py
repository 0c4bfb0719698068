"""Disputes as staff see them."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import Dispute
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, MoneyField


class DisputeAnswer(Answer):
    """What a payer's bank wants back. `withdrawn` was taken for it and not put back, `fee` is kept by the provider."""

    id: UUID
    payment_id: UUID
    attempt_id: UUID
    provider: str
    provider_reference: str
    status: str
    amount: MoneyField
    withdrawn: MoneyField
    fee: MoneyField | None
    reason: str
    answer_due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, dispute: Dispute) -> "DisputeAnswer":
        fee = None
        if dispute.fee_minor is not None and dispute.fee_currency is not None:
            fee = money(dispute.fee_minor, dispute.fee_currency)
        return cls(
            id=dispute.id,
            payment_id=dispute.payment_id,
            attempt_id=dispute.attempt_id,
            provider=dispute.provider,
            provider_reference=dispute.provider_reference,
            status=dispute.status,
            amount=money(dispute.amount_minor, dispute.currency),
            withdrawn=money(dispute.withdrawn_minor, dispute.currency),
            fee=fee,
            reason=dispute.reason,
            answer_due_at=dispute.answer_due_at,
            opened_at=dispute.opened_at,
            closed_at=dispute.closed_at,
        )
