"""Payments: what a user owes for one purchase, at our prices, from *unpaid* to its end.

Whoever changes a payment holds its row lock; locks are taken payment → subscription → promo code → ledger.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from theatre.billing import products, promo_codes
from theatre.billing.errors import (
    PaymentNotCancelable,
    PaymentUnknown,
    PriceInactive,
    PriceRepeated,
    PriceUnknown,
    RenewalNotCancelable,
)
from theatre.billing.models import (
    PAYMENT_TRANSITIONS,
    OutboxMessage,
    Payment,
    PaymentItem,
    PaymentStatus,
    PaymentTransition,
    Price,
    PromoCode,
)
from theatre.billing.pricing import total_of
from theatre.billing.settings import BillingSettings
from theatre.contracts.billing import AttemptAbandoned, PaymentCanceled, PaymentExpired
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.kit.outbox import emit
from theatre.kit.pagination import Page, PageRequest, page_of

log = get_logger(__name__)

EXPIRE_BATCH = 200
ASK_AFTER = timedelta(minutes=1)
"""A pending payment is asked about this long after its attempt was begun, then at growing intervals."""
MAX_TITLE_CHARACTERS = 128
"""A title is the description that the payment system shows, which has this limit."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One line of a purchase as the buyer asks for it: never with a price."""

    price_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a buyer asks for. Promo codes and saved methods are named by what the buyer knows of them."""

    wishes: Sequence[Wish]
    promo_code: str | None = None
    payment_method_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which terms a purchase is reckoned: the language of its names, our settings, the moment."""

    locale: str
    settings: BillingSettings
    now: datetime


async def reckon(session: Session, buyer_id: UUID, purchase: Purchase, *, terms: Terms) -> Payment:
    """Reckon a purchase from our tables, with its promo code if it names one; nothing is stored or taken.

    Raises:
        what `draft` and `promo_codes.find_usable` raise
    """
    found = await products.find_prices(session, [wish.price_id for wish in purchase.wishes])
    promo = None
    if purchase.promo_code is not None:
        promo = await promo_codes.find_usable(session, purchase.promo_code, user_id=buyer_id, now=terms.now)
    return draft(buyer_id, purchase, found, terms=terms, promo=promo)


async def create(session: Session, buyer_id: UUID, purchase: Purchase, *, terms: Terms) -> Payment:
    """Make an unpaid payment, which takes a use of its promo code.

    One that asks for nothing takes none yet: it is still to be settled (`settlements.settle_free`).

    Raises:
        what `reckon` and `promo_codes.take` raise
    """
    payment = await reckon(session, buyer_id, purchase, terms=terms)
    session.add(payment)
    await session.flush()
    if payment.promo_code is not None and payment.total_minor:
        await promo_codes.take(session, payment, now=terms.now)
    return payment


def draft(
    buyer_id: UUID,
    purchase: Purchase,
    found: Mapping[UUID, Price],
    *,
    terms: Terms,
    promo: PromoCode | None = None,
) -> Payment:
    """Reckon a purchase with the prices and the promo code that were found for it; nothing is stored.

    Raises:
        PriceUnknown, PriceInactive, PriceRepeated, CurrenciesMixed, TotalTooLarge, PromoCodeNotApplicable
    """
    _check_sold(purchase.wishes, found)
    lines = [(found[wish.price_id], wish.quantity) for wish in purchase.wishes]
    total = total_of([(Money(price.amount_minor, price.currency), quantity) for price, quantity in lines])
    payment = Payment(
        id=new_id(),
        user_id=buyer_id,
        status=PaymentStatus.UNPAID,
        currency=total.currency,
        total_minor=total.amount_minor,
        discount_minor=0,
        refunded_minor=0,
        created_at=terms.now,
        expires_at=terms.now + timedelta(seconds=terms.settings.payment_ttl_seconds),
        save_method=False,
    )
    payment.items = [
        _item(payment.id, position, price, quantity=quantity, locale=terms.locale)
        for position, (price, quantity) in enumerate(lines)
    ]
    payment.title = ", ".join(item.name for item in payment.items)[:MAX_TITLE_CHARACTERS]
    if promo is not None:
        promo_codes.apply(promo, payment)
    return payment


def _check_sold(wishes: Sequence[Wish], found: Mapping[UUID, Price]) -> None:
    if len({wish.price_id for wish in wishes}) != len(wishes):
        raise PriceRepeated
    if any(wish.price_id not in found for wish in wishes):
        raise PriceUnknown
    if not all(price.is_active and price.product.is_active for price in found.values()):
        raise PriceInactive


def _item(payment_id: UUID, position: int, price: Price, *, quantity: int, locale: str) -> PaymentItem:
    return PaymentItem(
        id=new_id(),
        payment_id=payment_id,
        position=position,
        product_id=price.product_id,
        price_id=price.id,
        name=products.text_in(price.product.names, locale),
        kind=price.product.kind,
        quantity=quantity,
        unit_minor=price.amount_minor,
        total_minor=price.amount_minor * quantity,
        discount_minor=0,
    )


async def get(session: Session, payment_id: UUID, *, user_id: UUID | None = None) -> Payment:
    """Read a payment with its items; with `user_id` only that user's own.

    Raises:
        PaymentUnknown: there is none, or it is another's.
    """
    statement = select(Payment).where(Payment.id == payment_id).options(selectinload(Payment.items))
    return _own((await session.execute(statement)).scalar_one_or_none(), user_id)


async def get_locked(session: Session, payment_id: UUID, *, user_id: UUID | None = None) -> Payment:
    """Read a payment with its items and lock its row until the transaction ends.

    Raises:
        PaymentUnknown: there is none, or it is another's.
    """
    statement = select(Payment).where(Payment.id == payment_id).with_for_update()
    statement = statement.options(selectinload(Payment.items)).execution_options(populate_existing=True)
    return _own((await session.execute(statement)).scalar_one_or_none(), user_id)


def _own(payment: Payment | None, user_id: UUID | None) -> Payment:
    if payment is None or (user_id is not None and payment.user_id != user_id):
        raise PaymentUnknown
    return payment


async def list_own(session: Session, user_id: UUID, request: PageRequest) -> Page[Payment]:
    """List one's own payments, newest first."""
    statement = select(Payment).where(Payment.user_id == user_id).order_by(Payment.id.desc())
    if request.after:
        statement = statement.where(Payment.id < request.uuid_after())
    statement = statement.options(selectinload(Payment.items)).limit(request.limit + 1)
    return page_of((await session.scalars(statement)).all(), request, key=lambda row: (row.id,))


def move(
    session: Session,
    payment: Payment,
    to: PaymentStatus,
    *,
    reason: str,
    now: datetime,
    attempt_id: UUID | None = None,
) -> None:
    """Change the state of a locked payment, by the table of legal changes, and write down why."""
    if to not in PAYMENT_TRANSITIONS[PaymentStatus(payment.status)]:
        raise AssertionError(f"payment {payment.id} cannot become {to} from {payment.status}")
    transition = PaymentTransition(
        id=new_id(),
        payment_id=payment.id,
        from_status=payment.status,
        to_status=to,
        reason=reason,
        attempt_id=attempt_id,
        occurred_at=now,
    )
    session.add(transition)
    payment.status = to
    if to is not PaymentStatus.PENDING:
        payment.open_attempt_id = payment.confirmation_url = payment.short_url = None
        payment.link_expires_at = payment.next_ask_at = None


def owed(payment: Payment) -> Money:
    """Give what a payment asks for."""
    return Money(payment.total_minor, payment.currency)


async def close(session: Session, payment: Payment, to: PaymentStatus, *, reason: str, now: datetime) -> None:
    """End a locked payment as canceled or expired: nothing was taken, and its promo code may be used again."""
    move(session, payment, to, reason=reason, now=now)
    event = PaymentExpired if to is PaymentStatus.EXPIRED else PaymentCanceled
    if to is PaymentStatus.CANCELED:
        payment.canceled_at = now
    told = event(payment_id=payment.id, user_id=payment.user_id)
    emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)
    await promo_codes.give_back(session, payment, now=now)


def abandon_attempt(session: Session, payment: Payment, *, now: datetime) -> None:
    """Have the link of a locked payment's open attempt made worthless, where its provider can; nobody waits for it."""
    if payment.open_attempt_id is not None:
        told = AttemptAbandoned(attempt_id=payment.open_attempt_id, payment_id=payment.id)
        emit(session, OutboxMessage, told, aggregate_id=payment.id, now=now)


async def cancel(session: Session, payment_id: UUID, *, user_id: UUID, now: datetime) -> Payment:
    """Cancel an unpaid payment, or write down the wish while an attempt is open. Repeating it changes nothing.

    Raises:
        PaymentUnknown
        PaymentNotCancelable: it is paid, refunded or expired.
        RenewalNotCancelable: it renews a plan.
    """
    payment = await get_locked(session, payment_id, user_id=user_id)
    if payment.subscription_id is not None:
        raise RenewalNotCancelable
    if payment.status == PaymentStatus.UNPAID:
        await close(session, payment, PaymentStatus.CANCELED, reason="canceled by user", now=now)
    elif payment.status == PaymentStatus.PENDING:
        payment.cancel_requested_at = payment.cancel_requested_at or now
        payment.next_ask_at = now
        abandon_attempt(session, payment, now=now)
    elif payment.status != PaymentStatus.CANCELED:
        raise PaymentNotCancelable
    return payment


async def expire_due(session: Session, *, now: datetime) -> int:
    """Expire up to a batch of unpaid payments whose time is over; several workers may do so at once."""
    statement = (
        select(Payment)
        .where(Payment.status == PaymentStatus.UNPAID, Payment.expires_at <= now)
        .order_by(Payment.expires_at)
        .limit(EXPIRE_BATCH)
        .with_for_update(skip_locked=True)
    )
    due = (await session.scalars(statement)).all()
    # several batches at once lock promo codes in one order
    for payment in sorted(due, key=lambda payment: payment.promo_code or ""):
        await close(session, payment, PaymentStatus.EXPIRED, reason="not paid in time", now=now)
    return len(due)
