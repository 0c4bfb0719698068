"""The ledger as staff see it."""

from datetime import datetime
from uuid import UUID

from theatre.billing.models import LedgerEntry
from theatre.kit.fields import Answer


class PostingAnswer(Answer):
    """One signed line: debit above zero, credit below."""

    account: str
    amount_minor: int
    currency: str


class EntryAnswer(Answer):
    """One balanced fact of the ledger."""

    id: UUID
    operation_key: str
    kind: str
    payment_id: UUID | None
    refund_id: UUID | None
    provider_reference: str | None
    occurred_at: datetime
    postings: list[PostingAnswer]

    @classmethod
    def of(cls, entry: LedgerEntry) -> "EntryAnswer":
        return cls.model_validate(entry, from_attributes=True)


class AccountAnswer(Answer):
    """What one account holds in one currency: debits above zero, credits below."""

    account: str
    currency: str
    balance_minor: int
