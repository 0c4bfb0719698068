"""Settling: what becomes of a payment when its attempt brings money, brings none, or brings it at a bad time."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from tests.billing.acts import (
    NOW,
    balances,
    buy,
    days,
    events,
    failure,
    give_back,
    open_attempt,
    pay,
    success,
)
from theatre.billing import attempts, entitlements, payments, refunds, settlements, subscriptions
from theatre.billing.errors import (
    PaymentNotCancelable,
    PaymentNotRefundable,
    RefundAmountInvalid,
    RefundExceedsPayment,
    RefundWindowClosed,
)
from theatre.billing.models import (
    PAYMENT_TRANSITIONS,
    Entitlement,
    LedgerEntry,
    PaymentStatus,
    Refund,
    RefundSource,
    RefundStatus,
    Subscription,
)
from theatre.billing.periods import LATEST
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import Failure
from theatre.kit.db import Session
from theatre.kit.money import Money


async def test_settling_makes_the_payment_paid_and_grants_the_right(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    assert payment.status == "paid"
    assert await balances(session, payment) == {"cash:yookassa": 39900, "deferred:plan": -39900}
    assert (await entitlements.check(session, payment.user_id, uuid4(), now=NOW)).allowed
    assert await events(session, payment.id) == ["billing.payment.paid"]


async def test_settling_twice_posts_one_capture_and_one_sale(
    session: Session, settings: BillingSettings
) -> None:
    """R12, W2: the same success again changes nothing."""
    payment = await buy(session, settings, "plan")
    attempt_id = await pay(session, settings, payment)
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)
    kinds = await session.scalars(select(LedgerEntry.kind).where(LedgerEntry.payment_id == payment.id))
    assert sorted(kinds.all()) == ["capture", "sale"]
    rights = await session.scalars(select(Entitlement).where(Entitlement.payment_id == payment.id))
    assert len(rights.all()) == 1


async def test_success_overtaking_the_checkout_answer_still_pays(
    session: Session, settings: BillingSettings
) -> None:
    """W1: a success for an attempt believed failed, or not yet answered for, pays an unpaid payment."""
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    await attempts.fail(session, failure(payment, attempt_id), now=NOW)
    assert payment.status == "unpaid"
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)
    assert payment.status == "paid"


async def test_a_failure_after_success_moves_nothing_back(
    session: Session, settings: BillingSettings
) -> None:
    """F-C2: states never go backwards."""
    payment = await buy(session, settings, "film")
    attempt_id = await pay(session, settings, payment)
    await attempts.fail(session, failure(payment, attempt_id), now=NOW)
    assert payment.status == "paid"


async def test_another_amount_is_kept_as_unallocated(session: Session, settings: BillingSettings) -> None:
    """F-C10: the payment is not paid, the money stands in the ledger."""
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id, amount_minor=payment.total_minor - 1)
    await settlements.settle(session, event, settings=settings, now=NOW)
    assert payment.status == "unpaid"
    assert payment.failure_code == "amount_mismatch"
    assert await balances(session, payment) == {"cash:yookassa": 29899, "unallocated": -29899}


async def test_another_currency_is_kept_as_unallocated(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    event = success(payment, attempt_id, currency="KZT")
    await settlements.settle(session, event, settings=settings, now=NOW)
    assert payment.status == "unpaid"


@pytest.mark.parametrize("closed_as", ["canceled", "expired", "paid"])
async def test_late_money_is_given_back_by_rule(
    session: Session, settings: BillingSettings, closed_as: str
) -> None:
    """W11, F-C4: money for a payment that cannot take it is visible in the ledger on its way back."""
    payment = await buy(session, settings, "film")
    late = await open_attempt(session, payment)
    await attempts.fail(session, failure(payment, late), now=NOW)
    if closed_as == "canceled":
        await payments.cancel(session, payment.id, user_id=payment.user_id, now=NOW)
    elif closed_as == "expired":
        await payments.expire_due(session, now=payment.expires_at)
    else:
        await pay(session, settings, payment)
    before = await balances(session, payment)
    await settlements.settle(session, success(payment, late), settings=settings, now=NOW)
    await session.flush()
    assert payment.status == closed_as
    assert (await balances(session, payment))["refunds_payable"] == -payment.total_minor
    refund = (await session.scalars(select(Refund).where(Refund.attempt_id == late))).one()
    assert refund.source == RefundSource.LATE
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    await session.flush()
    assert await balances(session, payment) == before
    assert payment.refunded_minor == 0


async def test_cancel_of_a_pending_payment_is_a_wish(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    await payments.cancel(session, payment.id, user_id=payment.user_id, now=NOW)
    assert payment.status == "pending"
    await attempts.fail(session, failure(payment, attempt_id, is_expired=True), now=NOW)
    assert payment.status == "canceled"
    assert await events(session, payment.id) == ["billing.attempt.abandoned", "billing.payment.canceled"]


async def test_a_wish_to_cancel_does_not_lose_money_that_comes(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    await payments.cancel(session, payment.id, user_id=payment.user_id, now=NOW)
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)
    await session.flush()
    refund = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).one()
    assert refund.amount_minor == payment.total_minor


async def test_a_paid_payment_is_not_canceled(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    with pytest.raises(PaymentNotCancelable):
        await payments.cancel(session, payment.id, user_id=payment.user_id, now=NOW)


async def test_partial_refunds_reach_the_total_and_take_the_right(
    session: Session, settings: BillingSettings
) -> None:
    """R1: Σ ≤ captured; when equal the payment is refunded and loses its rights."""
    payment = await buy(session, settings, "plan", "film", quantity=1)
    await pay(session, settings, payment)
    for amount_minor in (1, 33333, 100):
        await give_back(session, settings, payment, amount_minor=amount_minor)
        assert payment.status == "paid"
    await give_back(session, settings, payment)
    assert payment.status == "refunded"
    assert payment.refunded_minor == payment.total_minor
    assert await balances(session, payment) == {}
    assert not (await entitlements.check(session, payment.user_id, uuid4(), now=NOW)).allowed
    with pytest.raises(PaymentNotRefundable):
        await give_back(session, settings, payment)


async def test_pending_refunds_reserve_their_sum(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)

    async def ask(amount_minor: int) -> Refund:
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "x", Money(amount_minor, "RUB"))
        return await refunds.request(session, payment.id, claim, settings=settings, now=NOW)

    first = await ask(20000)
    with pytest.raises(RefundExceedsPayment):
        await ask(10000)
    refused = Failure(code="refused", message="no")
    await refunds.fail(session, payment.id, first.id, failure=refused, now=NOW)
    assert (await ask(29900)).status == RefundStatus.PENDING


async def test_a_failed_refund_that_succeeded_after_all_is_in_the_ledger(
    session: Session, settings: BillingSettings
) -> None:
    """Money wins over a verdict; what is more than was paid stands there as unallocated."""
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    made = []
    for _ in range(2):
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "x")
        refund = await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
        refused = Failure(code="refused", message="no")
        await refunds.fail(session, payment.id, refund.id, failure=refused, now=NOW)
        made.append(refund)
    for refund in made:
        await refunds.succeed(session, payment.id, refund.id, now=NOW)
    assert (payment.status, made[0].failure_code) == ("refunded", None)
    assert await balances(session, payment) == {"cash:yookassa": -29900, "unallocated": 29900}


@pytest.mark.parametrize("money", [Money(0, "RUB"), Money(100, "USD")])
async def test_a_refund_of_nothing_or_in_another_currency_is_refused(
    session: Session, settings: BillingSettings, money: Money
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    claim = refunds.Claim(RefundSource.USER, payment.user_id, "x", money)
    with pytest.raises(RefundAmountInvalid):
        await refunds.request(session, payment.id, claim, settings=settings, now=NOW)


async def test_users_refund_alone_within_the_window_and_staff_after(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    late = NOW + days(15)
    with pytest.raises(RefundWindowClosed):
        await give_back(session, settings, payment, now=late)
    claim = refunds.Claim(RefundSource.STAFF, uuid4(), "goodwill")
    refund = await refunds.request(session, payment.id, claim, settings=settings, now=late)
    assert refund.status == RefundStatus.PENDING


async def test_a_plan_bought_again_is_extended_and_a_refund_takes_that_period_only(
    session: Session, settings: BillingSettings
) -> None:
    """R9: later periods stay."""
    first = await buy(session, settings, "plan")
    await pay(session, settings, first)
    second = await buy(session, settings, "plan", user_id=first.user_id)
    await pay(session, settings, second)
    held = (await session.scalars(select(Subscription).where(Subscription.user_id == first.user_id))).one()
    assert held.paid_until.isoformat() == "2027-03-31T12:00:00+00:00"
    await give_back(session, settings, second)
    assert held.paid_until.isoformat() == "2027-02-28T12:00:00+00:00"
    assert held.status == "active"
    await give_back(session, settings, first)
    assert held.status == "canceled"


async def test_a_plan_paid_to_the_end_of_the_calendar_may_be_bought_again(
    session: Session, settings: BillingSettings
) -> None:
    """The money was taken: that nothing is left to add must not stop the settlement."""
    first = await buy(session, settings, "plan")
    await pay(session, settings, first)
    held = (await session.scalars(select(Subscription).where(Subscription.user_id == first.user_id))).one()
    held.anchor_at = held.paid_until = LATEST
    held.anchor_months = 0
    again = await buy(session, settings, "plan", user_id=first.user_id)
    await pay(session, settings, again)
    assert (again.status, held.paid_until) == (PaymentStatus.PAID, LATEST)


async def test_the_first_period_is_longer_by_the_free_days(
    session: Session, settings: BillingSettings
) -> None:
    first = await buy(session, settings, "plan", trial=True)
    await pay(session, settings, first)
    held = (await session.scalars(select(Subscription).where(Subscription.user_id == first.user_id))).one()
    assert held.paid_until.isoformat() == "2027-03-07T12:00:00+00:00"


async def test_every_legal_change_is_reached_and_no_other(
    session: Session, settings: BillingSettings
) -> None:
    for source, targets in PAYMENT_TRANSITIONS.items():
        for target in set(PaymentStatus) - targets:
            payment = await buy(session, settings, "film")
            payment.status = source
            with pytest.raises(AssertionError):
                payments.move(session, payment, target, reason="x", now=NOW)
            session.expunge_all()


@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize(
    ("table", "column"),
    [("ledger_entry", "kind"), ("ledger_posting", "account"), ("payment_transition", "reason")],
)
async def test_the_role_cannot_change_what_was_written_down(
    session: Session, settings: BillingSettings, statement: str, table: str, column: str
) -> None:
    """R11: no row is ever updated or deleted, enforced by the database."""
    with pytest.raises(DBAPIError, match="permission denied"):
        await session.execute(text(statement.format(f"billing.{table}", column, column)))


async def test_an_entry_that_does_not_balance_cannot_be_committed(
    session: Session, settings: BillingSettings
) -> None:
    """R11: every posting group sums to zero per currency."""
    payment = await buy(session, settings, "film")
    await session.flush()
    entry = uuid4()
    await session.execute(
        text(
            "INSERT INTO billing.ledger_entry (id, operation_key, kind, payment_id, occurred_at)"
            " VALUES (:id, :key, 'x', :payment, now())"
        ),
        {"id": entry, "key": str(entry), "payment": payment.id},
    )
    await session.execute(
        text("INSERT INTO billing.ledger_posting VALUES (:id, 0, 'a', 5, 'RUB'), (:id, 1, 'b', -4, 'RUB')"),
        {"id": entry},
    )
    with pytest.raises(DBAPIError, match="does not balance"):
        await session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))


async def test_a_wish_to_cancel_is_kept_where_another_sum_came(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "film")
    attempt_id = await open_attempt(session, payment)
    await payments.cancel(session, payment.id, user_id=payment.user_id, now=NOW)
    await settlements.settle(
        session, success(payment, attempt_id, amount_minor=1), settings=settings, now=NOW
    )
    assert payment.status == "canceled"
    assert await balances(session, payment) == {"cash:yookassa": 1, "unallocated": -1}


async def test_giving_back_a_plan_that_has_run_out_leaves_it_expired(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    held = (await session.scalars(select(Subscription).where(Subscription.user_id == payment.user_id))).one()
    late = NOW + days(40)
    await subscriptions.expire_due(session, now=late)
    claim = refunds.Claim(RefundSource.STAFF, uuid4(), "goodwill")
    refund = await refunds.request(session, payment.id, claim, settings=settings, now=late)
    await refunds.succeed(session, payment.id, refund.id, now=late)
    assert held.status == "expired"
    assert (await events(session, held.id))[-1] == "billing.subscription.expired"


async def test_paying_by_an_earlier_attempt_abandons_the_open_one(
    session: Session, settings: BillingSettings
) -> None:
    """Capability 1: after any success every other open link is made worthless, where its provider can."""
    payment = await buy(session, settings, "film")
    early = await open_attempt(session, payment)
    await attempts.fail(session, failure(payment, early), now=NOW)
    late = await open_attempt(session, payment)
    await settlements.settle(session, success(payment, early), settings=settings, now=NOW)
    await session.flush()
    told = await session.scalars(
        text(
            "SELECT data ->> 'attempt_id' FROM billing.outbox_message"
            " WHERE aggregate_id = :id AND type = 'billing.attempt.abandoned'"
        ),
        {"id": payment.id},
    )
    assert [UUID(each) for each in told] == [late]
