"""What payment-service tells billing of disputes: money that payers' banks take back."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from theatre.contracts.money import Amount
from theatre.kit.events import Event


class DisputeStatus(StrEnum):
    """State of a dispute. `inquiry`: a payer's bank asks about the money; `open`: it has taken it, or is about to."""

    INQUIRY = "inquiry"
    OPEN = "open"
    WON = "won"
    LOST = "lost"


DISPUTE_TRANSITIONS: Mapping[DisputeStatus, frozenset[DisputeStatus]] = {
    DisputeStatus.INQUIRY: frozenset({DisputeStatus.OPEN, DisputeStatus.WON, DisputeStatus.LOST}),
    DisputeStatus.OPEN: frozenset({DisputeStatus.WON, DisputeStatus.LOST}),
    # a bank may still take its verdict back: money wins
    DisputeStatus.LOST: frozenset({DisputeStatus.WON}),
    DisputeStatus.WON: frozenset(),
}


class DisputeFact(Event):
    """How a dispute of an attempt's money stands, all of it: the one with the highest `revision` holds.

    `withdrawn` is what the provider has taken for it and not put back, in the currency of the disputed money; `fee`
    what it keeps for its trouble, which may be in another currency. Until `answer_due_at` staff may answer the bank.
    """

    dispute_id: UUID
    revision: int
    attempt_id: UUID
    payment_id: UUID
    provider: str
    provider_reference: str
    disputed: Amount
    withdrawn: Amount
    fee: Amount | None = None
    reason: str
    answer_due_at: datetime | None = None


class DisputeOpened(DisputeFact):
    """A payer's bank asks money back. With `is_inquiry` it only asks about it: nothing is taken yet."""

    key: ClassVar[str] = "payment.dispute.opened"

    is_inquiry: bool = False


class DisputeWon(DisputeFact):
    """A dispute ended in our favour: what was taken for it is put back."""

    key: ClassVar[str] = "payment.dispute.won"


class DisputeLost(DisputeFact):
    """A dispute ended in the payer's favour: what was taken for it stays taken."""

    key: ClassVar[str] = "payment.dispute.lost"
