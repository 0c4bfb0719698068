"""Faults: what they do to the caller, and what they leave behind."""

import asyncio
import time

import httpx
import pytest

from tests.sandbox.stage import Merchant, Object, Shop, order, refused, taken


async def payments_of(merchant: Merchant) -> list[Object]:
    return list(taken(await merchant.call("GET", "/payments"))["items"])


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("error_before", 500, "internal_server_error"),
        ("too_many_requests", 429, "too_many_requests"),
    ],
)
async def test_an_error_before_the_operation_leaves_nothing(
    merchant: Merchant, kind: str, status: int, code: str
) -> None:
    await merchant.fault(kind, method="POST")
    refused(await merchant.post("/payments", order(), key="k-1"), status, code)
    assert await payments_of(merchant) == []
    assert (await merchant.create(key="k-1"))["status"] == "pending"


async def test_an_error_after_the_operation_leaves_it_done(merchant: Merchant) -> None:
    await merchant.fault("error_after", method="POST")
    refused(await merchant.post("/payments", order(), key="k-1"), 500, "internal_server_error")
    [made] = await payments_of(merchant)
    assert await merchant.create(key="k-1") == made


async def test_processing_asks_to_come_again(merchant: Merchant) -> None:
    await merchant.fault("processing", method="POST")
    answer = await merchant.post("/payments", order(), key="k-1")
    assert answer.status_code == 202
    assert answer.json() == {"type": "processing", "description": "injected fault", "retry_after": 1000}
    assert (await merchant.create(key="k-1"))["status"] == "pending"


@pytest.mark.parametrize(("kind", "count"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_connection_is_cut_before_or_after_the_operation(
    merchant: Merchant, kind: str, count: int
) -> None:
    await merchant.fault(kind, method="POST")
    with pytest.raises(httpx.ReadError):
        await merchant.post("/payments", order(), key="k-1")
    assert len(await payments_of(merchant)) == count


async def test_a_delay_delays(merchant: Merchant) -> None:
    await merchant.fault("delay", delay_ms=300)
    started = time.monotonic()
    await merchant.create()
    assert time.monotonic() - started >= 0.3


async def test_a_fault_hits_what_its_method_and_path_fit_as_often_as_it_says(merchant: Merchant) -> None:
    payment = await merchant.create()
    await merchant.fault("error_before", method="GET", path="/sandbox/v3/payments/*", count=2)
    assert (await merchant.call("GET", "/payments")).status_code == 200
    assert (await merchant.create())["status"] == "pending"
    statuses = [(await merchant.call("GET", f"/payments/{payment['id']}")).status_code for _ in range(4)]
    assert statuses == [500, 500, 200, 200]
    assert (await merchant.control("GET", "/faults"))["items"] == []


async def test_a_count_is_not_exceeded_by_calls_at_once(merchant: Merchant) -> None:
    payment = await merchant.create()
    await merchant.fault("error_before", method="GET", count=3)
    reads = (merchant.call("GET", f"/payments/{payment['id']}") for _ in range(10))
    answers = await asyncio.gather(*reads)
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [500] * 3


async def test_faults_are_listed_and_switched_off(merchant: Merchant) -> None:
    first = await merchant.fault("error_before")
    second = await merchant.fault("delay", count=5, path="/sandbox/v3/me")
    assert (await merchant.control("GET", "/faults"))["items"] == [first, second]
    await merchant.control("DELETE", f"/faults/{first['id']}")
    assert (await merchant.control("GET", "/faults"))["items"] == [second]
    await merchant.control("DELETE", "/faults")
    assert (await merchant.control("GET", "/faults"))["items"] == []
    assert (await merchant.create())["status"] == "pending"


async def test_a_lost_notification_fault_loses_the_next_one(merchant: Merchant, shop: Shop) -> None:
    await merchant.fault("notification_lost", path="payment.succeeded")
    lost = await merchant.pay(await merchant.create())
    async with asyncio.timeout(10):
        await until_lost(merchant, lost)
    told = await merchant.pay(await merchant.create())
    assert [body["object"]["id"] for body in await shop.wait_for(1)] == [told["id"]]


async def until_lost(merchant: Merchant, payment: Object) -> None:
    while not (await merchant.notifications(payment))[0]["is_lost"]:
        await asyncio.sleep(0.005)


async def test_a_duplicating_fault_doubles_the_next_one(merchant: Merchant, shop: Shop) -> None:
    await merchant.fault("notification_duplicated", path="payment.*")
    await merchant.pay(await merchant.create())
    first, second = await shop.wait_for(2)
    assert first == second


async def test_a_late_fault_lets_the_next_one_be_overtaken(merchant: Merchant, shop: Shop) -> None:
    await merchant.fault("notification_late", path="payment.succeeded")
    paid = await merchant.pay(await merchant.create())
    await merchant.refund(paid, "149.90")
    await shop.wait_for(1)
    await merchant.advance(5)
    await shop.wait_for(2)
    assert shop.events == ["refund.succeeded", "payment.succeeded"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "nonsense"},
        {"kind": "delay", "count": 0},
        {"kind": "delay", "delay_ms": -1},
        {"kind": "delay", "path": ""},
        {"kind": "delay", "method": "PATCH"},
        {"kind": "delay", "surprise": 1},
        {},
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(merchant: Merchant, body: Object) -> None:
    answer = await merchant.http.post("/sandbox/control/v1/faults", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
