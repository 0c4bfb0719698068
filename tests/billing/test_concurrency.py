"""Many at the same moment: money stays within its bounds whatever the order."""

import asyncio
from collections import Counter
from collections.abc import Callable
from uuid import UUID, uuid4

from sqlalchemy import func, select

from tests.billing.acts import NOW, buy, open_attempt, pay, success
from tests.billing.conftest import Caller
from theatre.billing import attempts, entitlements, payments, refunds, settlements
from theatre.billing.errors import PaymentNotCancelable, PaymentNotRefundable, RefundExceedsPayment
from theatre.billing.models import Entitlement, LedgerEntry, Payment, Refund, RefundSource, Subscription
from theatre.billing.settings import BillingSettings
from theatre.contracts.payment import AttemptFailed, Failure
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions
from theatre.kit.money import Money, to_decimal


async def make_paid(sessions: Sessions, settings: BillingSettings) -> Payment:
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        await pay(session, settings, payment)
    return payment


async def test_fifty_refunds_at_once_never_give_back_more_than_was_paid(
    sessions: Sessions, settings: BillingSettings
) -> None:
    """R1, F-X2: Σ ≤ captured under the lock."""
    payment = await make_paid(sessions, settings)

    async def ask(amount: Money | None) -> bool:
        claim = refunds.Claim(RefundSource.USER, payment.user_id, "x", amount)
        try:
            async with sessions.begin() as session:
                await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
        except (RefundExceedsPayment, PaymentNotRefundable):
            return False
        return True

    results = await asyncio.gather(*(ask(None if number % 5 else Money(7000, "RUB")) for number in range(50)))
    assert any(results)
    async with sessions() as session:
        reserved = await session.scalar(
            select(func.sum(Refund.amount_minor)).where(Refund.payment_id == payment.id)
        )
    assert 0 < (reserved or 0) <= payment.total_minor


async def test_of_fifty_tenths_asked_for_at_once_ten_are_given_back(
    make_caller: Callable[[], Caller], sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """R1, F-X2: at the door, each under a key of its own; the rest is refused, and nothing breaks."""
    caller = make_caller()
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film", user_id=caller.user_id, now=clock.now())
        await pay(session, settings, payment, now=clock.now())
    tenth = {"amount": to_decimal(Money(payment.total_minor // 10, "RUB")), "currency": "RUB"}
    body, path = {"amount": tenth, "reason": "x"}, f"/payments/{payment.id}/refunds"
    answers = await asyncio.gather(*(caller.post(path, body) for _ in range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 40}
    listed = (await caller.get(path)).json()["items"]
    assert sorted(item["id"] for item in listed) == sorted(
        answer.json()["id"] for answer in answers if answer.status_code == 201
    )


async def test_the_same_success_many_times_at_once_counts_once(
    sessions: Sessions, settings: BillingSettings
) -> None:
    """W2: one transition, one grant, one entry."""
    async with sessions.begin() as session:
        payment = await buy(session, settings, "plan")
        attempt_id = await open_attempt(session, payment)

    async def settle() -> None:
        async with sessions.begin() as session:
            await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)

    await asyncio.gather(*(settle() for _ in range(10)))
    async with sessions() as session:
        for table, number in ((Entitlement, 1), (LedgerEntry, 2)):
            statement = select(func.count()).select_from(table).where(table.payment_id == payment.id)
            assert await session.scalar(statement) == number


async def test_cancel_against_success_ends_in_money_that_follows_the_state(
    sessions: Sessions, settings: BillingSettings
) -> None:
    """F-X3: paid, or given back; never taken with nothing for it."""
    for _ in range(10):
        async with sessions.begin() as session:
            payment = await buy(session, settings, "film")
            attempt_id = await open_attempt(session, payment)

        async def settle(payment: Payment = payment, attempt_id: UUID = attempt_id) -> None:
            async with sessions.begin() as session:
                await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)

        async def cancel(payment: Payment = payment) -> None:
            async with sessions.begin() as session:
                try:
                    await payments.cancel(session, payment.id, user_id=payment.user_id, now=NOW)
                except PaymentNotCancelable:
                    await session.rollback()

        await asyncio.gather(settle(), cancel())
        async with sessions() as session:
            after = await payments.get(session, payment.id)
            given_back = await refunds.list_of(session, payment.id)
            assert after.status == "paid"
            assert len(given_back) == (1 if after.cancel_requested_at else 0)


async def test_two_purchases_of_one_plan_at_once_extend_one_subscription(
    sessions: Sessions, settings: BillingSettings
) -> None:
    user_id = uuid4()
    made = []
    for _ in range(2):
        async with sessions.begin() as session:
            payment = await buy(session, settings, "plan", user_id=user_id)
            made.append((payment, await open_attempt(session, payment)))

    async def settle(payment: Payment, attempt_id: UUID) -> None:
        async with sessions.begin() as session:
            await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)

    results = await asyncio.gather(*(settle(*each) for each in made), return_exceptions=True)
    for each, result in zip(made, results, strict=True):
        if isinstance(result, Exception):  # the broker delivers it again
            await settle(*each)
    async with sessions() as session:
        held = (await session.scalars(select(Subscription).where(Subscription.user_id == user_id))).all()
        assert len(held) == 1
        assert held[0].paid_until.isoformat() == "2027-03-31T12:00:00+00:00"
        verdict = await entitlements.check(session, user_id, uuid4(), now=NOW)
        assert verdict.allowed


async def test_failure_and_success_of_one_attempt_at_once_end_paid(
    sessions: Sessions, settings: BillingSettings
) -> None:
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film")
        attempt_id = await open_attempt(session, payment)
    failed = AttemptFailed(
        attempt_id=attempt_id,
        payment_id=payment.id,
        failure=Failure(code="x", message="x"),
        is_expired=False,
    )

    async def settle() -> None:
        async with sessions.begin() as session:
            await settlements.settle(session, success(payment, attempt_id), settings=settings, now=NOW)

    async def fail() -> None:
        async with sessions.begin() as session:
            await attempts.fail(session, failed, now=NOW)

    await asyncio.gather(settle(), fail())
    async with sessions() as session:
        assert (await payments.get(session, payment.id)).status == "paid"
