"""Renewals from outside: the doors of plans, the jobs, what workers hear, and many at the same moment."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import func, select

from tests.billing.acts import NOW, buy, open_attempt
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk
from tests.billing.renewing import buy_plan, charge_of, decline, keep_card, look, saving, succeed
from tests.billing.test_payment_methods import outcome
from tests.factories.auth_door import AuthDoor
from theatre.billing import cancellations, jobs, open_attempts, renewals, settlements, subscriptions
from theatre.billing.cancellations import CancelAt
from theatre.billing.models import Payment, Subscription
from theatre.billing.renewal_rounds import Round, renew_due
from theatre.billing.settings import BillingSettings
from theatre.contracts.auth import AuthClient
from theatre.contracts.payment import PaymentClient
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions, transact
from theatre.kit.http import ServiceClient
from theatre.kit.metrics import RENEWALS_AGE

Make = Callable[..., Caller]
HOUR = timedelta(hours=1)


async def make_plan(
    sessions: Sessions, settings: BillingSettings, user_id: UUID, clock: MovableClock, **terms: Any
) -> Subscription:
    async with sessions.begin() as session:
        return await buy_plan(session, settings, user_id=user_id, now=clock.now(), **terms)


async def row(sessions: Sessions, plan: Subscription) -> Subscription:
    async with sessions() as session:
        return await session.get_one(Subscription, plan.id)


async def count_renewals(sessions: Sessions, plan: Subscription) -> int:
    async with sessions() as session:
        found = select(func.count()).select_from(Payment).where(Payment.subscription_id == plan.id)
        return await session.scalar(found) or 0


# doors


async def test_a_plan_tells_what_will_be_taken_and_when(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    caller = make_caller()
    plan = await make_plan(sessions, settings, caller.user_id, clock)
    shown = (await caller.get(f"/subscriptions/{plan.id}")).json()
    assert shown["next_charge"]["amount"] == shown["price"]["amount"]
    assert shown["next_charge"]["at"] < shown["current_period"]["end"]
    assert (await caller.get("/subscriptions")).json()["items"] == [shown]


async def test_nothing_will_be_taken_of_who_keeps_no_card(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    caller = make_caller()
    plan = await make_plan(sessions, settings, caller.user_id, clock)
    [method] = (await caller.get("/payment_methods")).json()["items"]
    await caller.http.delete(f"/billing/api/v1/payment_methods/{method['id']}")
    assert (await caller.get(f"/subscriptions/{plan.id}")).json()["next_charge"] is None


async def test_a_plan_is_canceled_and_resumed_at_its_doors(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    caller = make_caller()
    plan = await make_plan(sessions, settings, caller.user_id, clock)
    path = f"/subscriptions/{plan.id}"
    for _ in range(2):
        canceled = await caller.post(f"{path}/cancel", {"at": "period_end"})
        assert canceled.status_code == 200, canceled.text
        assert (canceled.json()["cancel_at_period_end"], canceled.json()["next_charge"]) == (True, None)
        assert canceled.json()["status"] == "active"
    resumed = (await caller.post(f"{path}/resume")).json()
    assert (resumed["cancel_at_period_end"], resumed["next_charge"] is None) == (False, False)
    ended = (await caller.post(f"{path}/cancel", {"at": "now"})).json()
    assert (ended["status"], ended["next_charge"]) == ("canceled", None)
    again = await caller.post(f"{path}/resume")
    assert (again.status_code, again.json()["code"]) == (409, "billing.subscription_ended")


@pytest.mark.parametrize("body", [{"at": "tomorrow"}, {"at": None}, {"at": "now", "refund": True}])
async def test_what_makes_no_sense_cancels_nothing(
    make_caller: Make,
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    body: dict[str, object],
) -> None:
    caller = make_caller()
    plan = await make_plan(sessions, settings, caller.user_id, clock)
    assert (await caller.post(f"/subscriptions/{plan.id}/cancel", body)).status_code == 422
    assert not (await row(sessions, plan)).cancel_at_period_end


@pytest.mark.parametrize("act", ["cancel", "resume"])
async def test_another_users_plan_is_not_there(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock, act: str
) -> None:
    """P3"""
    plan = await make_plan(sessions, settings, make_caller().user_id, clock)
    stranger = make_caller()
    for subscription_id in (plan.id, uuid4()):
        answer = await stranger.post(
            f"/subscriptions/{subscription_id}/{act}", {} if act == "cancel" else None
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "billing.subscription_unknown")
    assert not (await row(sessions, plan)).cancel_at_period_end


async def test_a_renewal_is_shown_among_payments_and_not_canceled_there(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    caller = make_caller()
    plan = await make_plan(sessions, settings, caller.user_id, clock)
    async with sessions.begin() as session:
        await look(session, settings, now=plan.paid_until)
    renewal = (await caller.get("/payments")).json()["items"][0]
    assert (renewal["status"], renewal["items"][0]["kind"]) == ("pending", "plan")
    answer = await caller.post(f"/payments/{renewal['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "billing.renewal_not_cancelable")


# jobs


def round_of(sessions: Sessions, settings: BillingSettings, clock: MovableClock, auth: AuthDoor) -> Round:
    client = AuthClient(ServiceClient("http://auth", transport=auth.transport))
    return Round(sessions, client, settings, clock)


async def test_a_round_renews_whoever_is_there(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock, auth: AuthDoor
) -> None:
    """S7: nobody who was locked out or is gone is charged any more; their plan ends."""
    here, locked_out = auth.add_contact(email="a@example.org"), auth.add_contact(email="b@example.org")
    auth.contacts[locked_out.user_id] = locked_out.model_copy(update={"is_active": False})
    users = {"here": here.user_id, "locked out": locked_out.user_id, "gone": uuid4()}
    plans = {who: await make_plan(sessions, settings, user_id, clock) for who, user_id in users.items()}
    clock.advance(plans["here"].paid_until - clock.now())
    for _ in range(2):
        await renew_due(round_of(sessions, settings, clock, auth))
    counted = {who: await count_renewals(sessions, plan) for who, plan in plans.items()}
    assert counted == {"here": 1, "locked out": 0, "gone": 0}


async def test_while_auth_is_away_nobody_is_charged_and_nobodys_plan_ends(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock, auth: AuthDoor
) -> None:
    user = auth.add_contact(email="a@example.org")
    plan = await make_plan(sessions, settings, user.user_id, clock)
    clock.advance(plan.paid_until - clock.now())
    auth.is_away = True
    await renew_due(round_of(sessions, settings, clock, auth))
    async with sessions.begin() as session:
        await look_for_ends(session, clock)
    assert (await row(sessions, plan)).status == "active"
    auth.is_away = False
    clock.advance(renewals.LEASE)
    await renew_due(round_of(sessions, settings, clock, auth))
    assert await count_renewals(sessions, plan) == 1


async def look_for_ends(session: Any, clock: MovableClock) -> None:
    await subscriptions.expire_due(session, now=clock.now())


async def test_more_than_one_batch_is_renewed_in_a_round(
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    auth: AuthDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(renewals, "BATCH", 2)
    users = [auth.add_contact(email=f"{number}@example.org") for number in range(5)]
    plans = [await make_plan(sessions, settings, user.user_id, clock) for user in users]
    clock.advance(plans[-1].paid_until - clock.now())
    await renew_due(round_of(sessions, settings, clock, auth))
    assert [await count_renewals(sessions, plan) for plan in plans] == [1] * 5


async def test_two_rounds_at_once_charge_everybody_once(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock, auth: AuthDoor
) -> None:
    """C1"""
    users = [auth.add_contact(email=f"{number}@example.org") for number in range(6)]
    plans = [await make_plan(sessions, settings, user.user_id, clock) for user in users]
    clock.advance(plans[-1].paid_until - clock.now())
    await asyncio.gather(*(renew_due(round_of(sessions, settings, clock, auth)) for _ in range(4)))
    assert [await count_renewals(sessions, plan) for plan in plans] == [1] * 6


async def test_the_longest_wait_is_measured(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock, auth: AuthDoor
) -> None:
    plan = await make_plan(sessions, settings, uuid4(), clock)
    held: Any = Round(sessions, None, settings, clock)  # type: ignore[arg-type]
    await jobs.measure_renewals(held)
    assert RENEWALS_AGE._value.get() == 0
    clock.advance(plan.paid_until - clock.now())
    await jobs.measure_renewals(held)
    assert 3600 <= RENEWALS_AGE._value.get() < 3700


async def test_a_round_ends_in_a_charge_and_the_charge_in_a_period(
    sessions: Sessions,
    settings: BillingSettings,
    clock: MovableClock,
    auth: AuthDoor,
    desk: PaymentDesk,
) -> None:
    """The whole way, with payment-service silent at first: one charge, asked about until it is known."""
    user = auth.add_contact(email="a@example.org")
    plan = await make_plan(sessions, settings, user.user_id, clock)
    clock.advance(plan.paid_until - clock.now())
    await renew_due(round_of(sessions, settings, clock, auth))
    client = PaymentClient(ServiceClient("http://payment", transport=desk.transport))
    desk.answer = lambda _: httpx.Response(503, json={})
    async with sessions() as session:
        payment = await charge_of(session, plan)
    ask = partial(open_attempts.ask_about, sessions, client, payment.id, settings=settings)
    await ask(now=clock.now())
    desk.answer = outcome("succeeded")
    for _ in range(3):
        clock.advance(timedelta(minutes=2))
        await ask(now=clock.now())
        await open_attempts.ask_due(sessions, client, settings=settings, now=clock.now())
    charged = [body for verb, path, body in desk.asked if verb == "POST"]
    assert len({body["id"] for body in charged}) == 1
    renewed = await row(sessions, plan)
    assert renewed.paid_until > plan.paid_until
    assert await count_renewals(sessions, plan) == 1


# many at once


async def test_looks_cancellations_and_outcomes_at_once_leave_no_charge_without_a_period(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """C1, C5, C14: in any order, a paid period or money on its way back; no deadlock."""
    ends: Counter[str] = Counter()
    for turn in range(12):
        plan = await make_plan(sessions, settings, uuid4(), clock)
        now = plan.paid_until - HOUR

        async def renew(plan: Subscription = plan, now: Any = now) -> None:
            verb = partial(renewals.renew, subscription_id=plan.id, settings=settings, now=now)
            await transact(sessions, verb)

        async def pay(plan: Subscription = plan, now: Any = now) -> None:
            async def verb(session: Any) -> None:
                found = select(Payment).where(Payment.subscription_id == plan.id, Payment.status == "pending")
                payment = (await session.scalars(found)).one_or_none()
                if payment is not None:
                    await succeed(session, settings, payment, now=now)

            await transact(sessions, verb)

        async def cancel(plan: Subscription = plan, now: Any = now, at: CancelAt = CancelAt.NOW) -> None:
            verb = partial(
                cancellations.cancel, user_id=plan.user_id, subscription_id=plan.id, at=at, now=now
            )
            await transact(sessions, verb)

        deeds = [renew, pay, renew, cancel, pay, renew, pay]
        await asyncio.gather(*(deed() for deed in deeds[turn % 3 :] + deeds[: turn % 3]))
        await renew()
        await pay()
        async with sessions() as session:
            found = list(await session.scalars(select(Payment).where(Payment.subscription_id == plan.id)))
            assert len(found) <= 1
            ends[found[0].status if found else "none"] += 1
        assert (await row(sessions, plan)).status == "canceled"
    assert set(ends) <= {"none", "paid", "canceled"}


async def test_a_new_card_is_charged_once_however_often_it_is_told_of(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """S2, C15"""
    plan = await make_plan(sessions, settings, uuid4(), clock)
    now = plan.paid_until
    async with sessions.begin() as session:
        await look(session, settings, now=now)
        await decline(session, await charge_of(session, plan), now=now, code="card_expired")
    async with sessions.begin() as session:
        method = await keep_card(session, plan.user_id, last4="0001")
    await asyncio.gather(
        *(renewals.try_other_method(sessions, plan.user_id, settings=settings, now=now) for _ in range(5))
    )
    async with sessions() as session:
        payment = await charge_of(session, plan)
    assert payment.payment_method_id == method.id
    assert await count_renewals(sessions, plan) == 1


async def test_a_film_bought_with_the_card_kept_does_not_make_a_plan_renew(
    sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    plan = await make_plan(sessions, settings, uuid4(), clock, saves=False)
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film", user_id=plan.user_id, now=clock.now())
        payment.save_method = True
        fact = saving(payment, await open_attempt(session, payment))
        await settlements.settle(session, fact, settings=settings, now=NOW)
    await renewals.try_other_method(sessions, plan.user_id, settings=settings, now=clock.now())
    assert (await row(sessions, plan)).renewal_due_at is None
