"""Promo codes: words that make a purchase cheaper, one to a purchase, each as often as its caps allow.

A use is taken by the purchase that is made with the code, before any money, and given back if that ends without money;
a refund gives none back. A use locks the code first and the user's count of it then; the caps are conditions of these
two updates, so they hold however many buy at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Update, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from theatre.billing import audit
from theatre.billing.audit import Act
from theatre.billing.errors import (
    ProductUnknown,
    PromoCodeCapBelowUsed,
    PromoCodeExpired,
    PromoCodeNotApplicable,
    PromoCodeNotStarted,
    PromoCodeTaken,
    PromoCodeTermBackward,
    PromoCodeUnknown,
    PromoCodeUsedUp,
)
from theatre.billing.models import Payment, Product, PromoCode, PromoKind, PromoRedemption, PromoUser
from theatre.billing.pricing import percent_of, spread_discount
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing

COLUMNS = (
    PromoCode.id,
    PromoCode.code,
    PromoCode.kind,
    PromoCode.percent,
    PromoCode.amount_minor,
    PromoCode.currency,
    PromoCode.starts_at,
    PromoCode.ends_at,
    PromoCode.total_cap,
    PromoCode.per_user_cap,
    PromoCode.used_count,
    PromoCode.is_active,
    PromoCode.created_at,
)


@dataclass(frozen=True, slots=True)
class NewPromoCode:
    """A code as staff want it: a percentage, or an amount with its currency; without products it is for all."""

    code: str
    percent: int | None
    amount_minor: int | None
    currency: str | None
    product_ids: Sequence[UUID]
    starts_at: datetime
    ends_at: datetime | None
    total_cap: int | None
    per_user_cap: int | None
    is_active: bool


async def find_usable(session: Session, code: str, *, user_id: UUID, now: datetime) -> PromoCode:
    """Find a code that this user may use now; nothing is taken or locked.

    Raises:
        PromoCodeUnknown: also if staff switched it off, so that nobody learns by trying which codes are being prepared.
        PromoCodeNotStarted, PromoCodeExpired
        PromoCodeUsedUp: by all together, or by this user.
    """
    statement = select(PromoCode).where(PromoCode.code == code, PromoCode.is_active)
    found = await session.execute(statement.execution_options(populate_existing=True))
    promo = found.scalar_one_or_none()
    if promo is None:
        raise PromoCodeUnknown
    if now < promo.starts_at:
        raise PromoCodeNotStarted
    if promo.ends_at is not None and promo.ends_at <= now:
        raise PromoCodeExpired
    own = select(PromoUser.used_count).where(
        PromoUser.promo_code_id == promo.id, PromoUser.user_id == user_id
    )
    used_by_user = await session.scalar(own) or 0
    if _is_reached(promo.total_cap, promo.used_count) or _is_reached(promo.per_user_cap, used_by_user):
        raise PromoCodeUsedUp
    return promo


def _is_reached(cap: int | None, used: int) -> bool:
    return cap is not None and used >= cap


def apply(promo: PromoCode, payment: Payment) -> None:
    """Take a code's discount off a payment that is being reckoned: once off the total, spread over the covered lines.

    Raises:
        PromoCodeNotApplicable: nothing of it is covered, it is in another currency, or not a minor unit comes off.
    """
    covered = [
        item for item in payment.items if not promo.product_ids or item.product_id in promo.product_ids
    ]
    totals = [item.total_minor for item in covered]
    discount_minor = _discount_minor(promo, sum(totals), payment.currency)
    if discount_minor == 0:
        raise PromoCodeNotApplicable
    for item, share in zip(covered, spread_discount(discount_minor, totals), strict=True):
        item.discount_minor = share
    payment.promo_code = promo.code
    payment.discount_minor = discount_minor
    payment.total_minor -= discount_minor


def _discount_minor(promo: PromoCode, covered_minor: int, currency: str) -> int:
    if promo.percent is not None:
        return percent_of(covered_minor, promo.percent)
    if promo.amount_minor is None or promo.currency != currency:
        return 0
    return min(promo.amount_minor, covered_minor)


async def take(session: Session, payment: Payment, *, now: datetime) -> None:
    """Take a use of a stored payment's code, in the transaction that makes the payment. Locks the code.

    Raises:
        what `find_usable` raises: since it was asked, somebody was faster, or staff changed the code.
    """
    if payment.promo_code is None:
        raise AssertionError(f"payment {payment.id} has no promo code")
    taken = (await session.execute(_one_more(payment.promo_code, now))).one_or_none()
    if taken is None:
        await find_usable(session, payment.promo_code, user_id=payment.user_id, now=now)
        raise PromoCodeUsedUp  # a use came back in this very moment: it is the next one's
    fits = None if taken.per_user_cap is None else PromoUser.used_count < taken.per_user_cap
    own = insert(PromoUser).values(promo_code_id=taken.id, user_id=payment.user_id, used_count=1)
    own = own.on_conflict_do_update(
        index_elements=[PromoUser.promo_code_id, PromoUser.user_id],
        set_={"used_count": PromoUser.used_count + 1},
        where=fits,
    )
    if await session.scalar(own.returning(PromoUser.used_count)) is None:
        raise PromoCodeUsedUp
    session.add(
        PromoRedemption(payment_id=payment.id, promo_code_id=taken.id, user_id=payment.user_id, taken_at=now)
    )
    await session.flush()


def _one_more(code: str, now: datetime) -> Any:
    runs = and_(PromoCode.starts_at <= now, or_(PromoCode.ends_at.is_(None), PromoCode.ends_at > now))
    is_left = or_(PromoCode.total_cap.is_(None), PromoCode.used_count < PromoCode.total_cap)
    statement = update(PromoCode).where(PromoCode.code == code, PromoCode.is_active, runs, is_left)
    statement = statement.values(used_count=PromoCode.used_count + 1)
    return _quietly(statement).returning(PromoCode.id, PromoCode.per_user_cap)


async def give_back(session: Session, payment: Payment, *, now: datetime) -> None:
    """Give back the use that a locked payment took, if it took one; a second time has no effect. Locks the code."""
    if payment.promo_code is None:
        return
    statement = update(PromoRedemption).where(
        PromoRedemption.payment_id == payment.id, PromoRedemption.returned_at.is_(None)
    )
    statement = _quietly(statement.values(returned_at=now))
    promo_code_id = await session.scalar(statement.returning(PromoRedemption.promo_code_id))
    if promo_code_id is None:
        return
    one_less = update(PromoCode).where(PromoCode.id == promo_code_id)
    await session.execute(_quietly(one_less.values(used_count=PromoCode.used_count - 1)))
    own = update(PromoUser).where(
        PromoUser.promo_code_id == promo_code_id, PromoUser.user_id == payment.user_id
    )
    await session.execute(_quietly(own.values(used_count=PromoUser.used_count - 1)))


def _quietly(statement: Update) -> Update:
    """Leave the session's objects as they were read: nobody goes by them after this."""
    return statement.execution_options(synchronize_session=False)


async def create(session: Session, wanted: NewPromoCode, *, act: Act, now: datetime) -> PromoCode:
    """Make a code; `act` says by whom.

    Raises:
        PromoCodeTaken: the word is in use, also by a code that no longer holds.
        PromoCodeTermBackward, ProductUnknown
    """
    _check_term(wanted.starts_at, wanted.ends_at)
    await _check_products(session, wanted.product_ids)
    kind = PromoKind.AMOUNT if wanted.percent is None else PromoKind.PERCENT
    values = {**asdict(wanted), "kind": kind, "used_count": 0, "created_at": now}
    statement = insert(PromoCode).values(id=new_id(), **values)
    statement = statement.on_conflict_do_nothing(index_elements=[PromoCode.code])
    promo: PromoCode | None = await session.scalar(statement.returning(PromoCode))
    if promo is None:
        raise PromoCodeTaken
    await audit.record(session, replace(act, subject_id=str(promo.id), after=values), now=now)
    return promo


def _check_term(starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at <= starts_at:
        raise PromoCodeTermBackward


async def _check_products(session: Session, product_ids: Sequence[UUID]) -> None:
    known = await session.scalar(select(func.count()).where(Product.id.in_(product_ids)))
    if known != len(product_ids):
        raise ProductUnknown


async def get(session: Session, promo_code_id: UUID, *, is_locked: bool = False) -> PromoCode:
    """Read a code by its id, and lock it until the transaction ends if that is wanted.

    Raises:
        PromoCodeUnknown
    """
    promo = await session.get(PromoCode, promo_code_id, with_for_update=is_locked or None)
    if promo is None:
        raise PromoCodeUnknown
    return promo


def find(*, is_active: bool | None = None, code: str | None = None) -> Listing[PromoCode]:
    """List codes, newest first; `code` is a whole one, in any letter case."""
    rows = select(PromoCode)
    if is_active is not None:
        rows = rows.where(PromoCode.is_active == is_active)
    if code is not None:
        rows = rows.where(PromoCode.code == code.upper())
    return Listing(rows, keys=(PromoCode.id,), columns=COLUMNS)


async def change(
    session: Session, promo_code_id: UUID, changes: Mapping[str, Any], *, act: Act, now: datetime
) -> PromoCode:
    """Change `is_active`, `ends_at` or the caps of a code; nothing else of it may change. Locks it.

    Purchases that hold a use keep it. What changes nothing leaves no record.

    Raises:
        PromoCodeUnknown
        PromoCodeCapBelowUsed: as many uses are held, by all together or by one user.
        PromoCodeTermBackward
    """
    promo = await get(session, promo_code_id, is_locked=True)
    changed = {name: value for name, value in changes.items() if getattr(promo, name) != value}
    if not changed:
        return promo
    before = {name: getattr(promo, name) for name in changed}
    for name, value in changed.items():
        setattr(promo, name, value)
    _check_term(promo.starts_at, promo.ends_at)
    if await _is_overused(session, promo):
        raise PromoCodeCapBelowUsed
    told = replace(act, subject_id=str(promo.id), before=before, after=changed)
    await audit.record(session, told, now=now)
    return promo


async def _is_overused(session: Session, promo: PromoCode) -> bool:
    if promo.total_cap is not None and promo.total_cap < promo.used_count:
        return True
    if promo.per_user_cap is None:
        return False
    most = select(func.max(PromoUser.used_count)).where(PromoUser.promo_code_id == promo.id)
    return (await session.scalar(most) or 0) > promo.per_user_cap
