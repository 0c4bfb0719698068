"""What billing's doors on reconciliation give."""

from datetime import date, datetime
from uuid import UUID

from theatre.billing.models import Outcome, Reason, ReconciliationRow, RunStatus
from theatre.billing.schemas.money import money
from theatre.contracts.payment import OperationKind
from theatre.kit.fields import Answer, MoneyField


class RunAnswer(Answer):
    """The comparison of one provider's day."""

    id: UUID
    provider: str
    day: date
    status: RunStatus
    created_at: datetime
    finished_at: datetime | None
    register_imported_at: datetime | None
    next_try_at: datetime | None
    last_error: str | None


class SourceAnswer(Answer):
    """What one source says of an operation, and on which of its days."""

    amount: MoneyField
    fee: MoneyField | None
    day: date


class RowAnswer(Answer):
    """One operation as ledger, API and register have it; null: that source does not know it."""

    id: UUID
    kind: OperationKind
    reference: str
    operation_key: str | None
    payment_id: UUID | None
    in_ledger: SourceAnswer | None
    in_api: SourceAnswer | None
    in_register: SourceAnswer | None
    outcome: Outcome
    reason: Reason
    judged_at: datetime

    @classmethod
    def of(cls, row: ReconciliationRow) -> "RowAnswer":
        names = ("id", "kind", "reference", "operation_key", "payment_id", "outcome", "reason", "judged_at")
        sources = {f"in_{name}": _source(row, name) for name in ("ledger", "api", "register")}
        return cls(**{name: getattr(row, name) for name in names}, **sources)


def _source(row: ReconciliationRow, name: str) -> SourceAnswer | None:
    amount_minor, currency = getattr(row, f"{name}_minor"), getattr(row, f"{name}_currency")
    if amount_minor is None or currency is None:
        return None
    fee_minor = getattr(row, f"{name}_fee_minor")
    return SourceAnswer(
        amount=money(amount_minor, currency),
        fee=None if fee_minor is None else money(fee_minor, currency),
        day=getattr(row, f"{name}_on"),
    )
