"""Plans that renew themselves, through billing, its worker, payment-service and the payment system, over months."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import skip_without
from tests.flows import books
from tests.flows.world import World, open_world
from tests.payment.network import cut_reply
from tests.services import Services

CARD = "5555555555554444"
CHARGES_REFUSED_CARD = "2200999900000032"
CHARGE = {"method": "POST", "path": "/sandbox/v3/payments"}


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


async def go_to(world: World, moment: str, *, later: timedelta = timedelta()) -> None:
    """Let time pass until a moment, and everybody do what is to be done then."""
    world.advance(datetime.fromisoformat(moment) + later - world.clock.now())
    await world.move_on()


async def go_to_charge(world: World, user_id: UUID) -> None:
    """Let the next charge of a plan come due, and all that follows from it happen."""
    charge = (await plan_of(world, user_id))["next_charge"]
    await go_to(world, charge["at"])
    await world.move_on()


async def ask_again(world: World, *, times: int = 2) -> None:
    """Let what is not known be asked about again."""
    for _ in range(times):
        world.advance(timedelta(hours=2))
        await world.move_on()


async def assert_sound(world: World, *, captured: int) -> None:
    """The books are right, and the payment system has taken money so often."""
    assert not await books.faults(world.oracle)
    taken = await world.oracle.fetchval("SELECT count(*) FROM sandbox.payment WHERE status = 'succeeded'")
    assert taken == captured


async def test_months_are_charged_one_by_one(world: World) -> None:
    """M14, I-01 to I-33: each month one charge, one period, one entry in the books."""
    user_id = await subscribe(world)
    for month in range(1, 4):
        before = await plan_of(world, user_id)
        assert before["next_charge"]["amount"] == before["price"]["amount"]
        await go_to_charge(world, user_id)
        after = await plan_of(world, user_id)
        assert (after["status"], after["current_period"]["start"]) == (
            "active",
            before["current_period"]["end"],
        )
        await assert_sound(world, captured=1 + month)


@pytest.mark.all_faults
@pytest.mark.parametrize("kind", ["cut_after", "error_before"])
async def test_a_silent_payment_system_takes_money_for_a_month_once(world: World, kind: str) -> None:
    """W8, F-P2: a time-out is not a failure, and nothing is charged twice."""
    user_id = await subscribe(world)
    await world.control("POST", "faults", {"kind": kind, **CHARGE, "count": 2})
    await go_to_charge(world, user_id)
    assert (await plan_of(world, user_id))["status"] == "active"
    await world.control("DELETE", "faults")
    await ask_again(world)
    assert (await plan_of(world, user_id))["next_charge"] is not None
    await assert_sound(world, captured=2)


@pytest.mark.all_faults
async def test_a_broken_way_to_payment_service_takes_money_for_a_month_once(world: World) -> None:
    """W8: the answer is lost, though the charge was begun."""
    user_id = await subscribe(world)
    world.network.fail("POST /payment/internal/v1/charges", cut_reply)
    await go_to_charge(world, user_id)
    await ask_again(world)
    assert (await plan_of(world, user_id))["next_charge"] is not None
    await assert_sound(world, captured=2)


async def test_processes_that_die_lose_and_double_nothing(world: World) -> None:
    """C12: between the plan of a charge, its message, its delivery and its outcome everything is killed."""
    user_id = await subscribe(world)
    charge = (await plan_of(world, user_id))["next_charge"]
    world.advance(datetime.fromisoformat(charge["at"]) - world.clock.now())
    names = [job.name for job, _ in world.jobs]
    await world.run_job(names.index("renew plans"))
    await world.restart()
    await world.relay(0)
    await world.restart()
    for parcel in world.undelivered():
        await world.deliver(parcel)
    await world.restart()
    await world.run_job(names.index("renew plans"))
    await ask_again(world, times=1)
    assert (await plan_of(world, user_id))["next_charge"] is not None
    await assert_sound(world, captured=2)


async def test_a_broker_that_is_away_puts_charges_off_and_takes_nothing_from_who_watches(
    world: World,
) -> None:
    """F-B1: what was wanted meanwhile is done once when it is back."""
    user_id = await subscribe(world)
    world.broker.is_away = True
    await go_to_charge(world, user_id)
    end = (await plan_of(world, user_id))["current_period"]["end"]
    await go_to(world, end, later=timedelta(hours=1))
    assert (await world.buy("GET", "/entitlements", user_id=user_id)).json()["items"]
    world.broker.is_away = False
    await ask_again(world)
    assert (await plan_of(world, user_id))["current_period"]["start"] == end
    await assert_sound(world, captured=2)


async def test_a_card_that_refuses_charges_ends_the_plan_after_its_grace(world: World) -> None:
    """S2: four tries, one failure told, no money."""
    user_id = await subscribe(world, card=CHARGES_REFUSED_CARD)
    end = (await plan_of(world, user_id))["current_period"]["end"]
    await go_to_charge(world, user_id)
    past_due = "SELECT count(*) FROM billing.outbox_message WHERE type = 'billing.subscription.past_due'"
    assert await world.oracle.fetchval(past_due) == 1
    for day in (1, 3, 5):
        assert (await plan_of(world, user_id))["status"] == "past_due"
        await go_to(world, end, later=timedelta(days=day))
        await world.move_on()
    await go_to(world, end, later=timedelta(days=7))
    plan = await plan_of(world, user_id)
    assert (plan["status"], plan["next_charge"]) == ("expired", None)
    tried = "SELECT count(*) FROM payment.attempt WHERE method_reference IS NOT NULL AND status = 'failed'"
    assert await world.oracle.fetchval(tried) == 4
    await assert_sound(world, captured=1)


async def test_a_removed_card_is_not_charged_by_what_waited(world: World) -> None:
    """The charge was wanted already, and the payment system was away: it never begins."""
    user_id = await subscribe(world)
    await world.control("POST", "faults", {"kind": "error_before", **CHARGE, "count": 100})
    await go_to_charge(world, user_id)
    [method] = (await world.buy("GET", "/payment_methods", user_id=user_id)).json()["items"]
    await world.buy("DELETE", f"/payment_methods/{method['id']}", user_id=user_id)
    await world.move_on()
    await world.control("DELETE", "faults")
    await ask_again(world, times=3)
    charges = "SELECT status FROM payment.attempt WHERE method_reference IS NOT NULL"
    assert await world.oracle.fetchval(charges) == "failed"
    await assert_sound(world, captured=1)
