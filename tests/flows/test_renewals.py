"""Plans that renew themselves, through billing, its worker, payment-service and the payment system, over months."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import skip_without
from tests.flows import books
from tests.flows.world import World, open_world
from tests.payment.network import cut_reply, refuse_connection
from tests.services import Services

CARD = "5555555555554444"
CHARGES_REFUSED_CARD = "2200999900000032"
CHARGE = {"method": "POST", "path": "/sandbox/v3/payments"}
PAYMENTS = "SELECT count(*) FROM sandbox.payment WHERE status = 'succeeded'"


@pytest.fixture(scope="module")
async def standing_world(services: Services) -> AsyncIterator[World]:
    skip_without("PostgreSQL", services.postgres_url, services)
    skip_without("Redis", services.redis_url, services)
    async with open_world(services) as world:
        yield world


@pytest.fixture
async def world(standing_world: World) -> World:
    await standing_world.empty()
    return standing_world


async def subscribe(world: World, *, card: str = CARD) -> UUID:
    """Buy the monthly plan at the payment system's page and let the card be kept; gives the user."""
    user_id = world.auth.add_contact(email="viewer@example.org").user_id
    price_id = await world.oracle.fetchval(
        "SELECT r.id FROM billing.price r JOIN billing.product p ON p.id = r.product_id"
        " WHERE p.kind = 'plan' AND r.trial_days = 0 AND r.interval_unit = 'month' ORDER BY r.amount_minor LIMIT 1"
    )
    body = {"items": [{"price_id": str(price_id), "quantity": 1}]}
    payment = (await world.buy("POST", "/payments", body, user_id=user_id)).json()
    path = f"/payments/{payment['id']}/checkout"
    link = (await world.buy("POST", path, {"save_method": True}, user_id=user_id)).json()
    form = {"card_number": card, "expiry_month": "12", "expiry_year": "2099", "cvc": "123"}
    await world.call("POST", link["confirmation_url"], data=form)
    await world.move_on()
    return user_id


async def plan_of(world: World, user_id: UUID) -> dict[str, Any]:
    [plan] = (await world.buy("GET", "/subscriptions", user_id=user_id)).json()["items"]
    return dict(plan)


async def pass_days(world: World, days: int) -> None:
    for _ in range(days):
        world.advance(timedelta(days=1))
        await world.move_on()


async def assert_sound(world: World) -> None:
    assert not await books.faults(world.oracle)


async def test_half_a_year_is_charged_six_times(world: World) -> None:
    """M14, I-01 to I-33: each month one charge, one period, one entry in the books."""
    user_id = await subscribe(world)
    for month in range(1, 7):
        before = await plan_of(world, user_id)
        assert before["next_charge"]["amount"] == before["price"]["amount"]
        await pass_days(world, 31)
        assert await world.oracle.fetchval(PAYMENTS) == 1 + month
    plan = await plan_of(world, user_id)
    assert plan["status"] == "active"
    await assert_sound(world)


@pytest.mark.parametrize(
    "kind", ["cut_after", "error_after", "cut_before", "error_before", "too_many_requests"]
)
async def test_a_silent_payment_system_takes_money_for_a_month_once(world: World, kind: str) -> None:
    """W8, F-P2: a time-out is not a failure, and nothing is charged twice."""
    user_id = await subscribe(world)
    await pass_days(world, 27)
    await world.control("POST", "faults", {"kind": kind, **CHARGE, "count": 3})
    await pass_days(world, 5)
    await world.control("DELETE", "faults")
    await pass_days(world, 3)
    assert await world.oracle.fetchval(PAYMENTS) == 2
    assert (await plan_of(world, user_id))["status"] == "active"
    await assert_sound(world)


@pytest.mark.parametrize("call", ["POST /payment/internal/v1/charges", "GET /payment/internal/v1/attempts"])
@pytest.mark.parametrize("happens", [True, False])
async def test_a_broken_way_to_payment_service_takes_money_for_a_month_once(
    world: World, call: str, happens: bool
) -> None:
    """W8"""
    user_id = await subscribe(world)
    await pass_days(world, 27)
    world.network.fail(call, cut_reply if happens else refuse_connection, times=6)
    await pass_days(world, 8)
    world.network.faults.clear()
    assert await world.oracle.fetchval(PAYMENTS) == 2
    assert (await plan_of(world, user_id))["status"] == "active"
    await assert_sound(world)


async def test_processes_that_die_lose_and_double_nothing(world: World) -> None:
    """C12: between the plan of a charge, its message, its delivery and its outcome everything is killed."""
    user_id = await subscribe(world)
    await pass_days(world, 29)
    world.advance(timedelta(days=1))
    names = [job.name for job, _ in world.jobs]
    await world.run_job(names.index("renew plans"))
    await world.restart()
    await world.relay(0)
    await world.restart()
    for parcel in world.undelivered():
        await world.deliver(parcel)
    await world.restart()
    await world.run_job(names.index("renew plans"))
    await pass_days(world, 2)
    assert await world.oracle.fetchval(PAYMENTS) == 2
    assert (await plan_of(world, user_id))["status"] == "active"
    await assert_sound(world)


async def test_a_card_that_refuses_charges_ends_the_plan_after_its_grace(world: World) -> None:
    """S2: four tries, one failure told, no money."""
    user_id = await subscribe(world, card=CHARGES_REFUSED_CARD)
    await pass_days(world, 32)
    assert (await plan_of(world, user_id))["status"] == "past_due"
    await pass_days(world, 10)
    plan = await plan_of(world, user_id)
    assert (plan["status"], plan["next_charge"]) == ("expired", None)
    tried = "SELECT count(*) FROM payment.attempt WHERE method_reference IS NOT NULL AND status = 'failed'"
    assert (await world.oracle.fetchval(tried), await world.oracle.fetchval(PAYMENTS)) == (4, 1)
    past_due = "SELECT count(*) FROM billing.outbox_message WHERE type = 'billing.subscription.past_due'"
    assert await world.oracle.fetchval(past_due) == 1
    await assert_sound(world)


async def test_another_card_pays_for_a_failed_renewal_at_once(world: World) -> None:
    """S2: bought something else with it, and let it be kept."""
    user_id = await subscribe(world, card=CHARGES_REFUSED_CARD)
    await pass_days(world, 32)
    end = (await plan_of(world, user_id))["current_period"]["end"]
    film = await world.oracle.fetchval(
        "SELECT r.id FROM billing.price r JOIN billing.product p ON p.id = r.product_id WHERE p.kind = 'film' LIMIT 1"
    )
    body = {"items": [{"price_id": str(film), "quantity": 1}]}
    payment = (await world.buy("POST", "/payments", body, user_id=user_id)).json()
    path = f"/payments/{payment['id']}/checkout"
    link = (await world.buy("POST", path, {"save_method": True}, user_id=user_id)).json()
    form = {"card_number": CARD, "expiry_month": "12", "expiry_year": "2099", "cvc": "123"}
    await world.call("POST", link["confirmation_url"], data=form)
    await world.move_on()
    await world.move_on()
    plan = await plan_of(world, user_id)
    assert (plan["status"], plan["current_period"]["start"]) == ("active", end)
    await assert_sound(world)


async def test_a_revoked_permission_is_asked_once(world: World) -> None:
    """S2: a hopeless decline stops at once."""
    user_id = await subscribe(world)
    method = await world.oracle.fetchval("SELECT reference FROM billing.payment_method")
    await world.control("POST", f"payment_methods/{method}/revoke")
    await pass_days(world, 45)
    assert (await plan_of(world, user_id))["status"] == "expired"
    tried = "SELECT count(*) FROM payment.attempt WHERE method_reference IS NOT NULL"
    assert await world.oracle.fetchval(tried) == 1
    await assert_sound(world)


async def test_a_removed_card_is_not_charged_by_what_waited(world: World) -> None:
    """The charge was wanted already, and the payment system was away: it never begins."""
    user_id = await subscribe(world)
    await pass_days(world, 27)
    await world.control("POST", "faults", {"kind": "error_before", **CHARGE, "count": 1000})
    await pass_days(world, 3)
    [method] = (await world.buy("GET", "/payment_methods", user_id=user_id)).json()["items"]
    await world.buy("DELETE", f"/payment_methods/{method['id']}", user_id=user_id)
    await world.move_on()
    await world.control("DELETE", "faults")
    await pass_days(world, 30)
    assert await world.oracle.fetchval(PAYMENTS) == 1
    assert (await plan_of(world, user_id))["status"] == "expired"
    await assert_sound(world)


async def test_who_cancels_is_charged_no_more(world: World) -> None:
    """S1"""
    user_id = await subscribe(world)
    plan = await plan_of(world, user_id)
    await world.buy("POST", f"/subscriptions/{plan['id']}/cancel", {"at": "period_end"}, user_id=user_id)
    await pass_days(world, 60)
    assert (await plan_of(world, user_id))["status"] == "canceled"
    assert await world.oracle.fetchval(PAYMENTS) == 1
    await assert_sound(world)
