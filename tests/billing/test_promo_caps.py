"""The caps of promo codes: exact under a crowd, given back once when a purchase ends without money."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.billing.acts import failure, open_attempt, success
from tests.billing.conftest import Caller
from tests.billing.promo import Make, buy, change_code, make_code, make_price, uses_of
from tests.billing.test_purchase import price_of
from tests.factories.auth_door import AuthDoor
from theatre.billing import attempts, payments, settlements
from theatre.billing.errors import PaymentNotCancelable
from theatre.billing.models import Price
from theatre.billing.settings import BillingSettings
from theatre.embedded.front import listen, serving
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions

CROWD = 100


@pytest.fixture
async def price(sessions: Sessions, clock: MovableClock) -> Price:
    return await make_price(sessions, 29_900, clock=clock)


@pytest.fixture
async def addresses(two_apps: list[FastAPI]) -> AsyncIterator[list[str]]:
    """Two billing services on sockets of their own."""
    async with AsyncExitStack() as stack:
        found = []
        for app in two_apps:
            listener = listen("127.0.0.1", 0)
            await stack.enter_async_context(serving(app, listener))
            found.append(f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield found


@pytest.mark.timeout(240)
async def test_of_a_hundred_buyers_at_two_services_ten_get_the_ten_uses(
    make_caller: Make, auth: AuthDoor, addresses: list[str], sessions: Sessions, price: Price
) -> None:
    """C7: over the network, and not by any lock inside one process."""
    made = await make_code(make_caller, total_cap=10)
    async with AsyncExitStack() as stack:
        crowd = []
        for number in range(CROWD):
            user_id = uuid4()
            client = httpx.AsyncClient(base_url=addresses[number % 2], headers=auth.user(user_id), timeout=60)
            crowd.append(Caller(await stack.enter_async_context(client), user_id))
        answers = await asyncio.gather(*(buy(caller, made["code"], price.id) for caller in crowd))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: CROWD - 10}
    assert await uses_of(sessions, made) == (10, 10, 10)


@pytest.mark.parametrize("percent", [50, 100])
async def test_of_a_hundred_buyers_at_once_ten_get_the_ten_uses(
    make_caller: Make, sessions: Sessions, price: Price, percent: int
) -> None:
    """C7: exactly ten, paid without money too; the others are told why and have no payment."""
    made = await make_code(make_caller, percent=percent, total_cap=10)
    crowd = [make_caller() for _ in range(CROWD)]
    answers = await asyncio.gather(*(buy(caller, made["code"], price.id) for caller in crowd))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: CROWD - 10}
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"billing.promo_code_used_up"}
    assert await uses_of(sessions, made) == (10, 10, 10)
    for caller, answer in zip(crowd, answers, strict=True):
        own = (await caller.get("/payments")).json()["items"]
        assert [payment["discount"] for payment in own] == [
            a["discount"] for a in [answer.json()] if "id" in a
        ]


@pytest.mark.parametrize(
    "caps", [{"per_user_cap": 10}, {"total_cap": 10}, {"total_cap": 12, "per_user_cap": 10}]
)
async def test_a_hundred_purchases_of_one_user_at_once_share_ten_uses(
    make_caller: Make, sessions: Sessions, price: Price, caps: dict[str, int]
) -> None:
    """C7, also when one user takes them all; a refused use of the user's cap leaves the total cap as it was."""
    made = await make_code(make_caller, **caps)
    caller = make_caller()
    answers = await asyncio.gather(*(buy(caller, made["code"], price.id) for _ in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: CROWD - 10}
    assert await uses_of(sessions, made) == (10, 10, 10)


async def test_ten_uses_shared_by_two_codes_are_taken_exactly(
    make_caller: Make, sessions: Sessions, price: Price
) -> None:
    """C7: also when the ten uses are shared by several codes."""
    made = [await make_code(make_caller, total_cap=cap) for cap in (3, 7)]
    codes = [made[number % 2]["code"] for number in range(60)]
    answers = await asyncio.gather(*(buy(make_caller(), code, price.id) for code in codes))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 50}
    assert [await uses_of(sessions, each) for each in made] == [(3, 3, 3), (7, 7, 7)]


async def test_the_same_key_takes_one_use(make_caller: Make, sessions: Sessions, price: Price) -> None:
    """C3: twins and later repeats get the stored answer, also when the code no longer holds."""
    made = await make_code(make_caller, percent=100, total_cap=5)
    caller, key = make_caller(), str(uuid4())
    answers = await asyncio.gather(*(buy(caller, made["code"], price.id, key=key) for _ in range(5)))
    await change_code(make_caller, made, is_active=False)
    answers.append(await buy(caller, made["code"], price.id, key=key))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert await uses_of(sessions, made) == (1, 1, 1)
    other = await buy(caller, None, price.id, key=key)
    assert other.json()["code"] == "idempotency.key_reused"


async def test_a_canceled_purchase_gives_its_use_back_once(
    make_caller: Make, sessions: Sessions, price: Price
) -> None:
    made = await make_code(make_caller, total_cap=1, per_user_cap=1)
    caller = make_caller()
    payment = (await buy(caller, made["code"], price.id)).json()
    path = f"/payments/{payment['id']}/cancel"
    answers = await asyncio.gather(*(caller.post(path) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert (await caller.post(path)).json()["status"] == "canceled"
    assert await uses_of(sessions, made) == (0, 0, 0)
    assert (await buy(caller, made["code"], price.id)).status_code == 201
    assert (await buy(caller, made["code"], price.id)).json()["code"] == "billing.promo_code_used_up"
    assert await uses_of(sessions, made) == (1, 1, 1)


async def test_canceled_and_expired_at_the_same_moment_gives_back_once(
    make_caller: Make, sessions: Sessions, price: Price
) -> None:
    made = await make_code(make_caller)
    bought = []
    for _ in range(10):
        caller = make_caller()
        bought.append((caller, (await buy(caller, made["code"], price.id)).json()))
    held = (await buy(make_caller(), made["code"], price.id)).json()
    late = max(payments_end(payment) for _, payment in bought)

    async def cancel(payment_id: UUID, user_id: UUID) -> None:
        async with sessions.begin() as session:
            try:
                await payments.cancel(session, payment_id, user_id=user_id, now=late)
            except PaymentNotCancelable:
                await session.rollback()

    async def expire() -> None:
        async with sessions.begin() as session:
            await payments.expire_due(session, now=late)

    cancels = [cancel(UUID(payment["id"]), caller.user_id) for caller, payment in bought]
    await asyncio.gather(expire(), *cancels[:5], expire(), *cancels[5:], expire())
    for caller, payment in bought:
        ended = (await caller.get(f"/payments/{payment['id']}")).json()
        assert ended["status"] in {"canceled", "expired"}
    async with sessions() as session:
        is_open = (await payments.get(session, UUID(held["id"]))).status == "unpaid"
    assert await uses_of(sessions, made) == (is_open,) * 3


def payments_end(payment: dict[str, str]) -> datetime:
    return datetime.fromisoformat(payment["expires_at"])


async def test_many_codes_expiring_in_several_batches_at_once_do_not_deadlock(
    make_caller: Make, sessions: Sessions, price: Price, clock: MovableClock
) -> None:
    """C14: batches give uses back in one order of codes."""
    made = [await make_code(make_caller) for _ in range(4)]
    for number in range(40):
        await buy(make_caller(), made[number * 7 % 4]["code"], price.id)
    late = clock.now() + timedelta(days=2)

    async def expire() -> None:
        async with sessions.begin() as session:
            await payments.expire_due(session, now=late)

    async def buy_more() -> None:
        await asyncio.gather(*(buy(make_caller(), each["code"], price.id) for each in made))

    await asyncio.gather(expire(), expire(), buy_more(), expire(), expire())
    assert {await uses_of(sessions, each) for each in made} <= {(0, 0, 0), (1, 1, 1)}


async def test_a_failed_attempt_keeps_the_use_and_a_wish_to_cancel_gives_it_back(
    make_caller: Make, sessions: Sessions, price: Price, clock: MovableClock
) -> None:
    made = await make_code(make_caller)
    caller = make_caller()
    bought = (await buy(caller, made["code"], price.id)).json()
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(bought["id"]))
        first = await open_attempt(session, payment, now=clock.now())
        await attempts.fail(session, failure(payment, first), now=clock.now())
    assert await uses_of(sessions, made) == (1, 1, 1)
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(bought["id"]))
        second = await open_attempt(session, payment, now=clock.now())
        await payments.cancel(session, payment.id, user_id=caller.user_id, now=clock.now())
        await attempts.fail(session, failure(payment, second), now=clock.now())
        await attempts.fail(session, failure(payment, second), now=clock.now())
    assert (await caller.get(f"/payments/{bought['id']}")).json()["status"] == "canceled"
    assert await uses_of(sessions, made) == (0, 0, 0)


async def test_money_that_comes_after_the_end_is_given_back_and_takes_no_use(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, price: Price, clock: MovableClock
) -> None:
    made = await make_code(make_caller)
    caller = make_caller()
    bought = (await buy(caller, made["code"], price.id)).json()
    async with sessions.begin() as session:
        payment = await payments.get_locked(session, UUID(bought["id"]))
        attempt_id = await open_attempt(session, payment, now=clock.now())
        payment.cancel_requested_at = clock.now()
        await attempts.fail(session, failure(payment, attempt_id), now=clock.now())
        await settlements.settle(session, success(payment, attempt_id), settings=settings, now=clock.now())
    (refund,) = (await caller.get(f"/payments/{bought['id']}/refunds")).json()["items"]
    assert refund["amount"] == bought["total"]
    assert await uses_of(sessions, made) == (0, 0, 0)


async def test_a_purchase_that_is_refused_takes_no_use(
    make_caller: Make, sessions: Sessions, price: Price
) -> None:
    made = await make_code(make_caller, percent=100)
    caller = make_caller()
    unknown = await buy(caller, made["code"], price.id, uuid4())
    twice = await buy(caller, made["code"], price.id, price.id)
    mixed = await buy(caller, made["code"], price.id, await price_of(caller, "film"), quantity=101)
    assert [answer.status_code for answer in (unknown, twice, mixed)] == [404, 422, 422]
    assert await uses_of(sessions, made) == (0, 0, 0)


async def test_a_cap_raised_lets_more_in_and_one_lifted_lets_in_all(
    make_caller: Make, sessions: Sessions, price: Price
) -> None:
    made = await make_code(make_caller, total_cap=1)
    await buy(make_caller(), made["code"], price.id)
    assert (await buy(make_caller(), made["code"], price.id)).status_code == 409
    await change_code(make_caller, made, total_cap=2)
    assert (await buy(make_caller(), made["code"], price.id)).status_code == 201
    await change_code(make_caller, made, total_cap=None)
    answers = await asyncio.gather(*(buy(make_caller(), made["code"], price.id) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert await uses_of(sessions, made) == (7, 7, 7)


async def test_a_cap_lowered_while_many_buy_is_never_passed(
    make_caller: Make, sessions: Sessions, price: Price
) -> None:
    """C7: the change and each use wait for each other."""
    made = await make_code(make_caller, total_cap=30)
    buyers = [buy(make_caller(), made["code"], price.id) for _ in range(40)]
    changes = [change_code(make_caller, made, total_cap=cap) for cap in (25, 15, 5)]
    answers = await asyncio.gather(*buyers[:10], *changes, *buyers[10:])
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    total, users, held = await uses_of(sessions, made)
    staff = make_caller("billing.read")
    cap = (await staff.get(f"/admin/promo_codes/{made['id']}")).json()["total_cap"]
    assert total == users == held == sum(answer.status_code == 201 for answer in answers)
    assert total <= cap
