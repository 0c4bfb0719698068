"""One idempotence key makes one operation, however often and however much at once it is sent."""

import asyncio

import pytest

from tests.sandbox.stage import Merchant, Object, order, refused, taken


async def count_payments(merchant: Merchant) -> int:
    return len(taken(await merchant.call("GET", "/payments?limit=100"))["items"])


async def test_a_repeat_gives_the_object_in_its_present_state(merchant: Merchant) -> None:
    payment = await merchant.create(key="k-1")
    paid = await merchant.pay(payment)
    assert await merchant.create(key="k-1") == paid
    assert await count_payments(merchant) == 1


@pytest.mark.parametrize("value", ["149.9", 149.9, "0149.90"])
async def test_amounts_are_compared_as_numbers(merchant: Merchant, value: object) -> None:
    payment = await merchant.create(key="k-1")
    again = await merchant.create(key="k-1", amount={"currency": "RUB", "value": value})
    assert again["id"] == payment["id"]


@pytest.mark.parametrize(
    "changes",
    [{"amount": {"value": "149.91", "currency": "RUB"}}, {"description": "Order 18"}, {"capture": False}],
)
async def test_a_key_used_for_other_data_is_refused(merchant: Merchant, changes: Object) -> None:
    await merchant.create(key="k-1")
    error = refused(await merchant.post("/payments", order(**changes), key="k-1"))
    assert error["parameter"] == "Idempotence-Key"
    assert await count_payments(merchant) == 1


async def test_a_key_is_one_for_all_addresses_of_a_shop(merchant: Merchant) -> None:
    paid = await merchant.pay(await merchant.create(key="k-1"))
    assert refused(await merchant.refund(paid, "1.00", key="k-1"))["parameter"] == "Idempotence-Key"


async def test_shops_do_not_share_keys(merchant: Merchant) -> None:
    await merchant.control("PUT", "/shops/200002", {"secret_key": "another-secret"})
    other = Merchant(merchant.http, "200002", "another-secret")
    assert (await merchant.create(key="k-1"))["id"] != (await other.create(key="k-1"))["id"]


async def test_a_key_is_forgotten_after_24_hours(merchant: Merchant) -> None:
    first = await merchant.create(key="k-1")
    await merchant.advance(86_400 - 60)
    assert (await merchant.create(key="k-1"))["id"] == first["id"]
    await merchant.advance(60)
    assert (await merchant.create(key="k-1"))["id"] != first["id"]


@pytest.mark.parametrize("key", ["", "x" * 65, "русский"])
async def test_a_missing_or_bad_key_is_refused(merchant: Merchant, key: str) -> None:
    headers = {"Idempotence-Key": key.encode()} if key else {}
    answer = await merchant.call("POST", "/payments", json=order(), headers=headers)
    assert refused(answer)["parameter"] == "Idempotence-Key"


async def test_a_refused_request_leaves_its_key_free(merchant: Merchant) -> None:
    refused(await merchant.post("/payments", order(confirmation=None), key="k-1"))
    assert (await merchant.create(key="k-1"))["status"] == "pending"


async def test_twins_at_once_make_one_payment(merchant: Merchant) -> None:
    answers = await asyncio.gather(*(merchant.create(key="k-1") for _ in range(12)))
    assert len({answer["id"] for answer in answers}) == 1
    assert await count_payments(merchant) == 1


async def test_twin_refunds_at_once_give_money_back_once(merchant: Merchant) -> None:
    paid = await merchant.pay(await merchant.create())
    answers = await asyncio.gather(*(merchant.refund(paid, "100.00", key="r-1") for _ in range(8)))
    assert {taken(answer)["id"] for answer in answers} == {answers[0].json()["id"]}
    assert (await merchant.read(paid))["refunded_amount"]["value"] == "100.00"


async def test_twin_captures_at_once_take_money_once(merchant: Merchant) -> None:
    held = await merchant.pay(await merchant.create(capture=False))
    path = f"/payments/{held['id']}/capture"
    answers = await asyncio.gather(*(merchant.post(path, key="c-1") for _ in range(6)))
    assert {taken(answer)["status"] for answer in answers} == {"succeeded"}
    operations = (await merchant.control("GET", "/operations"))["items"]
    assert [(one["kind"], one["capture_key"]) for one in operations] == [("capture", "c-1")]


async def test_no_body_and_an_empty_object_are_the_same_request(merchant: Merchant) -> None:
    held = await merchant.pay(await merchant.create(capture=False))
    path = f"/payments/{held['id']}/cancel"
    assert taken(await merchant.post(path, key="c-1")) == taken(await merchant.post(path, {}, key="c-1"))
