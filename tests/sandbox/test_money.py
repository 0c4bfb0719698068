"""Holds, refunds, saved methods and the record of what money really moved."""

import asyncio

import pytest

from tests.sandbox.stage import GOOD_CARD, Merchant, Object, Shop, order, refused, taken

WEEK_SECONDS = 7 * 24 * 3600


async def held_by(merchant: Merchant) -> Object:
    return await merchant.pay(await merchant.create(capture=False))


async def test_a_hold_is_over_after_a_week(merchant: Merchant) -> None:
    held = await held_by(merchant)
    await merchant.advance(WEEK_SECONDS)
    details = (await merchant.read(held))["cancellation_details"]
    assert details == {"party": "yoo_money", "reason": "expired_on_capture"}
    refused(await merchant.post(f"/payments/{held['id']}/capture"))


@pytest.mark.parametrize("value", ["149.91", "0.00"])
async def test_more_than_is_held_or_nothing_cannot_be_captured(merchant: Merchant, value: str) -> None:
    held = await held_by(merchant)
    body = {"amount": {"value": value, "currency": "RUB"}}
    assert (
        refused(await merchant.post(f"/payments/{held['id']}/capture", body))["parameter"] == "amount.value"
    )
    assert (await merchant.read(held))["status"] == "waiting_for_capture"


async def test_another_currency_cannot_be_captured_or_given_back(merchant: Merchant) -> None:
    held = await held_by(merchant)
    amount = {"value": "1.00", "currency": "USD"}
    capture = await merchant.post(f"/payments/{held['id']}/capture", {"amount": amount})
    assert refused(capture)["parameter"] == "amount.currency"
    paid = await merchant.pay(await merchant.create())
    refund = await merchant.post("/refunds", {"payment_id": paid["id"], "amount": amount})
    assert refused(refund)["parameter"] == "amount.currency"


@pytest.mark.parametrize("path", ["capture", "cancel"])
async def test_only_a_held_payment_is_captured_or_given_up(merchant: Merchant, path: str) -> None:
    pending = await merchant.create()
    refused(await merchant.post(f"/payments/{pending['id']}/{path}"))
    paid = await merchant.pay(pending)
    refused(await merchant.post(f"/payments/{paid['id']}/{path}"))
    assert (await merchant.read(paid))["status"] == "succeeded"


async def test_a_capture_and_a_cancel_at_once_make_one_outcome(merchant: Merchant) -> None:
    held = await held_by(merchant)
    paths = [f"/payments/{held['id']}/{word}" for word in ("capture", "cancel") * 3]
    answers = await asyncio.gather(*(merchant.post(path) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5


async def test_no_more_is_given_back_than_was_taken(merchant: Merchant) -> None:
    paid = await merchant.pay(await merchant.create())
    answers = await asyncio.gather(*(merchant.refund(paid, "100.00") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert refused(await merchant.refund(paid, "49.91"))["parameter"] == "amount.value"
    taken(await merchant.refund(paid, "49.90"))
    after = await merchant.read(paid)
    assert (after["refundable"], after["refunded_amount"]["value"]) == (False, "149.90")
    refused(await merchant.refund(paid, "0.01"))


async def test_after_a_partial_capture_only_that_part_is_given_back(merchant: Merchant) -> None:
    held = await held_by(merchant)
    amount = {"value": "100.00", "currency": "RUB"}
    taken(await merchant.post(f"/payments/{held['id']}/capture", {"amount": amount}))
    refused(await merchant.refund(held, "100.01"))
    taken(await merchant.refund(held, "100.00"))


async def test_what_was_not_paid_is_not_given_back(merchant: Merchant) -> None:
    refused(await merchant.refund(await merchant.create(), "1.00"))
    refused(await merchant.refund(await held_by(merchant), "1.00"))
    refused(await merchant.refund({"id": "318a8480-000f-5000-9000-1c0ffee00001"}, "1.00"))


@pytest.mark.parametrize(("method", "part", "whole"), [("mobile_balance", 400, 200), ("cash", 400, 400)])
async def test_ways_to_pay_limit_refunds(merchant: Merchant, method: str, part: int, whole: int) -> None:
    payment = await merchant.create(payment_method_data={"type": method})
    await merchant.http.post(f"/sandbox/checkout/{payment['id']}", data={"action": "pay"})
    assert (await merchant.refund(payment, "1.00")).status_code == part
    assert (await merchant.refund(payment, "149.90")).status_code == whole


async def charge(merchant: Merchant, method_id: str) -> Object:
    wanted = order(confirmation=None, payment_method_id=method_id, description="Renewal")
    return taken(await merchant.post("/payments", wanted))


async def test_a_saved_method_is_charged_without_the_payer(merchant: Merchant, shop: Shop) -> None:
    first = await merchant.pay(await merchant.create(save_payment_method=True))
    assert first["payment_method"]["id"] == first["id"]
    renewal = await charge(merchant, first["payment_method"]["id"])
    assert (renewal["status"], renewal["payment_method"]) == ("succeeded", first["payment_method"])
    assert "confirmation" not in renewal
    await shop.wait_for(2)
    assert shop.events == ["payment.succeeded"] * 2
    taken(await merchant.refund(renewal, "149.90"))


async def test_the_payer_may_have_the_card_saved_where_the_shop_leaves_it_open(merchant: Merchant) -> None:
    ticked, plain = await merchant.create(), await merchant.create()
    await merchant.submit(ticked, GOOD_CARD, save_card="yes")
    await merchant.submit(plain, GOOD_CARD)
    assert (await merchant.read(ticked))["payment_method"]["saved"] is True
    assert (await charge(merchant, ticked["id"]))["status"] == "succeeded"
    wanted = order(confirmation=None, payment_method_id=plain["id"])
    assert refused(await merchant.post("/payments", wanted))["parameter"] == "payment_method_id"


async def test_a_shop_that_does_not_want_it_saves_no_card(merchant: Merchant) -> None:
    payment = await merchant.create(save_payment_method=False)
    await merchant.submit(payment, GOOD_CARD, save_card="yes")
    assert (await merchant.read(payment))["payment_method"]["saved"] is False


async def test_a_charge_is_refused_after_the_permission_was_taken_back(merchant: Merchant) -> None:
    first = await merchant.pay(await merchant.create(save_payment_method=True))
    await merchant.control("POST", f"/payment_methods/{first['id']}/revoke")
    details = (await charge(merchant, first["id"]))["cancellation_details"]
    assert details == {"party": "yoo_money", "reason": "permission_revoked"}


async def test_a_card_may_pay_once_and_refuse_every_charge(merchant: Merchant) -> None:
    first = await merchant.pay(await merchant.create(save_payment_method=True), "2200999900000032")
    assert first["status"] == "succeeded"
    for _ in range(2):
        details = (await charge(merchant, first["id"]))["cancellation_details"]
        assert details == {"party": "payment_network", "reason": "insufficient_funds"}


async def test_a_saved_method_is_the_shops_own(merchant: Merchant) -> None:
    first = await merchant.pay(await merchant.create(save_payment_method=True))
    await merchant.control("PUT", "/shops/200002", {"secret_key": "another-secret"})
    other = Merchant(merchant.http, "200002", "another-secret")
    wanted = order(confirmation=None, payment_method_id=first["id"])
    refused(await other.post("/payments", wanted))


async def test_operations_say_what_money_moved_and_by_which_key(merchant: Merchant) -> None:
    await merchant.pay(await merchant.create(key="refused"), "5555555555554600")
    paid = await merchant.pay(await merchant.create(key="paid"))
    await merchant.refund(paid, "49.90", key="part")
    await merchant.refund(paid, "500.00", key="too-much")
    held = await held_by(merchant)
    await merchant.post(f"/payments/{held['id']}/capture", key="captured")
    pages: list[Object] = []
    cursor = ""
    while True:
        page = await merchant.control("GET", f"/operations?limit=1{cursor}")
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    told = [
        (one["kind"], one["amount"]["amount"], one["capture_key"] or one["idempotence_key"]) for one in pages
    ]
    assert told == [
        ("capture", "149.90", "paid"),
        ("refund", "49.90", "part"),
        ("capture", "149.90", "captured"),
    ]
    mine = await merchant.control("GET", f"/operations?payment_id={held['id']}")
    assert [one["payment_id"] for one in mine["items"]] == [held["id"]]


async def test_receipts_must_add_up_with_halves_rounded_up(merchant: Merchant) -> None:
    line = {"description": "By weight", "quantity": "0.333", "vat_code": 1}
    item = {**line, "amount": {"value": "15.00", "currency": "RUB"}}
    receipt = {"customer": {"email": "a@example.com"}, "items": [item]}
    # 0.333 x 15.00 = 4.995, half up 5.00
    payment = await merchant.create(amount={"value": "5.00", "currency": "RUB"}, receipt=receipt)
    await merchant.pay(payment)
    listed = taken(await merchant.call("GET", f"/receipts?payment_id={payment['id']}"))
    assert [one["items"][0]["quantity"] for one in listed["items"]] == [0.333]
    short = order(amount={"value": "4.99", "currency": "RUB"}, receipt=receipt)
    refused(await merchant.post("/payments", short))


async def test_the_clock_goes_forward_only_and_stays_ahead(merchant: Merchant) -> None:
    before = await merchant.control("GET", "/clock")
    await merchant.advance(3600)
    after = await merchant.control("GET", "/clock")
    assert (before["offset_seconds"], after["offset_seconds"]) == (0, 3600)
    for seconds in (-1, 1.5, "1", 10**12, None):
        answer = await merchant.http.post("/sandbox/control/v1/clock", json={"advance_seconds": seconds})
        assert answer.status_code == 422
