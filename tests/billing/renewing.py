"""Plans that renew themselves, in tests: bought with a card that is kept, looked at by the clock, charged, refused."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import select

from tests.billing.acts import NOW, open_attempt, price_of, success
from theatre.billing import attempts, payment_methods, payments, renewals, settlements, subscriptions
from theatre.billing.models import Payment, PaymentMethod, PaymentStatus, Subscription
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import AttemptFailed, AttemptSucceeded, Failure
from theatre.contracts.payment_methods import SavedMethod
from theatre.kit.db import Session

CARD_FIELDS = {"kind": "bank_card", "brand": "MasterCard", "expiry_month": 12, "expiry_year": 2040}


def card(last4: str = "4444") -> SavedMethod:
    """Make a card that a payment system keeps."""
    return SavedMethod.model_validate({"reference": uuid4().hex, "last4": last4, **CARD_FIELDS})


def saving(payment: Payment, attempt_id: UUID, *, last4: str = "4444") -> AttemptSucceeded:
    """Make the fact that an attempt brought money, and that the card was kept."""
    return success(payment, attempt_id).model_copy(update={"method": card(last4)})


async def buy_plan(
    session: Session,
    settings: BillingSettings,
    *,
    user_id: UUID | None = None,
    now: datetime = NOW,
    saves: bool = True,
    price_id: UUID | None = None,
) -> Subscription:
    """Buy a plan at a page, with the card kept or not; gives the subscription."""
    price_id = price_id or (await price_of(session, "plan")).id
    purchase = payments.Purchase([payments.Wish(price_id, 1)])
    terms = payments.Terms("en", settings, now)
    payment = await payments.create(session, user_id or uuid4(), purchase, terms=terms)
    payment.save_method = saves
    attempt_id = await open_attempt(session, payment, now=now)
    fact = saving(payment, attempt_id) if saves else success(payment, attempt_id)
    await settlements.settle(session, fact, settings=settings, now=now)
    await session.flush()
    [item] = payment.items
    held = await subscriptions.find_open_locked(session, payment.user_id, item.product_id)
    assert held is not None
    return held


async def keep_card(session: Session, user_id: UUID, *, last4: str = "4444") -> PaymentMethod:
    """Have another card kept."""
    fact = AttemptSucceeded(
        attempt_id=uuid4(),
        payment_id=uuid4(),
        captured={"amount_minor": 1, "currency": "RUB"},
        provider="yookassa",
        provider_reference=uuid4().hex,
        captured_at=NOW,
        method=card(last4),
    )
    await payment_methods.save(session, user_id, fact, now=NOW)
    statement = select(PaymentMethod).where(PaymentMethod.attempt_id == fact.attempt_id)
    return (await session.scalars(statement)).one()


async def look(session: Session, settings: BillingSettings, *, now: datetime) -> None:
    """Do all that is due at a moment, as the jobs do: renew, and end what is over."""
    while due := await renewals.claim_due(session, now=now):
        for each in due:
            await session.flush()
            await renewals.renew(session, each.subscription_id, settings=settings, now=now)
        await session.flush()
    while await payments.expire_due(session, now=now) or await subscriptions.expire_due(session, now=now):
        await session.flush()


async def renewals_of(session: Session, subscription: Subscription) -> list[Payment]:
    """List the payments that renewed a plan, or tried to."""
    statement = select(Payment).where(Payment.subscription_id == subscription.id)
    return list(await session.scalars(statement.order_by(Payment.renews_from)))


async def charge_of(session: Session, subscription: Subscription) -> Payment:
    """Give the renewal that is being charged."""
    statement = select(Payment).where(
        Payment.subscription_id == subscription.id, Payment.status == PaymentStatus.PENDING
    )
    return (await session.scalars(statement)).one()


async def succeed(
    session: Session, settings: BillingSettings, payment: Payment, *, now: datetime
) -> AttemptSucceeded:
    """Let the charge of a renewal bring its money."""
    assert payment.open_attempt_id is not None
    fact = success(payment, payment.open_attempt_id)
    await settlements.settle(session, fact, settings=settings, now=now)
    await session.flush()
    return fact


async def decline(
    session: Session, payment: Payment, *, now: datetime, code: str = "insufficient_funds"
) -> AttemptFailed:
    """Let the charge of a renewal be refused."""
    assert payment.open_attempt_id is not None
    fact = AttemptFailed(
        attempt_id=payment.open_attempt_id,
        payment_id=payment.id,
        failure=Failure(code=code, message="Refused."),
        is_expired=False,
    )
    await attempts.fail(session, fact, now=now)
    await session.flush()
    return fact


async def renew_once(session: Session, settings: BillingSettings, subscription: Subscription) -> datetime:
    """Let the next charge come due and bring its money; gives when it was due."""
    due_at = subscription.renewal_due_at
    assert due_at is not None
    await look(session, settings, now=due_at)
    await succeed(session, settings, await charge_of(session, subscription), now=due_at)
    return due_at
