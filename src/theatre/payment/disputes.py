"""Disputes: what a provider says of one becomes its state, told to billing whole by the same commit."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptStatus
from theatre.contracts.payment_disputes import (
    DISPUTE_TRANSITIONS,
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeStatus,
    DisputeWon,
)
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.outbox import emit
from theatre.payment.models import Attempt, Dispute, EventStatus, OutboxMessage
from theatre.payment.outcomes import Verdict
from theatre.payment.providers import DisputeReading

log = get_logger(__name__)


async def apply(session: Session, *, reading: DisputeReading, provider: str, now: datetime) -> Verdict:
    """Bring the dispute that a reading is about to what it says. Said again, it changes nothing. Locks its attempt.

    A reading may be older than what is known: then less money has moved, or the state is one that lies behind. One
    that is won is believed when the money is back.
    """
    if reading.doubt:
        return Verdict(EventStatus.REJECTED, reading.doubt, needs_person=True)
    attempt = None
    if reading.attempt_id is not None:
        attempt = await session.get(Attempt, reading.attempt_id, with_for_update=True, populate_existing=True)
    if attempt is None or attempt.provider != provider:
        return Verdict(EventStatus.WAITING, "we know no such attempt")
    if attempt.status != AttemptStatus.SUCCEEDED:
        return Verdict(EventStatus.WAITING, "its money has not come yet, by what we know")
    if reading.status == DisputeStatus.WON and reading.withdrawn.amount_minor:
        return Verdict(EventStatus.WAITING, "it was won, and the money is not back yet")
    named = (Dispute.provider == provider, Dispute.provider_reference == reading.reference)
    dispute = await session.scalar(select(Dispute).where(*named))
    if dispute is None:
        log.warning("money disputed", attempt_id=str(attempt.id), reference=reading.reference)
        dispute = _fresh(attempt, reading, now=now)
        session.add(dispute)
    elif fault := _fault(dispute, reading, attempt):
        return fault
    elif _said(reading) == {name: getattr(dispute, name) for name in _said(reading)}:
        return Verdict(EventStatus.APPLIED)
    _write(dispute, reading, now=now)
    emit(session, OutboxMessage, _fact(dispute), aggregate_id=dispute.payment_id, now=now)
    return Verdict(EventStatus.APPLIED)


def _fresh(attempt: Attempt, reading: DisputeReading, *, now: datetime) -> Dispute:
    return Dispute(
        id=new_id(),
        attempt_id=attempt.id,
        payment_id=attempt.payment_id,
        provider=attempt.provider,
        provider_reference=reading.reference,
        revision=0,
        opened_at=now,
    )


def _fault(dispute: Dispute, reading: DisputeReading, attempt: Attempt) -> Verdict | None:
    if dispute.attempt_id != attempt.id:
        return Verdict(EventStatus.REJECTED, "the dispute is of another attempt", needs_person=True)
    if reading.moves < dispute.moves:
        return Verdict(EventStatus.REJECTED, "more money has moved for it by what we know")
    if reading.status not in {dispute.status, *DISPUTE_TRANSITIONS[DisputeStatus(dispute.status)]}:
        # what was won and is lost after all costs money that the books call ours
        is_undone = reading.status == DisputeStatus.LOST
        words = f"{dispute.status} never becomes {reading.status}"
        return Verdict(EventStatus.REJECTED, words, needs_person=is_undone)
    return None


def _said(reading: DisputeReading) -> dict[str, Any]:
    """Write, by column, what a reading says of its dispute."""
    fee = reading.fee
    return {
        "status": reading.status,
        "moves": reading.moves,
        "amount_minor": reading.disputed.amount_minor,
        "currency": reading.disputed.currency,
        "withdrawn_minor": reading.withdrawn.amount_minor,
        "fee_minor": fee.amount_minor if fee else None,
        "fee_currency": fee.currency if fee else None,
        "reason": reading.reason,
        "answer_due_at": reading.answer_due_at,
    }


def _write(dispute: Dispute, reading: DisputeReading, *, now: datetime) -> None:
    for name, value in _said(reading).items():
        setattr(dispute, name, value)
    dispute.revision += 1
    dispute.changed_at = now


def _fact(dispute: Dispute) -> DisputeFact:
    words: dict[str, Any] = {
        "dispute_id": dispute.id,
        "revision": dispute.revision,
        "attempt_id": dispute.attempt_id,
        "payment_id": dispute.payment_id,
        "provider": dispute.provider,
        "provider_reference": dispute.provider_reference,
        "disputed": Amount(amount_minor=dispute.amount_minor, currency=dispute.currency),
        "withdrawn": Amount(amount_minor=dispute.withdrawn_minor, currency=dispute.currency),
        "fee": None,
        "reason": dispute.reason,
        "answer_due_at": dispute.answer_due_at,
    }
    if dispute.fee_minor is not None and dispute.fee_currency is not None:
        words["fee"] = Amount(amount_minor=dispute.fee_minor, currency=dispute.fee_currency)
    match DisputeStatus(dispute.status):
        case DisputeStatus.WON:
            return DisputeWon(**words)
        case DisputeStatus.LOST:
            return DisputeLost(**words)
        case status:
            return DisputeOpened(**words, is_inquiry=status is DisputeStatus.INQUIRY)
