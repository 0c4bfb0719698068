"""Saved ways to pay: kept as their users wished, charged only while they are there, and never again once removed.

Whoever changes a user's methods holds the user's lock; it is taken after subscriptions, before promo codes.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from theatre.billing.errors import PaymentMethodUnknown
from theatre.billing.models import OutboxMessage, Payment, PaymentMethod, PaymentStatus
from theatre.contracts.billing import AttemptAbandoned, PaymentMethodChosen
from theatre.contracts.payment import AttemptSucceeded, Failure
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.outbox import emit
from theatre.kit.pagination import Page, PageRequest, page_of

HOPELESS = frozenset({"permission_revoked", "card_expired"})
"""Failures after which a method is not good any more, whoever asks and when."""


async def save(session: Session, user_id: UUID, event: AttemptSucceeded, *, now: datetime) -> None:
    """Keep the method that a payment was made by, if that was wished; from now on it pays for renewals.

    Known ones stay as they are; the same card saved again takes the place of the old one.
    """
    if event.method is None:
        return
    await _lock(session, user_id)
    fresh = {
        "id": new_id(),
        "user_id": user_id,
        "provider": event.provider,
        "is_default": False,
        "attempt_id": event.attempt_id,
        "created_at": now,
        **event.method.model_dump(),
    }
    new = insert(PaymentMethod).values(fresh).on_conflict_do_nothing().returning(PaymentMethod)
    method = await session.scalar(new)
    if method is None:
        return
    for known in await _list_kept(session, user_id):
        if known.id != method.id and _looks_like(known, method):
            known.removed_at, known.is_default = now, False
    await _choose(session, method, now=now)


def _looks_like(known: PaymentMethod, method: PaymentMethod) -> bool:
    shown = ("provider", "kind", "brand", "last4", "expiry_month", "expiry_year")
    return method.last4 is not None and all(getattr(known, name) == getattr(method, name) for name in shown)


async def make_default(session: Session, user_id: UUID, method_id: UUID, *, now: datetime) -> PaymentMethod:
    """Have renewals charged to a method, also to one that was refused for good before. Repeating it does no harm.

    Raises:
        PaymentMethodUnknown: there is none, it was removed, or it is another's.
    """
    await _lock(session, user_id)
    method = await get(session, user_id, method_id)
    method.unusable_at = method.unusable_code = None
    await _choose(session, method, now=now)
    return method


async def remove(session: Session, user_id: UUID, method_id: UUID, *, now: datetime) -> None:
    """Never charge a method again; what is being charged to it is taken back, where it has not begun.

    Of those that are left the newest pays for renewals, if the removed one did.

    Raises:
        PaymentMethodUnknown: there is none, it was removed, or it is another's.
    """
    await _lock(session, user_id)
    method = await get(session, user_id, method_id, is_locked=True)
    was_default = method.is_default
    method.removed_at, method.is_default = now, False
    await session.flush()
    for payment in await _list_open_charges(session, method):
        if payment.open_attempt_id is not None:
            told = AttemptAbandoned(attempt_id=payment.open_attempt_id, payment_id=payment.id)
            emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)
    left = await _list_kept(session, user_id)
    if was_default and left:
        await _choose(session, left[0], now=now)


async def take_note(session: Session, method_id: UUID, failure: Failure, *, now: datetime) -> None:
    """Remember that a method was refused for good: only its user's own wish makes it charged again."""
    if failure.code not in HOPELESS:
        return
    usable = (PaymentMethod.id == method_id, PaymentMethod.unusable_at.is_(None))
    broken = {"unusable_at": now, "unusable_code": failure.code}
    await session.execute(update(PaymentMethod).where(*usable).values(broken))


async def find_to_renew(session: Session, user_id: UUID) -> PaymentMethod | None:
    """Find what renewals of a user are charged to: the chosen method, or the newest that is good. It stays until the
    transaction ends."""
    good = _kept(user_id).where(PaymentMethod.unusable_at.is_(None)).order_by(None)
    best = good.order_by(PaymentMethod.is_default.desc(), PaymentMethod.id.desc()).limit(1)
    return (await session.execute(best.with_for_update(read=True))).scalar_one_or_none()


async def has_to_renew(session: Session, user_id: UUID) -> bool:
    """Tell whether renewals of a user can be charged to something."""
    good = _kept(user_id).where(PaymentMethod.unusable_at.is_(None))
    return bool(await session.scalar(select(good.exists())))


async def _list_open_charges(session: Session, method: PaymentMethod) -> Sequence[Payment]:
    charged = (Payment.payment_method_id == method.id, Payment.status == PaymentStatus.PENDING)
    return (await session.scalars(select(Payment).where(*charged))).all()


async def _choose(session: Session, method: PaymentMethod, *, now: datetime) -> None:
    others = (
        PaymentMethod.user_id == method.user_id,
        PaymentMethod.is_default,
        PaymentMethod.id != method.id,
    )
    await session.execute(update(PaymentMethod).where(*others).values(is_default=False))
    method.is_default = True
    told = PaymentMethodChosen(payment_method_id=method.id, user_id=method.user_id)
    emit(session, OutboxMessage, told, aggregate_id=method.id, now=now)
    await session.flush()


async def _lock(session: Session, user_id: UUID) -> None:
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"payment_method:{user_id}"))))


def _kept(user_id: UUID) -> Select[PaymentMethod]:
    kept = (PaymentMethod.user_id == user_id, PaymentMethod.removed_at.is_(None))
    return select(PaymentMethod).where(*kept).order_by(PaymentMethod.id.desc())


async def _list_kept(session: Session, user_id: UUID) -> Sequence[PaymentMethod]:
    return (await session.scalars(_kept(user_id))).all()


async def get(session: Session, user_id: UUID, method_id: UUID, *, is_locked: bool = False) -> PaymentMethod:
    """Read one's own saved method; with `is_locked` nobody charges it until the transaction ends.

    Raises:
        PaymentMethodUnknown: there is none, it was removed, or it is another's.
    """
    statement = _kept(user_id).where(PaymentMethod.id == method_id)
    if is_locked:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    method = (await session.execute(statement)).scalar_one_or_none()
    if method is None:
        raise PaymentMethodUnknown
    return method


async def get_to_charge(session: Session, user_id: UUID, method_id: UUID) -> PaymentMethod:
    """Read one's own saved method, which stays until the transaction ends.

    Raises:
        PaymentMethodUnknown: there is none, it was removed, or it is another's.
    """
    statement = _kept(user_id).where(PaymentMethod.id == method_id).with_for_update(read=True)
    method = (await session.execute(statement)).scalar_one_or_none()
    if method is None:
        raise PaymentMethodUnknown
    return method


async def list_own(session: Session, user_id: UUID, request: PageRequest) -> Page[PaymentMethod]:
    """List one's own saved methods, newest first."""
    statement = _kept(user_id)
    if request.after:
        statement = statement.where(PaymentMethod.id < request.uuid_after())
    rows = (await session.scalars(statement.limit(request.limit + 1))).all()
    return page_of(rows, request, key=lambda row: (row.id,))
