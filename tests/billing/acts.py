"""What happens to payments in tests: bought, checked out, captured, failed, refunded, told by the facts of others."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, text

from theatre.billing import payments, refunds, settlements
from theatre.billing.models import Payment, PaymentStatus, Price, Product, Refund, RefundSource
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptFailed, AttemptSucceeded, Failure
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.money import Money

NOW = datetime(2027, 1, 31, 12, 0, tzinfo=UTC)
REFUSED = Failure(code="payee_refused", message="The bank of the card did not take the money back.")


async def price_of(session: Session, kind: str, *, trial: bool = False) -> Price:
    """Find the cheapest price of a kind of product on the price list; other tests add products of their own."""
    wanted = Price.trial_days > 0 if trial else Price.trial_days == 0
    listed = Product.decided_by.is_(None)
    statement = select(Price).join(Product).where(Product.kind == kind, wanted, Price.is_active, listed)
    return (await session.scalars(statement.order_by(Price.amount_minor))).first()  # type: ignore[return-value]


async def buy(
    session: Session,
    settings: BillingSettings,
    *kinds: str,
    user_id: UUID | None = None,
    quantity: int = 1,
    now: datetime = NOW,
    trial: bool = False,
) -> Payment:
    """Make an unpaid payment for the cheapest product of each kind."""
    prices = [await price_of(session, kind, trial=trial) for kind in kinds]
    purchase = payments.Purchase([payments.Wish(price.id, quantity) for price in prices])
    terms = payments.Terms("en", settings, now)
    return await payments.create(session, user_id or uuid4(), purchase, terms=terms)


async def discounted(session: Session, settings: BillingSettings, *kinds: str, off_minor: int) -> Payment:
    """Make a payment whose first line has a discount."""
    payment = await buy(session, settings, *kinds)
    payment.items[0].discount_minor = payment.discount_minor = off_minor
    payment.total_minor -= off_minor
    await session.flush()
    return payment


async def open_attempt(session: Session, payment: Payment, *, now: datetime = NOW) -> UUID:
    """Make a payment pending."""
    payment.open_attempt_id = new_id()
    payment.provider = "yookassa"
    payments.move(session, payment, PaymentStatus.PENDING, reason="checkout", now=now)
    await session.flush()
    return payment.open_attempt_id


def success(
    payment: Payment, attempt_id: UUID, *, amount_minor: int | None = None, currency: str = "RUB"
) -> AttemptSucceeded:
    """Make the fact that an attempt brought money."""
    captured = payment.total_minor if amount_minor is None else amount_minor
    return AttemptSucceeded(
        attempt_id=attempt_id,
        payment_id=payment.id,
        captured=Amount(amount_minor=captured, currency=currency),
        provider="yookassa",
        provider_reference=str(attempt_id),
        captured_at=NOW,
    )


def failure(payment: Payment, attempt_id: UUID, *, is_expired: bool = False) -> AttemptFailed:
    """Make the fact that an attempt brought nothing."""
    return AttemptFailed(
        attempt_id=attempt_id,
        payment_id=payment.id,
        failure=Failure(code="insufficient_funds", message="Not enough money on the card."),
        is_expired=is_expired,
    )


async def pay(session: Session, settings: BillingSettings, payment: Payment, *, now: datetime = NOW) -> UUID:
    """Bring a payment to *paid*; gives the attempt."""
    attempt_id = await open_attempt(session, payment, now=now)
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=now)
    await session.flush()
    return attempt_id


async def ask_back(
    session: Session,
    settings: BillingSettings,
    payment: Payment,
    *,
    amount_minor: int | None = None,
    now: datetime = NOW,
) -> Refund:
    """Ask, as the buyer, for a payment's money back, whole or in part."""
    amount = None if amount_minor is None else Money(amount_minor, payment.currency)
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "changed my mind", amount)
    return await refunds.request(session, payment.id, claim, settings=settings, now=now)


async def give_back(
    session: Session,
    settings: BillingSettings,
    payment: Payment,
    *,
    amount_minor: int | None = None,
    now: datetime = NOW,
) -> Refund:
    """Refund a payment, whole or in part, to its end."""
    refund = await ask_back(session, settings, payment, amount_minor=amount_minor, now=now)
    await refunds.succeed(session, payment.id, refund.id, now=now)
    await session.flush()
    return refund


async def balances(session: Session, payment: Payment) -> dict[str, int]:
    """Sum a payment's postings by account, leaving out accounts that are even."""
    rows = await session.execute(
        text(
            "SELECT p.account, sum(p.amount_minor)::bigint FROM billing.ledger_posting p"
            " JOIN billing.ledger_entry e ON e.id = p.entry_id WHERE e.payment_id = :id GROUP BY 1"
        ),
        {"id": payment.id},
    )
    return {account: int(amount) for account, amount in rows if amount}


async def events(session: Session, aggregate_id: UUID) -> list[str]:
    """List the facts told about something, in order."""
    await session.flush()
    rows = await session.execute(
        text("SELECT type FROM billing.outbox_message WHERE aggregate_id = :id ORDER BY id"),
        {"id": aggregate_id},
    )
    return [row.type for row in rows]


def days(number: int) -> timedelta:
    return timedelta(days=number)
