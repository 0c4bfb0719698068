"""Disputes as Stripe writes them: what was taken and put back is told by their balance transactions."""

from collections.abc import Collection
from datetime import timedelta

from theatre.sandbox.models import Dispute, DisputeStatus, Payment
from theatre.sandbox.objects import Object
from theatre.sandbox.stripe_objects import CHARGE, INTENT, TRANSACTION, intent_object, seconds, written_id

DISPUTE = "du_"
# what Stripe keeps for its trouble, also of a dispute that is won
FEE_MINOR = 1500
ANSWERED_WITHIN = timedelta(days=7)


def dispute_object(dispute: Dispute, payment: Payment, opened: Collection[str] = ()) -> Object:
    """Write a dispute; of references in it those are opened whose paths are named."""
    intent: str | Object = written_id(INTENT, payment.id)
    return {
        "id": written_id(DISPUTE, dispute.id),
        "object": "dispute",
        "amount": dispute.amount_minor,
        "balance_transactions": _transactions(dispute),
        "charge": written_id(CHARGE, payment.id),
        "created": seconds(dispute.created_at),
        "currency": dispute.currency.lower(),
        "evidence": {},
        "evidence_details": {
            "due_by": seconds(dispute.created_at + ANSWERED_WITHIN),
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": dispute.is_inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": intent_object(payment) if "payment_intent" in opened else intent,
        "reason": dispute.reason,
        "status": _status(dispute),
    }


def _status(dispute: Dispute) -> str:
    if dispute.status == DisputeStatus.OPEN:
        return "warning_needs_response" if dispute.is_inquiry else "needs_response"
    return "warning_closed" if dispute.is_inquiry else dispute.status


def _transactions(dispute: Dispute) -> list[Object]:
    if dispute.withdrawn_minor is None:
        return []
    moves = [_transaction(dispute, "taken", -dispute.withdrawn_minor, fee_minor=FEE_MINOR)]
    if dispute.status == DisputeStatus.WON:
        moves.append(_transaction(dispute, "back", dispute.withdrawn_minor, fee_minor=0))
    return moves


def _transaction(dispute: Dispute, way: str, amount_minor: int, *, fee_minor: int) -> Object:
    return {
        "id": f"{written_id(TRANSACTION, dispute.id)}{way}",
        "object": "balance_transaction",
        "amount": amount_minor,
        "currency": dispute.currency.lower(),
        "fee": fee_minor,
        "net": amount_minor - fee_minor,
        "source": written_id(DISPUTE, dispute.id),
        "type": "adjustment",
        "status": "pending",
    }
