"""Payments, refunds and disputes as the admin panel reads them, with all that happened to one payment."""

from datetime import datetime
from uuid import UUID

from theatre.kit.fields import MoneyField
from theatre.kit.money import Money
from theatre.web.admin_schemas import SignedMoney
from theatre.web.schemas import Failure, Item, Payment, Read

OPEN_REFUNDS = {"requested", "pending"}
RESERVING = {*OPEN_REFUNDS, "succeeded"}
LATE = "late"
DISPUTING = {"inquiry", "open", "lost"}


class PaymentRow(Payment):
    """A payment in the list of all of them."""

    user_id: UUID
    provider: str | None = None
    canceled_at: datetime | None = None


class Line(Item):
    """One line of a payment, with what it was made of."""

    product_id: UUID
    price_id: UUID
    unit_price: MoneyField
    discount: MoneyField


class Transition(Read):
    """One change of a payment's state."""

    from_status: str
    to_status: str
    reason: str
    attempt_id: UUID | None
    occurred_at: datetime


class Attempt(Read):
    """One try to collect; all but its id is unknown while payment-service does not answer."""

    id: UUID
    status: str | None = None
    provider: str | None = None
    provider_reference: str | None = None
    expires_at: datetime | None = None
    captured: MoneyField | None = None
    captured_at: datetime | None = None
    failure: Failure | None = None


class StaffRefund(Read):
    """Money given back, or to be; `decided_by` is the second person."""

    id: UUID
    payment_id: UUID
    status: str
    amount: MoneyField
    reason: str
    source: str
    provider: str
    takes_rights: bool
    requested_by: UUID | None
    decided_by: UUID | None
    created_at: datetime
    decided_at: datetime | None
    settled_at: datetime | None
    failure: Failure | None


class Dispute(Read):
    """What a payer's bank wants back."""

    id: UUID
    payment_id: UUID
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


class Posting(Read):
    """One signed line of the ledger: debit above zero, credit below."""

    account: str
    amount_minor: int
    currency: str

    @property
    def debit(self) -> Money | None:
        """What stands on the left, if this does."""
        return Money(self.amount_minor, self.currency) if self.amount_minor > 0 else None

    @property
    def credit(self) -> Money | None:
        """What stands on the right, if this does."""
        return Money(-self.amount_minor, self.currency) if self.amount_minor < 0 else None


class Entry(Read):
    """One balanced fact of the ledger."""

    id: UUID
    operation_key: str
    kind: str
    payment_id: UUID | None
    refund_id: UUID | None
    provider_reference: str | None
    occurred_at: datetime
    postings: list[Posting]


class Delivery(Read):
    """One delivery of news about a payment."""

    kind: str
    told: str | None
    channel: str
    status: str
    tries: int
    created_at: datetime
    sent_at: datetime | None


class FiscalReceipt(Read):
    """A fiscal receipt of money taken or given back."""

    id: UUID
    kind: str
    status: str
    payment_id: UUID
    refund_id: UUID | None
    amount: MoneyField
    tries: int
    next_try_at: datetime | None
    provider_reference: str | None
    failure_code: str | None
    created_at: datetime
    registered_at: datetime | None


class ProviderEvent(Read):
    """One callback of a payment system, and what became of it."""

    provider: str
    event: str
    object_id: str
    status: str
    reason: str | None
    received_at: datetime


class Step(Read):
    """One amount of a payment: how it is derived, and whether what is stored agrees."""

    name: str
    derivation: str
    derived: SignedMoney
    stored: SignedMoney
    agrees: bool


class Explanation(Read):
    """A payment's money from price to postings."""

    payment_id: UUID
    agrees: bool
    steps: list[Step]


class PaymentRecord(PaymentRow):
    """A payment whole. What other services know is missing while they do not answer: then `are_…_known` is false."""

    items: list[Line]  # type: ignore[assignment]
    open_attempt_id: UUID | None
    paid_attempt_id: UUID | None
    history: list[Transition]
    attempts: list[Attempt]
    events: list[ProviderEvent]
    are_events_known: bool
    refunds: list[StaffRefund]
    disputes: list[Dispute]
    ledger: list[Entry]
    explanation: Explanation
    receipts: list[FiscalReceipt]
    deliveries: list[Delivery]
    are_deliveries_known: bool

    @property
    def reserved(self) -> Money:
        """What was given back or is promised, so that it cannot be given back again."""
        sums = [
            one.amount.to_money()
            for one in self.refunds
            if one.status in RESERVING and one.source != LATE and one.amount.currency == self.total.currency
        ]
        return sum(sums, start=Money(0, self.total.currency))

    @property
    def free(self) -> Money:
        """What may still be given back."""
        return self.total.to_money() - self.reserved

    @property
    def refund_obstacle(self) -> str:
        """Say why nothing of it can be given back now; empty if it can. The door decides, this only explains."""
        if self.status != "paid":
            return self.status
        if any(one.status in DISPUTING for one in self.disputes):
            return "disputed"
        return "" if self.free.amount_minor > 0 else "reserved"


class Part(Read):
    """What a refund would take back of one line."""

    name: str
    amount: MoneyField
    discount: MoneyField


class Right(Read):
    """A right to watch."""

    id: UUID
    kind: str
    product_id: UUID
    film_id: UUID | None
    payment_id: UUID
    starts_at: datetime
    ends_at: datetime | None
    revoked_at: datetime | None


class RefundPreview(Read):
    """What a refund would do once it has arrived."""

    amount: MoneyField
    left: MoneyField
    needs_second_person: bool
    makes_refunded: bool
    parts: list[Part]
    ended: list[Right]
    ledger: list[Entry]
