"""Disputes: what a payer's bank wants back, at Stripe's face; opened by a test card or by the tester, who ends them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.sandbox import notifications
from theatre.sandbox.errors import NoSuchObject, NotDisputable
from theatre.sandbox.models import Dispute, DisputeStatus, Face, Payment, PaymentStatus, face_of

CREATED, WITHDRAWN, REINSTATED, CLOSED = "created", "funds_withdrawn", "funds_reinstated", "closed"


def open_by_card(session: Session, payment: Payment, *, now: datetime) -> None:
    """Have the whole of a locked payment disputed, as its card wants."""
    _open(session, payment, amount_minor=payment.amount_minor, is_inquiry=False, now=now)


async def open_by_tester(
    session: Session, payment_id: UUID, *, amount_minor: int | None, is_inquiry: bool, now: datetime
) -> Dispute:
    """Have a payment disputed, whole or in part, or only asked about. Locks the payment.

    Raises:
        NoSuchObject
        NotDisputable: it has not been paid, not at Stripe's face, or not as much.
    """
    payment = await _get_locked(session, payment_id)
    amount_minor = amount_minor or payment.amount_minor
    is_paid = payment.status == PaymentStatus.SUCCEEDED and amount_minor <= payment.amount_minor
    if face_of(payment.shop_id) is not Face.STRIPE or not is_paid:
        raise NotDisputable
    return _open(session, payment, amount_minor=amount_minor, is_inquiry=is_inquiry, now=now)


async def win(session: Session, dispute_id: UUID, *, now: datetime) -> Dispute:
    """Let the shop win: what was taken from it is put back, the fee is not. Locks the payment.

    Raises:
        NoSuchObject
        NotDisputable: it has ended.
    """
    dispute, payment = await _get_open(session, dispute_id)
    dispute.status = DisputeStatus.WON
    news = [CLOSED] if dispute.withdrawn_minor is None else [REINSTATED, CLOSED]
    notifications.tell_of_dispute(session, dispute, payment, news=news, now=now)
    return dispute


async def lose(session: Session, dispute_id: UUID, *, now: datetime) -> Dispute:
    """Let the payer win; of an inquiry the money is taken now. Locks the payment.

    Raises:
        NoSuchObject
        NotDisputable: it has ended.
    """
    dispute, payment = await _get_open(session, dispute_id)
    news = [CLOSED]
    if dispute.withdrawn_minor is None:
        _withdraw(dispute, payment)
        news = [WITHDRAWN, CLOSED]
    dispute.status, dispute.is_inquiry = DisputeStatus.LOST, False
    notifications.tell_of_dispute(session, dispute, payment, news=news, now=now)
    return dispute


async def get(session: Session, shop_id: str, dispute_id: UUID) -> tuple[Dispute, Payment]:
    """Read a dispute of an account, with its payment.

    Raises:
        NoSuchObject
    """
    dispute = await session.get(Dispute, dispute_id)
    if dispute is None or dispute.shop_id != shop_id:
        raise NoSuchObject
    return dispute, await session.get_one(Payment, dispute.payment_id)


async def is_locked(session: Session, payment: Payment) -> bool:
    """Tell whether a dispute forbids refunds of a locked payment: one that is open or lost, and no mere inquiry."""
    locking = select(Dispute.id).where(
        Dispute.payment_id == payment.id,
        Dispute.status != DisputeStatus.WON,
        Dispute.is_inquiry.is_(False),
    )
    return await session.scalar(locking.limit(1)) is not None


def _open(
    session: Session, payment: Payment, *, amount_minor: int, is_inquiry: bool, now: datetime
) -> Dispute:
    dispute = Dispute(
        id=new_id(),
        shop_id=payment.shop_id,
        payment_id=payment.id,
        status=DisputeStatus.OPEN,
        is_inquiry=is_inquiry,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason="fraudulent",
        created_at=now,
    )
    session.add(dispute)
    if not is_inquiry:
        _withdraw(dispute, payment)
    news = [CREATED] if is_inquiry else [CREATED, WITHDRAWN]
    notifications.tell_of_dispute(session, dispute, payment, news=news, now=now)
    return dispute


def _withdraw(dispute: Dispute, payment: Payment) -> None:
    """Take the money, but nothing that was given back already."""
    dispute.withdrawn_minor = min(dispute.amount_minor, payment.amount_minor - payment.refunded_minor)


async def _get_locked(session: Session, payment_id: UUID) -> Payment:
    payment = await session.get(Payment, payment_id, with_for_update=True)
    if payment is None:
        raise NoSuchObject
    return payment


async def _get_open(session: Session, dispute_id: UUID) -> tuple[Dispute, Payment]:
    dispute = await session.get(Dispute, dispute_id)
    if dispute is None:
        raise NoSuchObject
    payment = await _get_locked(session, dispute.payment_id)
    await session.refresh(dispute)
    if dispute.status != DisputeStatus.OPEN:
        raise NotDisputable
    return dispute, payment
