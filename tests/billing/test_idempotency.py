"""Idempotency keys at billing's doors (CONTRACT 3)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import uuid4

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from tests.billing.acts import buy, pay
from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk, attempt
from tests.billing.test_purchase import create, price_of
from theatre.billing.models import IdempotencyKey, Payment
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import MovableClock
from theatre.kit.db import Sessions
from theatre.kit.idempotency import delete_old_keys

Make = Callable[..., Caller]


async def order_of(caller: Caller) -> dict[str, object]:
    return {"items": [{"price_id": await price_of(caller, "film"), "quantity": 1}]}


async def count_payments(sessions: Sessions, caller: Caller) -> int:
    async with sessions() as session:
        statement = select(func.count()).select_from(Payment).where(Payment.user_id == caller.user_id)
        return int(await session.scalar(statement) or 0)


@asynccontextmanager
async def doors_of(apps: list[FastAPI], caller: Caller) -> AsyncIterator[list[Caller]]:
    """Let somebody be a caller of several services."""
    async with AsyncExitStack() as stack:
        doors = []
        for app in apps:
            transport, url = httpx.ASGITransport(app=app), caller.http.base_url
            http = httpx.AsyncClient(transport=transport, base_url=url, headers=caller.http.headers)
            doors.append(Caller(await stack.enter_async_context(http), caller.user_id))
        yield doors


async def test_a_repeat_gets_the_same_bytes_and_says_so(make_caller: Make, sessions: Sessions) -> None:
    """C3: identical response bytes."""
    caller = make_caller()
    order = await order_of(caller)
    first = await caller.post("/payments", order, key="k")
    again = await caller.post("/payments", order, key="k")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert await count_payments(sessions, caller) == 1


async def test_the_order_of_names_makes_no_other_request(make_caller: Make) -> None:
    caller = make_caller()
    price_id = await price_of(caller, "film")
    first = await caller.post("/payments", {"items": [{"price_id": price_id, "quantity": 2}]}, key="k")
    again = await caller.post("/payments", {"items": [{"quantity": 2, "price_id": price_id}]}, key="k")
    assert again.content == first.content


async def test_the_same_key_with_another_body_or_path_is_refused(
    make_caller: Make, sessions: Sessions
) -> None:
    """C3, F-K2: with the same key and another body 422."""
    caller = make_caller()
    order = await order_of(caller)
    payment = (await caller.post("/payments", order, key="k")).json()
    other = await caller.post("/payments", await order_of(caller) | {"promo_code": "X"}, key="k")
    elsewhere = await caller.post(f"/payments/{payment['id']}/cancel", key="k")
    assert [other.status_code, elsewhere.status_code] == [422, 422]
    assert other.json()["code"] == elsewhere.json()["code"] == "idempotency.key_reused"
    assert await count_payments(sessions, caller) == 1


async def test_the_same_key_of_two_users_is_two_keys(make_caller: Make) -> None:
    """F-K3: neither sees the other's answer."""
    one, two = make_caller(), make_caller()
    first = await one.post("/payments", await order_of(one), key="k")
    second = await two.post("/payments", await order_of(two), key="k")
    assert first.json()["id"] != second.json()["id"]


async def test_a_refusal_is_kept_and_a_422_is_not(make_caller: Make) -> None:
    caller = make_caller()
    unknown = {"items": [{"price_id": str(uuid4()), "quantity": 1}]}
    first = await caller.post("/payments", unknown, key="k")
    again = await caller.post("/payments", unknown, key="k")
    assert first.status_code == again.status_code == 404
    assert again.content == first.content
    assert again.headers["content-type"] == "application/problem+json"
    bad = await caller.post("/payments", {"items": []}, key="free")
    assert bad.status_code == 422
    assert (await caller.post("/payments", await order_of(caller), key="free")).status_code == 201


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "idempotency.key_missing"),
        ([("Idempotency-Key", "")], "idempotency.key_invalid"),
        ([("Idempotency-Key", "x" * 129)], "idempotency.key_invalid"),
        ([("Idempotency-Key", "a\tb")], "idempotency.key_invalid"),
        ([("Idempotency-Key", "a"), ("Idempotency-Key", "b")], "idempotency.key_invalid"),
    ],
)
async def test_a_money_door_wants_one_good_key(
    make_caller: Make, headers: list[tuple[str, str]], code: str
) -> None:
    caller = make_caller()
    answer = await caller.http.post(
        "/billing/api/v1/payments", json=await order_of(caller), headers=httpx.Headers(headers)
    )
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_thousand_at_once_with_one_key_make_one_payment(
    make_caller: Make, two_apps: list[FastAPI], sessions: Sessions
) -> None:
    """F-K1, I-36, I-39, L-9: at two services within ten seconds, and no other answer than the same 201 or a 409."""
    caller = make_caller()
    order = await order_of(caller)
    async with doors_of(two_apps, caller) as doors:
        async with asyncio.timeout(30):
            posts = [doors[number % 2].post("/payments", order, key="k") for number in range(1000)]
            answers = await asyncio.gather(*posts)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert await count_payments(sessions, caller) == 1


async def test_a_twin_of_a_running_checkout_is_told_to_wait(make_caller: Make, desk: PaymentDesk) -> None:
    caller = make_caller()
    payment = await create(caller)
    twins: list[httpx.Response] = []
    usual = desk.usual

    async def during() -> None:
        twins.append(await caller.post(f"/payments/{payment['id']}/checkout", key="k"))

    desk.before_answer = during
    desk.answer = usual
    first = await caller.post(f"/payments/{payment['id']}/checkout", key="k")
    assert first.status_code == 200
    assert (twins[0].status_code, twins[0].json()["code"]) == (409, "idempotency.in_progress")
    assert twins[0].headers["Retry-After"]


async def test_what_asks_to_be_tried_again_is_not_answered_from_memory(
    make_caller: Make, desk: PaymentDesk
) -> None:
    caller = make_caller()
    payment = await create(caller)
    path = f"/payments/{payment['id']}/checkout"
    desk.answer = lambda request: httpx.Response(
        200, json=attempt(orjson.loads(request.content), status="succeeded")
    )
    settling = await caller.post(path, key="k")
    assert (settling.status_code, settling.json()["code"]) == (409, "billing.attempt_settling")
    desk.answer = desk.usual
    assert (await caller.post(path, key="k")).status_code == 200


async def test_an_abandoned_checkout_may_be_taken_over(
    make_caller: Make, desk: PaymentDesk, sessions: Sessions, clock: MovableClock
) -> None:
    """C13: whoever died while at work is overtaken within the limit, and goes on with the same attempt."""
    caller = make_caller()
    payment = await create(caller)
    path = f"/payments/{payment['id']}/checkout"
    first = await caller.post(path, key="k")
    async with sessions.begin() as session:
        row = await session.get_one(IdempotencyKey, (caller.user_id, "k"))
        row.status = row.answer = None
    assert (await caller.post(path, key="k")).status_code == 409
    clock.advance(timedelta(seconds=61))
    again = await caller.post(path, key="k")
    assert again.json() == first.json()


async def test_keys_live_for_a_day(make_caller: Make, sessions: Sessions, clock: MovableClock) -> None:
    """F-K4"""
    caller = make_caller()
    first = await caller.post("/payments", await order_of(caller), key="k")
    await delete_old_keys(sessions, IdempotencyKey, now=clock.now() + timedelta(hours=23))
    assert (await caller.post("/payments", await order_of(caller), key="k")).content == first.content
    await delete_old_keys(sessions, IdempotencyKey, now=clock.now() + timedelta(hours=25))
    assert (await caller.post("/payments", await order_of(caller), key="k")).content != first.content


async def test_a_refund_asked_for_again_when_its_key_is_forgotten_gives_nothing_back_twice(
    make_caller: Make, sessions: Sessions, settings: BillingSettings, clock: MovableClock
) -> None:
    """F-K4: after the key's life it is what was paid that forbids it."""
    caller = make_caller()
    async with sessions.begin() as session:
        payment = await buy(session, settings, "film", user_id=caller.user_id, now=clock.now())
        await pay(session, settings, payment, now=clock.now())
    path, reason = f"/payments/{payment.id}/refunds", {"reason": "changed my mind"}
    assert (await caller.post(path, reason, key="k")).status_code == 201
    await delete_old_keys(sessions, IdempotencyKey, now=clock.now() + timedelta(hours=25))
    again = await caller.post(path, reason, key="k")
    assert (again.status_code, again.json()["code"]) == (409, "billing.payment_not_refundable")


async def test_a_checkout_asked_for_again_when_its_key_is_forgotten_gives_the_same_link(
    make_caller: Make, sessions: Sessions, clock: MovableClock
) -> None:
    """F-K4: one open attempt, whatever the key."""
    caller = make_caller()
    payment = await create(caller)
    first = await caller.post(f"/payments/{payment['id']}/checkout", key="k")
    await delete_old_keys(sessions, IdempotencyKey, now=clock.now() + timedelta(hours=25))
    again = await caller.post(f"/payments/{payment['id']}/checkout", key="k")
    assert again.json()["attempt_id"] == first.json()["attempt_id"]


async def test_as_many_at_once_with_as_many_keys_make_as_many_payments(
    make_caller: Make, two_apps: list[FastAPI], sessions: Sessions
) -> None:
    """F-K6: by our rule any number of unpaid payments for one price may coexist; who was asked to wait asks again."""
    caller = make_caller()
    order = await order_of(caller)

    async def buy_one(door: Caller, key: str) -> str:
        while (answer := await door.post("/payments", order, key=key)).status_code == 503:
            assert answer.headers["Retry-After"]
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async with doors_of(two_apps, caller) as doors:
        made = await asyncio.gather(*(buy_one(doors[number % 2], str(number)) for number in range(200)))
    assert len(set(made)) == await count_payments(sessions, caller) == 200
