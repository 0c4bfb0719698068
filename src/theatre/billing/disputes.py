"""Disputes: what payers' banks want back, as payment-service tells it; some in any order, some twice.

A dispute is not asked for and cannot be refused: we take note of it. While it is open, and for good once it is lost,
nothing of the disputed money is given back. What it does to ledger and rights stands in `dispute_bookings`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from theatre.billing import cases, dispute_bookings, ledger, payments
from theatre.billing.cases import Trouble
from theatre.billing.errors import PaymentDisputed
from theatre.billing.models import (
    LOCKING,
    CaseKind,
    Dispute,
    Refund,
    RefundStatus,
)
from theatre.contracts.payment_disputes import (
    DISPUTE_TRANSITIONS,
    DisputeFact,
    DisputeLost,
    DisputeOpened,
    DisputeStatus,
    DisputeWon,
)
from theatre.kit.db import Session
from theatre.kit.listing import Listing
from theatre.kit.money import to_decimal

COLUMNS = (
    Dispute.id,
    Dispute.opened_at,
    Dispute.status,
    Dispute.payment_id,
    Dispute.attempt_id,
    Dispute.provider,
    Dispute.provider_reference,
    Dispute.amount_minor,
    Dispute.withdrawn_minor,
    Dispute.currency,
    Dispute.fee_minor,
    Dispute.fee_currency,
    Dispute.reason,
    Dispute.answer_due_at,
    Dispute.closed_at,
)
CLOSED = frozenset({DisputeStatus.WON, DisputeStatus.LOST})


class CaptureUnsettled(Exception):
    """A dispute was heard of before its money: that is on its way, and the dispute is to be told again."""


async def take_note(session: Session, fact: DisputeFact, *, now: datetime) -> None:
    """Take note of how a dispute stands. Old news and repeats have no effect; locks the payment.

    Open: staff get a case, and another for each refund on its way, for its money may go back twice. The ledger books
    what was withdrawn, or takes back exactly what it had booked; rights go and come with the money.

    Raises:
        PaymentUnknown
        CaptureUnsettled: the message is to be tried again.
    """
    payment = await payments.get_locked(session, fact.payment_id)
    if not await ledger.get_lines(session, f"capture:{fact.attempt_id}"):
        raise CaptureUnsettled(f"dispute {fact.dispute_id}: attempt {fact.attempt_id} has captured nothing")
    dispute = await session.get(Dispute, fact.dispute_id)
    if dispute is not None and fact.revision <= dispute.revision:
        return
    if dispute is None:
        dispute = _fresh(fact, now=now)
        session.add(dispute)
    else:
        _move(dispute, status_of(fact), now=now)
    _write(dispute, fact)
    await session.flush()
    await _open_cases(session, dispute, fact, now=now)
    await dispute_bookings.follow(session, payment, now=now)


def status_of(fact: DisputeFact) -> DisputeStatus:
    """Tell which state a fact speaks of."""
    match fact:
        case DisputeWon():
            return DisputeStatus.WON
        case DisputeLost():
            return DisputeStatus.LOST
        case DisputeOpened(is_inquiry=True):
            return DisputeStatus.INQUIRY
    return DisputeStatus.OPEN


def _fresh(fact: DisputeFact, *, now: datetime) -> Dispute:
    status = status_of(fact)
    return Dispute(
        id=fact.dispute_id,
        payment_id=fact.payment_id,
        attempt_id=fact.attempt_id,
        provider=fact.provider,
        provider_reference=fact.provider_reference,
        status=status,
        opened_at=now,
        closed_at=now if status in CLOSED else None,
    )


def _move(dispute: Dispute, to: DisputeStatus, *, now: datetime) -> None:
    if to == dispute.status:
        return
    if to not in DISPUTE_TRANSITIONS[DisputeStatus(dispute.status)]:
        raise AssertionError(f"dispute {dispute.id} cannot become {to} from {dispute.status}")
    dispute.status = to
    dispute.closed_at = now if to in CLOSED else None


def _write(dispute: Dispute, fact: DisputeFact) -> None:
    if fact.withdrawn.currency != fact.disputed.currency:
        raise AssertionError(f"dispute {fact.dispute_id} is of {fact.disputed}, took {fact.withdrawn}")
    dispute.revision = fact.revision
    dispute.amount_minor, dispute.currency = fact.disputed.amount_minor, fact.disputed.currency
    dispute.withdrawn_minor = fact.withdrawn.amount_minor
    dispute.fee_minor = fact.fee.amount_minor if fact.fee else None
    dispute.fee_currency = fact.fee.currency if fact.fee else None
    dispute.reason, dispute.answer_due_at = fact.reason, fact.answer_due_at


async def _open_cases(session: Session, dispute: Dispute, fact: DisputeFact, *, now: datetime) -> None:
    if dispute.status in LOCKING:
        await _review_refunds(session, dispute, now=now)
    if dispute.status in CLOSED:
        causes = [_cause(dispute, status) for status in DisputeStatus]
        await cases.withdraw(session, causes, note=f"The dispute was {dispute.status}.", now=now)
        return
    details = {
        "provider": fact.provider,
        "provider_reference": fact.provider_reference,
        "disputed": {"amount": to_decimal(fact.disputed.to_money()), "currency": fact.disputed.currency},
        "reason": fact.reason,
        "answer_due_at": fact.answer_due_at.isoformat() if fact.answer_due_at else None,
    }
    cause = _cause(dispute, DisputeStatus(dispute.status))
    await cases.open_once(
        session, Trouble(CaseKind.DISPUTE, cause, dispute.payment_id, details=details), now=now
    )


def _cause(dispute: Dispute, status: DisputeStatus) -> str:
    # a bank that first asks and then takes must be answered twice
    return f"dispute:{dispute.id}:{status}"


async def _review_refunds(session: Session, dispute: Dispute, *, now: datetime) -> None:
    on_its_way = select(Refund).where(
        Refund.payment_id == dispute.payment_id,
        Refund.attempt_id == dispute.attempt_id,
        Refund.status == RefundStatus.PENDING,
    )
    for refund in (await session.scalars(on_its_way.order_by(Refund.id))).all():
        trouble = Trouble(
            CaseKind.REFUND_DISPUTED,
            f"refund:{refund.id}:disputed",
            payment_id=dispute.payment_id,
            refund_id=refund.id,
            details={"dispute_id": str(dispute.id), "provider_reference": dispute.provider_reference},
        )
        await cases.open_once(session, trouble, now=now)


async def check_refundable(session: Session, attempt_id: UUID | None) -> None:
    """Make sure that no dispute forbids to give back an attempt's money (R2); its payment is locked by the caller.

    Raises:
        PaymentDisputed
    """
    locking = select(Dispute.id).where(Dispute.attempt_id == attempt_id, Dispute.status.in_(LOCKING))
    if await session.scalar(locking.limit(1)) is not None:
        raise PaymentDisputed


async def list_of(session: Session, payment_id: UUID) -> Sequence[Dispute]:
    """List a payment's disputes, oldest first."""
    statement = select(Dispute).where(Dispute.payment_id == payment_id).order_by(Dispute.id)
    return (await session.scalars(statement)).all()


def find(*, status: DisputeStatus | None = None, payment_id: UUID | None = None) -> Listing[Dispute]:
    """List disputes, newest first."""
    rows = select(Dispute)
    if status is not None:
        rows = rows.where(Dispute.status == status)
    if payment_id is not None:
        rows = rows.where(Dispute.payment_id == payment_id)
    return Listing(rows, keys=(Dispute.id,), columns=COLUMNS)
