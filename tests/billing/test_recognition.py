"""What a plan has earned: day by day, to the last kopeck, whatever is given back meanwhile."""

from tests.billing.acts import (
    NOW,
    REFUSED,
    ask_back,
    balances,
    buy,
    days,
    give_back,
    pay,
)
from tests.billing.checks import disagreements
from theatre.billing import (
    recognition,
    refunds,
)
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session, Sessions


async def test_a_plan_is_earned_day_by_day_to_the_last_kopeck(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    earned = []
    for day in (0, 1, 1, 14, 28, 400):
        while await recognition.recognize_due(session, now=NOW + days(day)):
            await session.flush()
        earned.append(-(await balances(session, payment)).get("revenue:plan", 0))
    # 31 January to 28 February: 28 days of 399.00
    assert earned == [0, 1425, 1425, 19950, 39900, 39900]
    assert await balances(session, payment) == {"cash:yookassa": 39900, "revenue:plan": -39900}
    assert not await disagreements(session, payment)


async def test_a_refund_takes_first_what_was_not_earned_yet(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    await recognition.recognize_due(session, now=NOW + days(7))
    await give_back(session, settings, payment, amount_minor=35000)
    assert await balances(session, payment) == {"cash:yookassa": 4900, "revenue:plan": -4900}
    assert not await disagreements(session, payment)
    assert not await recognition.recognize_due(session, now=NOW + days(6))


async def test_what_a_failed_refund_took_from_deferred_revenue_is_earned_after_all(
    session: Session, settings: BillingSettings
) -> None:
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    await recognition.recognize_due(session, now=NOW + days(7))
    refund = await ask_back(session, settings, payment)
    await session.flush()
    await recognition.recognize_due(session, now=NOW + days(40))
    await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=NOW + days(41))
    await session.flush()
    await recognition.recognize_due(session, now=NOW + days(42))
    await session.flush()
    assert await balances(session, payment) == {"cash:yookassa": 39900, "revenue:plan": -39900}


async def test_two_refunds_that_fail_at_one_moment_leave_nothing_unearned(
    session: Session, settings: BillingSettings
) -> None:
    """R12: each makes the schedule due at that moment anew, and each time what is earned then is posted."""
    payment = await buy(session, settings, "plan")
    await pay(session, settings, payment)
    asked = [await ask_back(session, settings, payment, amount_minor=10000) for _ in range(2)]
    moment = NOW + days(10)
    for refund in asked:
        await refunds.fail(session, payment.id, refund.id, failure=REFUSED, now=moment)
        await session.flush()
        await recognition.recognize_due(session, now=moment)
    assert not await disagreements(session, payment)
    assert (await balances(session, payment))["revenue:plan"] == -(39900 * 10 // 28)


async def test_what_was_earned_by_who_died_before_the_commit_is_earned_once(
    sessions: Sessions, settings: BillingSettings
) -> None:
    """C12: the entry and the schedule that it moves on are one transaction."""
    async with sessions.begin() as session:
        payment = await buy(session, settings, "plan")
        await pay(session, settings, payment)
    async with sessions() as session:
        assert await recognition.recognize_due(session, now=NOW + days(1))
        await session.rollback()
    for _ in range(2):
        async with sessions.begin() as session:
            await recognition.recognize_due(session, now=NOW + days(1))
            assert (await balances(session, payment))["revenue:plan"] == -1425
            assert not await disagreements(session, payment)
