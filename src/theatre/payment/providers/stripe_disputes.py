"""Stripe's disputes: what they are over the wire, and what they mean in our words.

Their balance transactions tell what was taken, put back and kept; at most one of each. An inquiry (`warning_…`) takes
nothing, and may become a dispute. Source: docs.stripe.com/api/disputes/object.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator

from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.kit.money import Money, MoneyError
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers import DisputeReading
from theatre.payment.providers.shapes import Shape, id_in
from theatre.payment.providers.stripe_amounts import from_wire
from theatre.payment.providers.stripe_objects import Currency, Id, Seconds, Whole, Word, moment, unless_bare
from theatre.payment.providers.stripe_wire import Wire
from theatre.payment.providers.wire import unless_absent

# our attempt is named by the payment intent
OPENED = {"expand": ["payment_intent"]}
# an inquiry that came to nothing, and what was settled by a refund before it began, take nothing from us
STATUSES = {
    "warning_needs_response": DisputeStatus.INQUIRY,
    "warning_under_review": DisputeStatus.INQUIRY,
    "warning_closed": DisputeStatus.WON,
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "prevented": DisputeStatus.WON,
    "charge_refunded": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


class Move(Shape):
    """A balance transaction: below zero what was taken, above zero what was put back."""

    amount: Whole
    currency: Currency
    fee: Whole


class Intent(Shape):
    id: Id
    metadata: Mapping[str, str] | None = None


class Answering(Shape):
    due_by: Seconds | None = None


class Dispute(Shape):
    id: Id
    object: Literal["dispute"]
    amount: Whole
    currency: Currency
    status: Word
    reason: Word
    livemode: bool
    balance_transactions: Sequence[Move] = ()
    evidence_details: Answering | None = None
    payment_intent: Annotated[Intent | None, BeforeValidator(unless_bare)] = None

    def to_reading(self, *, doubt: str | None) -> DisputeReading:
        """Say it in our words.

        Raises:
            MoneyError
            OutcomeUnknown: a status that we have never heard of.
        """
        if self.status not in STATUSES:
            raise OutcomeUnknown(f"Stripe says of a dispute that it is {self.status}")
        due_by = self.evidence_details.due_by if self.evidence_details else None
        return DisputeReading(
            reference=self.id,
            status=STATUSES[self.status],
            attempt_id=id_in(self.payment_intent.metadata, "attempt_id") if self.payment_intent else None,
            disputed=from_wire(self.amount, self.currency),
            withdrawn=self._withdrawn(),
            moves=len(self.balance_transactions),
            reason=self.reason,
            fee=self._fee(),
            answer_due_at=moment(due_by) if due_by else None,
            doubt=doubt,
        )

    def _withdrawn(self) -> Money:
        """Say what is gone, in the currency of the disputed money, which may not be that of our balance there."""
        moves = self.balance_transactions
        if all(move.currency == self.currency for move in moves):
            return from_wire(max(0, -sum(move.amount for move in moves)), self.currency)
        is_gone = sum(move.amount < 0 for move in moves) > sum(move.amount > 0 for move in moves)
        return from_wire(self.amount if is_gone else 0, self.currency)

    def _fee(self) -> Money | None:
        kept = sum(move.fee for move in self.balance_transactions)
        return from_wire(kept, self.balance_transactions[0].currency) if kept > 0 else None


class StripeDisputes:
    """The desk."""

    def __init__(self, wire: Wire, *, takes_test_money: bool) -> None:
        self._wire = wire
        self._takes_test_money = takes_test_money

    async def read(self, reference: str) -> DisputeReading | None:
        """See `DisputeDesk`."""
        dispute = await unless_absent(self._wire.get(f"disputes/{reference}", Dispute, params=OPENED))
        if dispute is None:
            return None
        is_real = dispute.livemode or self._takes_test_money
        try:
            return dispute.to_reading(doubt=None if is_real else "its money is not real")
        except MoneyError as error:
            raise OutcomeUnknown(f"Stripe's amount makes no sense: {error}") from error
