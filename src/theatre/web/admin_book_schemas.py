"""The books, reconciliation, the audit and dead messages as the admin panel reads them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from theatre.kit.fields import MoneyField
from theatre.kit.money import Money
from theatre.web.masks import mask
from theatre.web.schemas import Read


class Account(Read):
    """What one account holds in one currency: debits above zero, credits below."""

    account: str
    currency: str
    balance_minor: int

    @property
    def balance(self) -> Money:
        """The same as money."""
        return Money(self.balance_minor, self.currency)


class Run(Read):
    """The comparison of one provider's day."""

    id: UUID
    provider: str
    day: date
    status: str
    created_at: datetime
    finished_at: datetime | None
    register_imported_at: datetime | None
    next_try_at: datetime | None
    last_error: str | None


class Source(Read):
    """What one source says of an operation."""

    amount: MoneyField
    fee: MoneyField | None
    day: date


class Row(Read):
    """One operation as ledger, API and register have it; null: that source does not know it."""

    id: UUID
    kind: str
    reference: str
    payment_id: UUID | None
    in_ledger: Source | None
    in_api: Source | None
    in_register: Source | None
    outcome: str
    reason: str
    judged_at: datetime


class Difference(Read):
    """Money and receipts that do not agree."""

    subject_id: UUID
    reason: str
    money_minor: int
    receipts_minor: int


class ReceiptDay(Read):
    """A day's money and its registered fiscal receipts."""

    day: date
    captured: MoneyField
    refunded: MoneyField
    income: MoneyField
    returned: MoneyField
    differences: list[Difference]

    def money(self, amount_minor: int) -> Money:
        """Give an amount of a difference."""
        return Money(amount_minor, self.captured.currency)


class AuditRecord(Read):
    """One thing that a member of staff did or looked at."""

    number: int
    occurred_at: datetime
    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: str | None
    reason: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str


class Chain(Read):
    """Whether every record of the audit is as it was written."""

    length: int
    broken_number: int | None


class DeadLetter(Read):
    """A message put aside, with its reason."""

    id: UUID | None
    place: str
    type: str
    reason: str
    tries: int | None
    died_at: datetime | None
    body: str

    @property
    def masked(self) -> str:
        """Its body without anything that may be somebody's."""
        return mask(self.body)
