"""Plans that renew themselves: one charge for each period, by the calendar, and nothing without consent or a card."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text

from tests.billing.acts import NOW, balances, buy, days, events, open_attempt, pay, price_of, success
from tests.billing.renewing import (
    buy_plan,
    charge_of,
    decline,
    keep_card,
    look,
    renew_once,
    renewals_of,
    succeed,
)
from theatre.billing import (
    cancellations,
    catalogue,
    entitlements,
    payment_methods,
    payments,
    recognition,
    refunds,
    reminders,
    renewals,
    settlements,
    subscriptions,
)
from theatre.billing.cancellations import CancelAt
from theatre.billing.errors import RenewalNotCancelable, SubscriptionEnded
from theatre.billing.models import Entitlement, Payment, Refund, RefundSource, Subscription
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session
from theatre.kit.money import Money

HOUR = timedelta(hours=1)
FILM = uuid4()


def at(month: int, day: int, year: int = 2027) -> datetime:
    return datetime(year, month, day, 12, 0, tzinfo=UTC)


async def may_watch(session: Session, subscription: Subscription, *, now: datetime) -> bool:
    await session.flush()
    return (await entitlements.check(session, subscription.user_id, FILM, now=now)).allowed


async def test_a_year_of_renewals_keeps_the_day(session: Session, settings: BillingSettings) -> None:
    """T1, T4: from the 31st by the shortest months and back; each period is charged once, an hour before it begins."""
    plan = await buy_plan(session, settings)
    ends = [plan.paid_until]
    for _ in range(12):
        due_at = await renew_once(session, settings, plan)
        assert due_at == ends[-1] - HOUR
        ends.append(plan.paid_until)
    days_of_2027 = [
        (2, 28),
        (3, 31),
        (4, 30),
        (5, 31),
        (6, 30),
        (7, 31),
        (8, 31),
        (9, 30),
        (10, 31),
        (11, 30),
    ]
    assert ends == [*(at(*day) for day in [*days_of_2027, (12, 31)]), at(1, 31, 2028), at(2, 29, 2028)]
    paid = await renewals_of(session, plan)
    assert [payment.status for payment in paid] == ["paid"] * 12
    assert [payment.renews_from for payment in paid] == ends[:-1]
    assert (plan.status, plan.paid_from) == ("active", ends[-2])


async def test_a_renewal_is_in_the_books_like_a_purchase(session: Session, settings: BillingSettings) -> None:
    """M14, R11: receipt, revenue earned by the day, a right to watch for each line."""
    plan = await buy_plan(session, settings)
    await renew_once(session, settings, plan)
    [payment] = await renewals_of(session, plan)
    assert (await balances(session, payment))["deferred:plan"] == -payment.total_minor
    counted = {
        table: await session.scalar(
            text(f"SELECT count(*) FROM billing.{table} WHERE payment_id = :id"), {"id": payment.id}
        )
        for table in ("receipt", "revenue_schedule", "entitlement", "subscription_period")
    }
    assert set(counted.values()) == {1}
    while await recognition.recognize_due(session, now=at(12, 31)):
        await session.flush()
    assert (await balances(session, payment))["revenue:plan"] == -payment.total_minor


async def test_a_price_that_is_sold_no_more_is_still_what_its_user_pays(
    session: Session, settings: BillingSettings
) -> None:
    """M11: renewal uses the price that was agreed, whatever the price list says now."""
    plan = await buy_plan(session, settings)
    old = await price_of(session, "plan")
    draft = catalogue.PriceDraft(plan.product_id, Money(999_00, "RUB"), ("month", 1))
    await catalogue.create_price(session, draft, staff_id=uuid4(), now=NOW)
    await catalogue.switch_off(session, old.id, staff_id=uuid4())
    await renew_once(session, settings, plan)
    [payment] = await renewals_of(session, plan)
    assert (payment.total_minor, payment.currency) == (old.amount_minor, old.currency)


async def test_who_agreed_to_nothing_is_not_charged(session: Session, settings: BillingSettings) -> None:
    """Not even with a card kept for something else: the plan ends with what is paid."""
    plan = await buy_plan(session, settings, saves=False)
    await keep_card(session, plan.user_id)
    await look(session, settings, now=at(2, 28))
    assert (plan.status, await renewals_of(session, plan)) == ("expired", [])


async def test_without_a_card_nothing_is_charged(session: Session, settings: BillingSettings) -> None:
    plan = await buy_plan(session, settings)
    method = await payment_methods.find_to_renew(session, plan.user_id)
    assert method is not None
    await payment_methods.remove(session, plan.user_id, method.id, now=NOW)
    await look(session, settings, now=at(2, 28) - HOUR)
    assert plan.status == "active"
    await look(session, settings, now=at(2, 28))
    assert (plan.status, await renewals_of(session, plan)) == ("expired", [])
    assert not await may_watch(session, plan, now=at(2, 28))


async def test_the_look_is_taken_again_and_again_and_charges_once(
    session: Session, settings: BillingSettings
) -> None:
    """C1, C12: by any number of workers, each dying where it likes; the claim of who died runs out."""
    plan = await buy_plan(session, settings)
    due_at = plan.paid_until - HOUR
    assert [each.subscription_id for each in await renewals.claim_due(session, now=due_at)] == [plan.id]
    await session.flush()
    assert await renewals.claim_due(session, now=due_at) == []
    for minutes in (6, 12, 18):
        await look(session, settings, now=due_at + timedelta(minutes=minutes))
        await renewals.renew(session, plan.id, settings=settings, now=due_at)
    assert len(await renewals_of(session, plan)) == 1
    payment = await charge_of(session, plan)
    assert (await events(session, payment.id)).count("billing.charge.requested") == 1


async def test_the_same_success_again_or_late_extends_once(
    session: Session, settings: BillingSettings
) -> None:
    """W2, F-B11"""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28) - HOUR)
    fact = await succeed(session, settings, await charge_of(session, plan), now=at(2, 28))
    for month in (3, 4):
        await settlements.settle(session, fact, settings=settings, now=at(month, 15))
    assert plan.paid_until == at(3, 31)


async def test_an_outcome_that_nobody_knows_is_waited_for(
    session: Session, settings: BillingSettings
) -> None:
    """W8: the plan neither fails nor ends, can be watched through its grace, and the money counts when it comes."""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28) - HOUR)
    assert await may_watch(session, plan, now=at(3, 1))
    await look(session, settings, now=at(3, 20))
    assert plan.status == "active"
    await succeed(session, settings, await charge_of(session, plan), now=at(3, 20))
    assert (plan.status, plan.paid_until) == ("active", at(3, 31))


async def test_a_failed_renewal_is_tried_again_by_the_plan_and_then_ends(
    session: Session, settings: BillingSettings
) -> None:
    """S2: past due, watched through its grace, tried after one, three and five days, and told of once."""
    plan = await buy_plan(session, settings)
    first_at = at(2, 28) - HOUR
    await look(session, settings, now=first_at)
    await decline(session, await charge_of(session, plan), now=first_at)
    assert plan.status == "past_due"
    for day in (1, 3, 5):
        await look(session, settings, now=first_at + days(day) - timedelta(seconds=1))
        assert plan.renewal_due_at == first_at + days(day)
        assert await may_watch(session, plan, now=first_at + days(day))
        await look(session, settings, now=first_at + days(day))
        await decline(session, await charge_of(session, plan), now=first_at + days(day))
    await look(session, settings, now=at(3, 7) - timedelta(seconds=1))
    assert (plan.status, plan.renewal_due_at) == ("past_due", None)
    await look(session, settings, now=at(3, 7))
    [payment] = await renewals_of(session, plan)
    assert (plan.status, payment.status) == ("expired", "expired")
    assert not await may_watch(session, plan, now=at(3, 7))
    told = await events(session, plan.id)
    assert told.count("billing.subscription.past_due") == told.count("billing.subscription.expired") == 1
    assert "billing.payment.failed" not in await events(session, payment.id)


async def test_success_within_the_grace_keeps_the_day(session: Session, settings: BillingSettings) -> None:
    """S2, T5"""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    await decline(session, await charge_of(session, plan), now=at(2, 28))
    await look(session, settings, now=at(3, 1))
    await succeed(session, settings, await charge_of(session, plan), now=at(3, 1))
    assert (plan.status, plan.paid_until, plan.grace_until) == ("active", at(3, 31), None)
    assert plan.renewal_due_at == at(3, 31) - HOUR


async def test_tries_that_were_missed_are_not_made_up_for(
    session: Session, settings: BillingSettings
) -> None:
    """T12: after days without workers there is one try, not one for each day."""
    plan = await buy_plan(session, settings)
    first_at = at(2, 28) - HOUR
    await look(session, settings, now=first_at)
    await decline(session, await charge_of(session, plan), now=first_at)
    late = first_at + days(4)
    await look(session, settings, now=late)
    await decline(session, await charge_of(session, plan), now=late)
    await look(session, settings, now=late)
    assert plan.renewal_due_at == first_at + days(5)


@pytest.mark.parametrize("code", ["permission_revoked", "card_expired"])
async def test_a_hopeless_card_is_not_tried_again_but_a_new_one_at_once(
    session: Session, settings: BillingSettings, code: str
) -> None:
    """S2"""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    await decline(session, await charge_of(session, plan), now=at(2, 28), code=code)
    for day in (1, 2, 3, 5):
        await look(session, settings, now=at(3, day))
    assert plan.status == "past_due"
    method = await keep_card(session, plan.user_id, last4="0001")
    await renewals.renew(session, plan.id, settings=settings, now=at(3, 6), is_at_once=True)
    payment = await charge_of(session, plan)
    assert payment.payment_method_id == method.id
    await succeed(session, settings, payment, now=at(3, 6))
    assert (plan.status, plan.paid_until) == ("active", at(3, 31))


async def test_another_good_card_is_tried_where_the_chosen_one_is_hopeless(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    first = await payment_methods.find_to_renew(session, plan.user_id)
    chosen = await keep_card(session, plan.user_id, last4="0001")
    await look(session, settings, now=at(2, 28))
    payment = await charge_of(session, plan)
    assert payment.payment_method_id == chosen.id
    await decline(session, payment, now=at(2, 28), code="card_expired")
    await look(session, settings, now=at(3, 1))
    assert first is not None
    assert (await charge_of(session, plan)).payment_method_id == first.id


async def test_a_removed_card_is_not_charged_by_a_later_try(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    payment = await charge_of(session, plan)
    await decline(session, payment, now=at(2, 28))
    assert payment.payment_method_id is not None
    await payment_methods.remove(session, plan.user_id, payment.payment_method_id, now=at(2, 28))
    for day in (1, 3, 5, 7):
        await look(session, settings, now=at(3, day))
    [payment] = await renewals_of(session, plan)
    charged = (await events(session, payment.id)).count("billing.charge.requested")
    assert (charged, plan.status) == (1, "expired")


async def test_after_days_without_workers_a_plan_is_charged_once_for_its_present_period(
    session: Session, settings: BillingSettings
) -> None:
    """T12"""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(3, 3))
    await succeed(session, settings, await charge_of(session, plan), now=at(3, 3))
    await look(session, settings, now=at(3, 3))
    assert (plan.paid_until, len(await renewals_of(session, plan))) == (at(3, 31), 1)


async def test_nobody_is_charged_for_time_that_has_gone_by(
    session: Session, settings: BillingSettings
) -> None:
    """T12: after months without workers a plan has ended."""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(8, 15))
    assert (plan.status, await renewals_of(session, plan)) == ("expired", [])


async def test_a_plan_by_the_day_is_not_watched_unpaid_for_a_week(
    session: Session, settings: BillingSettings
) -> None:
    product_id = (await price_of(session, "plan")).product_id
    draft = catalogue.PriceDraft(product_id, Money(49_00, "RUB"), ("day", 1))
    price = await catalogue.create_price(session, draft, staff_id=uuid4(), now=NOW)
    await session.refresh(price, ["product"])
    plan = await buy_plan(session, settings, price_id=price.id)
    await look(session, settings, now=NOW + days(1) - HOUR)
    await decline(session, await charge_of(session, plan), now=NOW + days(1))
    assert await may_watch(session, plan, now=NOW + days(2) - HOUR)
    await look(session, settings, now=NOW + days(2))
    assert plan.status == "expired"


# canceling


async def test_a_canceled_plan_is_watched_to_its_last_second_and_not_charged(
    session: Session, settings: BillingSettings
) -> None:
    """S1"""
    plan = await buy_plan(session, settings)
    for _ in range(2):
        await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.PERIOD_END, now=NOW)
    await look(session, settings, now=at(2, 28) - timedelta(seconds=1))
    assert plan.status == "active"
    assert await may_watch(session, plan, now=at(2, 28) - timedelta(seconds=1))
    await look(session, settings, now=at(2, 28))
    assert (plan.status, await renewals_of(session, plan)) == ("canceled", [])
    assert not await may_watch(session, plan, now=at(2, 28))
    told = await events(session, plan.id)
    assert told.count("billing.subscription.cancel_requested") == 1
    assert told.count("billing.subscription.canceled") == 1


async def test_a_cancellation_is_undone_before_the_end(session: Session, settings: BillingSettings) -> None:
    plan = await buy_plan(session, settings)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.PERIOD_END, now=NOW)
    for _ in range(2):
        await cancellations.resume(session, plan.user_id, plan.id, now=NOW)
    await look(session, settings, now=NOW)
    assert (plan.cancel_at_period_end, plan.renewal_due_at) == (False, at(2, 28) - HOUR)
    await renew_once(session, settings, plan)
    assert plan.paid_until == at(3, 31)


async def test_what_has_ended_is_not_resumed_nor_canceled(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.PERIOD_END, now=NOW)
    with pytest.raises(SubscriptionEnded):
        await cancellations.resume(session, plan.user_id, plan.id, now=at(2, 28))
    await look(session, settings, now=at(2, 28))
    with pytest.raises(SubscriptionEnded):
        await cancellations.resume(session, plan.user_id, plan.id, now=at(2, 28))
    with pytest.raises(SubscriptionEnded):
        await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.NOW, now=at(2, 28))


async def test_a_plan_may_begin_to_renew_later(session: Session, settings: BillingSettings) -> None:
    """Its user has a card kept now, and says so."""
    plan = await buy_plan(session, settings, saves=False)
    await cancellations.resume(session, plan.user_id, plan.id, now=NOW)
    assert not plan.is_renewing
    await keep_card(session, plan.user_id)
    await cancellations.resume(session, plan.user_id, plan.id, now=NOW)
    await look(session, settings, now=NOW)
    await renew_once(session, settings, plan)
    assert plan.paid_until == at(3, 31)


async def test_ending_a_plan_at_once_takes_the_rest_of_it(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.NOW, now=NOW + days(1))
    assert plan.status == "canceled"
    assert not await may_watch(session, plan, now=NOW + days(1))
    await look(session, settings, now=at(2, 28))
    assert await renewals_of(session, plan) == []
    again = await buy_plan(session, settings, user_id=plan.user_id, now=NOW + days(2))
    assert again.id != plan.id


async def test_money_of_an_ended_plan_is_taken_back_like_any_other(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.NOW, now=NOW)
    payment = (await session.scalars(select(Payment).where(Payment.user_id == plan.user_id))).one()
    claim = refunds.Claim(RefundSource.USER, plan.user_id, "not for me")
    refund = await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    assert (payment.status, plan.status) == ("refunded", "canceled")


async def test_money_that_comes_after_the_end_is_given_back(
    session: Session, settings: BillingSettings
) -> None:
    """C5: canceled while a charge was under way: the money goes back, and the plan stays canceled."""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28) - HOUR)
    payment = await charge_of(session, plan)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.NOW, now=at(2, 28) - HOUR)
    await look(session, settings, now=at(2, 28))
    assert "billing.attempt.abandoned" in await events(session, payment.id)
    await succeed(session, settings, payment, now=at(2, 28))
    refund = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).one()
    assert (refund.amount_minor, plan.status) == (payment.total_minor, "canceled")
    await refunds.succeed(session, payment.id, refund.id, now=at(2, 28))
    await session.flush()
    assert (payment.status, plan.status) == ("refunded", "canceled")
    assert not await may_watch(session, plan, now=at(2, 28))
    await look(session, settings, now=at(8, 1))
    assert len(await renewals_of(session, plan)) == 1


async def test_money_that_comes_before_anybody_looked_is_given_back_as_well(
    session: Session, settings: BillingSettings
) -> None:
    """C5"""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28) - HOUR)
    payment = await charge_of(session, plan)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.NOW, now=at(2, 28) - HOUR)
    await succeed(session, settings, payment, now=at(2, 28) - HOUR)
    count = select(func.count()).select_from(Refund).where(Refund.payment_id == payment.id)
    assert (await session.scalar(count), plan.status) == (1, "canceled")


async def test_canceling_at_the_end_while_a_charge_is_under_way_gives_the_period_it_paid(
    session: Session, settings: BillingSettings
) -> None:
    """C5: a paid period and cancellation at its end."""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28) - HOUR)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.PERIOD_END, now=at(2, 28) - HOUR)
    await succeed(session, settings, await charge_of(session, plan), now=at(2, 28) - HOUR)
    assert (plan.status, plan.paid_until) == ("active", at(3, 31))
    await look(session, settings, now=at(3, 31))
    assert (plan.status, len(await renewals_of(session, plan))) == ("canceled", 1)


async def test_canceling_a_plan_that_is_past_due_ends_it_and_its_debt(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    await decline(session, await charge_of(session, plan), now=at(2, 28))
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.PERIOD_END, now=at(3, 1))
    await look(session, settings, now=at(3, 1))
    [payment] = await renewals_of(session, plan)
    assert (plan.status, payment.status) == ("canceled", "canceled")
    assert not await may_watch(session, plan, now=at(3, 1))


async def test_resuming_after_a_failed_try_goes_on_with_the_same_renewal(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    first_at = at(2, 28) - HOUR
    await look(session, settings, now=first_at)
    await decline(session, await charge_of(session, plan), now=first_at)
    await cancellations.cancel(session, plan.user_id, plan.id, at=CancelAt.PERIOD_END, now=first_at)
    await look(session, settings, now=first_at)
    await cancellations.resume(session, plan.user_id, plan.id, now=first_at)
    await look(session, settings, now=first_at + timedelta(minutes=1))
    assert plan.renewal_due_at == first_at + days(1)


async def test_a_renewal_is_not_canceled_like_a_purchase(session: Session, settings: BillingSettings) -> None:
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    payment = await charge_of(session, plan)
    with pytest.raises(RenewalNotCancelable):
        await payments.cancel(session, payment.id, user_id=plan.user_id, now=at(2, 28))


# together with purchases and refunds


async def test_a_plan_bought_again_is_charged_after_both_periods(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await buy_plan(session, settings, user_id=plan.user_id, now=NOW + days(1), saves=False)
    assert (plan.paid_until, plan.renewal_due_at) == (at(3, 31), at(3, 31) - HOUR)


async def test_a_plan_bought_while_its_renewal_failed_is_charged_no_more_for_it(
    session: Session, settings: BillingSettings
) -> None:
    """C15: the purchase pays for what the renewal would have; the days between are not given twice."""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    await decline(session, await charge_of(session, plan), now=at(2, 28))
    again = await buy_plan(session, settings, user_id=plan.user_id, now=at(3, 2), saves=False)
    await look(session, settings, now=at(3, 2))
    [payment] = await renewals_of(session, plan)
    assert (again.id, plan.status, plan.paid_until, payment.status) == (
        plan.id,
        "active",
        at(3, 31),
        "canceled",
    )
    await renew_once(session, settings, plan)
    assert plan.paid_until == at(4, 30)


async def test_a_failed_renewal_is_paid_by_hand(session: Session, settings: BillingSettings) -> None:
    """C15: at a page, under the same lock; no charge beside it, and none after it."""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    payment = await charge_of(session, plan)
    await decline(session, payment, now=at(2, 28))
    payment.payment_method_id = None
    attempt_id = await open_attempt(session, payment, now=at(3, 1))
    await look(session, settings, now=at(3, 2))
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=at(3, 2))
    assert (plan.status, plan.paid_until) == ("active", at(3, 31))
    assert len(await renewals_of(session, plan)) == 1


async def test_a_renewal_that_was_given_back_is_not_charged_again(
    session: Session, settings: BillingSettings
) -> None:
    """R9: the plan ends with what was paid before."""
    plan = await buy_plan(session, settings)
    await renew_once(session, settings, plan)
    [payment] = await renewals_of(session, plan)
    claim = refunds.Claim(RefundSource.USER, plan.user_id, "forgot to cancel")
    refund = await refunds.request(session, payment.id, claim, settings=settings, now=at(2, 28) - HOUR)
    await refunds.succeed(session, payment.id, refund.id, now=at(2, 28) - HOUR)
    await session.flush()
    assert (plan.paid_until, plan.status) == (at(2, 28), "active")
    await look(session, settings, now=at(2, 28))
    assert (plan.status, len(await renewals_of(session, plan))) == ("expired", 1)
    assert not await may_watch(session, plan, now=at(2, 28))


async def test_a_plan_whose_money_was_all_given_back_is_not_renewed(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    payment = (await session.scalars(select(Payment).where(Payment.user_id == plan.user_id))).one()
    claim = refunds.Claim(RefundSource.USER, plan.user_id, "not for me")
    refund = await refunds.request(session, payment.id, claim, settings=settings, now=NOW)
    await refunds.succeed(session, payment.id, refund.id, now=NOW)
    await look(session, settings, now=at(2, 28))
    assert (plan.status, await renewals_of(session, plan)) == ("canceled", [])


async def test_late_money_of_a_renewal_whose_plan_has_ended_goes_back(
    session: Session, settings: BillingSettings
) -> None:
    """F-C4"""
    plan = await buy_plan(session, settings)
    await look(session, settings, now=at(2, 28))
    payment = await charge_of(session, plan)
    attempt_id = payment.open_attempt_id
    assert attempt_id is not None
    await decline(session, payment, now=at(2, 28))
    await look(session, settings, now=at(3, 20))
    assert payment.status == "expired"
    await settlements.settle(session, success(payment, attempt_id), settings=settings, now=at(3, 20))
    refund = (await session.scalars(select(Refund).where(Refund.payment_id == payment.id))).one()
    assert (refund.source, refund.amount_minor, plan.status) == ("late", payment.total_minor, "expired")


async def test_grace_is_not_left_behind_by_a_renewal_that_was_given_back(
    session: Session, settings: BillingSettings
) -> None:
    plan = await buy_plan(session, settings)
    await renew_once(session, settings, plan)
    rights = await session.scalars(select(Entitlement).where(Entitlement.user_id == plan.user_id))
    assert {right.grace_until for right in rights} == {None}


# reminders


async def test_the_end_of_what_is_paid_is_announced_once(session: Session, settings: BillingSettings) -> None:
    """T13, in part: three days before, and not after a cancellation."""
    plan, canceled = await buy_plan(session, settings), await buy_plan(session, settings)
    await cancellations.cancel(session, canceled.user_id, canceled.id, at=CancelAt.PERIOD_END, now=NOW)
    assert await reminders.remind_due(session, now=at(2, 25) - timedelta(seconds=1)) == 0
    for _ in range(2):
        await reminders.remind_due(session, now=at(2, 25))
        await session.flush()
    key = "billing.subscription.end_announced"
    assert (await events(session, plan.id)).count(key) == 1
    assert key not in await events(session, canceled.id)
    await renew_once(session, settings, plan)
    assert plan.remind_at == at(3, 28)


@pytest.mark.parametrize("saves", [True, False])
async def test_it_is_said_whether_money_will_be_taken(
    session: Session, settings: BillingSettings, saves: bool
) -> None:
    plan = await buy_plan(session, settings, saves=saves)
    await reminders.remind_due(session, now=at(2, 25))
    await session.flush()
    total = await session.scalar(
        text(
            "SELECT data -> 'total' ->> 'amount_minor' FROM billing.outbox_message"
            " WHERE aggregate_id = :id AND type = 'billing.subscription.end_announced'"
        ),
        {"id": plan.id},
    )
    assert total == (str((await price_of(session, "plan")).amount_minor) if saves else None)


async def test_buying_other_things_starts_no_renewal(session: Session, settings: BillingSettings) -> None:
    payment = await buy(session, settings, "film")
    await pay(session, settings, payment)
    assert await renewals.claim_due(session, now=at(12, 31)) == []
    assert await subscriptions.expire_due(session, now=at(12, 31)) == 0
