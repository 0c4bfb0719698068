"""What happened to a payment, in the order of time, as billing, payment systems and the mail told it. Pure: no I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from theatre.web.admin_payment_schemas import (
    Attempt,
    Delivery,
    Dispute,
    Entry,
    FiscalReceipt,
    PaymentRecord,
    ProviderEvent,
    StaffRefund,
    Transition,
)

Told = Entry | Delivery | FiscalReceipt | ProviderEvent
Subject = PaymentRecord | Transition | Attempt | StaffRefund | Dispute | Told
# of one moment, what brought about comes before what came of it
ORDER = ("payment", "event", "attempt", "state", "refund", "dispute", "entry", "receipt", "delivery")
EARNED = "recognition"
"""A plan is earned day by day: hundreds of entries that say nothing new."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened: `what` is `kind.verb`, told of `subject`."""

    at: datetime
    what: str
    subject: Subject

    @property
    def kind(self) -> str:
        """What sort of thing it is, by which the page draws it."""
        return self.what.partition(".")[0]


def tell(payment: PaymentRecord) -> list[Happening]:
    """Tell all that happened to a payment, oldest first."""
    sources = (_of_payment(payment), _of_refunds(payment), _of_disputes(payment), _of_receipts(payment))
    found = [happening for source in sources for happening in source]
    return sorted(found, key=lambda one: (one.at, ORDER.index(one.kind)))


def _of_payment(payment: PaymentRecord) -> Iterator[Happening]:
    yield Happening(payment.created_at, "payment.created", payment)
    yield from _when(payment.cancel_requested_at, "payment.cancel_asked", payment)
    for change in payment.history:
        yield Happening(change.occurred_at, "state.changed", change)
    for attempt in payment.attempts:
        yield from _when(attempt.captured_at, "attempt.captured", attempt)
    for event in payment.events:
        yield Happening(event.received_at, "event.received", event)
    for entry in payment.ledger:
        if entry.kind != EARNED:
            yield Happening(entry.occurred_at, "entry.posted", entry)
    for delivery in payment.deliveries:
        yield Happening(delivery.sent_at or delivery.created_at, "delivery.told", delivery)


def _of_refunds(payment: PaymentRecord) -> Iterator[Happening]:
    for refund in payment.refunds:
        yield Happening(refund.created_at, "refund.asked", refund)
        verb = "rejected" if refund.status == "rejected" else "agreed"
        yield from _when(refund.decided_at, f"refund.{verb}", refund)
        if refund.status in {"succeeded", "failed"}:
            yield from _when(refund.settled_at, f"refund.{refund.status}", refund)


def _of_disputes(payment: PaymentRecord) -> Iterator[Happening]:
    for dispute in payment.disputes:
        yield Happening(dispute.opened_at, "dispute.opened", dispute)
        yield from _when(dispute.closed_at, "dispute.closed", dispute)


def _of_receipts(payment: PaymentRecord) -> Iterator[Happening]:
    for receipt in payment.receipts:
        yield Happening(receipt.created_at, "receipt.asked", receipt)
        yield from _when(receipt.registered_at, "receipt.registered", receipt)


def _when(at: datetime | None, what: str, subject: Subject) -> Iterator[Happening]:
    if at is not None:
        yield Happening(at, what, subject)
