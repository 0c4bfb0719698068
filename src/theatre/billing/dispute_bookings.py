"""What disputes do to a payment's ledger and rights.

Both are brought to what the disputes and refunds say now, by entries for the difference: so the order in which they
come does not matter, a repeat adds nothing, and a dispute that is won takes back exactly what was booked for it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from theatre.billing import cases, entitlements, ledger, refund_items
from theatre.billing.cases import Trouble
from theatre.billing.ledger import Entry, Line, credit, debit
from theatre.billing.models import CaseKind, Dispute, LedgerEntry, Payment, PaymentStatus
from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.kit.db import Session
from theatre.kit.money import Money, to_decimal

PRINCIPAL, FEE = "dispute", "dispute_fee"
KINDS = (PRINCIPAL, FEE)
"""Kinds of ledger entries; their operation keys are `kind:dispute:number`."""

Sums = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Share:
    """What a dispute took of a payment: of what was left of it, and beyond that."""

    dispute: Dispute
    loss: Money
    beyond: Money


async def follow(session: Session, payment: Payment, *, now: datetime) -> None:
    """Bring rights and ledger of a locked payment to what its disputes and refunds say. Locks its subscriptions.

    What refunds have taken back is not lost a second time: what a dispute takes beyond the rest is unallocated, and
    staff get a case (R3). The provider's fee is booked for itself.
    """
    statement = select(Dispute).where(Dispute.payment_id == payment.id).order_by(Dispute.id)
    found = (await session.scalars(statement)).all()
    if not found:
        return
    shares = share(payment, found, refunded_minor=await refund_items.booked_minor(session, payment.id))
    await _follow_rights(session, payment, shares, now=now)
    entries = await ledger.list_entries(session, payment.id)
    for one in shares:
        for kind, lines in ((PRINCIPAL, _principal(one)), (FEE, _fee(one.dispute))):
            await _book(session, one.dispute, lines, kind=kind, entries=entries, now=now)
        await _judge_beyond(session, one, now=now)


def share(payment: Payment, disputes: Sequence[Dispute], *, refunded_minor: int) -> list[Share]:
    """Reckon what each dispute takes, the oldest first; `refunded_minor` is what refunds take back of the payment.

    Only the attempt that paid has something to lose: the money of another is unallocated.
    """
    left_minor, shares = payment.total_minor - refunded_minor, list[Share]()
    for dispute in disputes:
        taken_minor = taken(dispute).amount_minor
        loss_minor = min(taken_minor, left_minor) if is_of_payment(payment, dispute) else 0
        left_minor -= loss_minor
        beyond = Money(taken_minor - loss_minor, dispute.currency)
        shares.append(Share(dispute, Money(loss_minor, dispute.currency), beyond))
    return shares


def is_of_payment(payment: Payment, dispute: Dispute) -> bool:
    """Tell whether a dispute is about the money that paid a payment."""
    return (dispute.attempt_id, dispute.currency) == (payment.paid_attempt_id, payment.currency)


def taken(dispute: Dispute) -> Money:
    """Tell what a dispute holds of our money: nothing, once it is won."""
    is_won = dispute.status == DisputeStatus.WON
    return Money(0 if is_won else dispute.withdrawn_minor, dispute.currency)


def booked(entries: Sequence[LedgerEntry], dispute: Dispute, kind: str) -> Sums:
    """Sum what was booked for a dispute in entries of a kind, by account and currency."""
    sums: Counter[tuple[str, str]] = Counter()
    for entry in _of(entries, dispute, kind):
        for line in entry.postings:
            sums[line.account, line.currency] += line.amount_minor
    return sums


def _of(entries: Sequence[LedgerEntry], dispute: Dispute, kind: str) -> list[LedgerEntry]:
    return [entry for entry in entries if entry.operation_key.startswith(f"{kind}:{dispute.id}:")]


def _principal(one: Share) -> list[Line]:
    return [
        debit(ledger.CHARGEBACKS, one.loss),
        debit(ledger.UNALLOCATED, one.beyond),
        credit(ledger.cash(one.dispute.provider), taken(one.dispute)),
    ]


def _fee(dispute: Dispute) -> list[Line]:
    if dispute.fee_minor is None or dispute.fee_currency is None:
        return []
    kept = Money(dispute.fee_minor, dispute.fee_currency)
    return [debit(ledger.dispute_fees(dispute.provider), kept), credit(ledger.cash(dispute.provider), kept)]


async def _book(
    session: Session,
    dispute: Dispute,
    wanted: Sequence[Line],
    *,
    kind: str,
    entries: Sequence[LedgerEntry],
    now: datetime,
) -> None:
    sums = Counter({(line.account, line.money.currency): line.money.amount_minor for line in wanted})
    sums.subtract(booked(entries, dispute, kind))
    lines = [Line(account, Money(minor, currency)) for (account, currency), minor in sums.items() if minor]
    if not lines:
        return
    key = f"{kind}:{dispute.id}:{len(_of(entries, dispute, kind))}"
    entry = Entry(key, kind, lines, payment_id=dispute.payment_id)
    if key not in await ledger.post(session, [entry], now=now):
        raise AssertionError(f"{key} was posted before")


async def _judge_beyond(session: Session, one: Share, *, now: datetime) -> None:
    cause, payment_id = f"dispute:{one.dispute.id}:beyond", one.dispute.payment_id
    if not one.beyond.amount_minor:
        await cases.withdraw(session, [cause], note="The money is accounted for.", now=now)
        return
    beyond = {"amount": to_decimal(one.beyond), "currency": one.beyond.currency}
    details = {"dispute_id": str(one.dispute.id), "beyond": beyond}
    trouble = Trouble(CaseKind.DISPUTE_UNEXPECTED, cause, payment_id, details=details)
    await cases.open_once(session, trouble, now=now)


async def _follow_rights(
    session: Session, payment: Payment, shares: Sequence[Share], *, now: datetime
) -> None:
    """Take a payment's rights while all that was paid for them is gone, and bring back what that took."""
    if payment.status != PaymentStatus.PAID:
        return
    taken_minor = sum(
        taken(one.dispute).amount_minor for one in shares if is_of_payment(payment, one.dispute)
    )
    if payment.refunded_minor + taken_minor >= payment.total_minor:
        await entitlements.revoke(session, payment, until_won=True, now=now)
        return
    lost = await entitlements.restore(session, payment, now=now)
    cause = f"payment:{payment.id}:rights"
    if lost:
        details = {"not_restored": [str(item_id) for item_id in lost], "why": "bought again meanwhile"}
        trouble = Trouble(CaseKind.DISPUTE_UNEXPECTED, cause, payment.id, details=details)
        await cases.open_once(session, trouble, now=now)
