"""Every test card ends as the table of test cards says, seen from the API and from the notification."""

import pytest

from tests.sandbox.stage import RETURN_URL, Merchant, Shop, until
from theatre.sandbox.cards import CARDS, is_luhn

REFUSED_BY_NETWORK = {
    "3d_secure_failed": "5555555555554592 4839665499603842 2200000000000012",
    "call_issuer": "5555555555554535 4926946416239025 2200000000000020",
    "card_expired": "5555555555554543 4141435412630840 2200000000000038",
    "fraud_suspected": "5555555555554568 4483274282299972 2200000000000046",
    "general_decline": "5555555555554527 4889971706588753 2202202212312379",
    "insufficient_funds": "5555555555554600 4562265587712390 2200000000000053",
    "invalid_card_number": "5555555555554618 4951017853630544 2201382000000013",
    "invalid_csc": "5555555555554626 4194180666146368 2200770212727079",
    "issuer_unavailable": "5555555555554501 4654130848359150 2201382000000021",
    "payment_method_limit_exceeded": "5555555555554576 4565231022577548 2201382000000039",
    "payment_method_restricted": "5555555555554550 4233961169071671 2201382000000047",
}
REFUSED_BY_YOO_MONEY = {
    "country_forbidden": "5555555555554584 4969751510013864 2201382000000054",
    "fraud_suspected": "5555555555554634 4119098878796485 2201696981989955",
    "internal_timeout": "2200999900000107",
}
WITH_CODE = ["5555555555554477", "4793128161644804", "2200000000000004"]
WITHOUT_CODE = [
    *("5555555555554444", "4111111111111111", "2202474301322987"),
    *("6759649826438453", "4175001000000017", "370000000000002", "3528000700000000", "36700102000000"),
    *("2200999900000032", "2200999900000040", "2200999900000057", "2200999900000065", "2200999900000081"),
]
DELAYED = ["2200999900000016", "2200999900000024"]
SILENT = ["2200999900000073", "2200999900000099"]
REFUSALS = [
    (number, party, reason)
    for party, table in (("payment_network", REFUSED_BY_NETWORK), ("yoo_money", REFUSED_BY_YOO_MONEY))
    for reason, numbers in table.items()
    for number in numbers.split()
]


def test_the_table_is_complete_and_every_number_could_be_a_card() -> None:
    known = {number for number, _, _ in REFUSALS} | {*WITH_CODE, *WITHOUT_CODE, *DELAYED, *SILENT}
    assert known == set(CARDS)
    assert all(is_luhn(number) for number in known)


@pytest.mark.parametrize(("number", "party", "reason"), REFUSALS)
async def test_a_refused_card_cancels_the_payment_and_sends_the_payer_back(
    merchant: Merchant, shop: Shop, number: str, party: str, reason: str
) -> None:
    payment = await merchant.create()
    answer = await merchant.submit(payment, number)
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
    ended = await merchant.read(payment)
    assert (ended["status"], ended["paid"], ended["refundable"]) == ("canceled", False, False)
    assert ended["cancellation_details"] == {"party": party, "reason": reason}
    assert ended["payment_method"]["card"]["last4"] == number[-4:]
    assert "confirmation" not in ended
    [told] = await shop.wait_for(1)
    assert told == {"type": "notification", "event": "payment.canceled", "object": ended}


@pytest.mark.parametrize("number", WITHOUT_CODE)
async def test_a_good_card_pays_at_once(merchant: Merchant, shop: Shop, number: str) -> None:
    payment = await merchant.create()
    answer = await merchant.submit(payment, number)
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
    paid = await merchant.read(payment)
    assert (paid["status"], paid["paid"]) == ("succeeded", True)
    assert paid["authorization_details"]["three_d_secure"] == {"applied": False}
    assert (await shop.wait_for(1))[0] == {
        "type": "notification",
        "event": "payment.succeeded",
        "object": paid,
    }


@pytest.mark.parametrize("number", WITH_CODE)
async def test_a_card_with_3d_secure_pays_after_the_code(merchant: Merchant, number: str) -> None:
    payment = await merchant.create()
    asked = await merchant.submit(payment, number)
    assert asked.headers["location"] == f"/sandbox/checkout/{payment['id']}/3ds"
    assert (await merchant.read(payment))["status"] == "pending"
    answer = await merchant.submit_code(payment, "1")
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
    paid = await merchant.read(payment)
    assert paid["status"] == "succeeded"
    assert paid["authorization_details"]["three_d_secure"] == {"applied": True}


@pytest.mark.parametrize(
    ("number", "status", "details"),
    [
        (DELAYED[0], "succeeded", None),
        (DELAYED[1], "canceled", {"party": "payment_network", "reason": "general_decline"}),
    ],
)
async def test_a_delayed_decision_comes_after_the_payer_is_back(
    merchant: Merchant, shop: Shop, number: str, status: str, details: dict[str, str] | None
) -> None:
    payment = await merchant.create()
    assert (await merchant.submit(payment, number)).headers["location"] == RETURN_URL
    waiting = await merchant.read(payment)
    assert waiting["status"] == "pending"
    assert "confirmation" not in waiting
    assert shop.received == []
    await merchant.advance(5)
    ended = await merchant.read(payment)
    assert (ended["status"], ended.get("cancellation_details")) == (status, details)
    assert (await shop.wait_for(1))[0]["event"] == f"payment.{status}"


async def test_an_unknown_number_is_refused_as_invalid(merchant: Merchant) -> None:
    payment = await merchant.create()
    assert (await merchant.submit(payment, "4000000000000002")).status_code == 303
    details = (await merchant.read(payment))["cancellation_details"]
    assert details == {"party": "payment_network", "reason": "invalid_card_number"}


async def test_a_lost_notification_never_comes(merchant: Merchant, shop: Shop) -> None:
    payment = await merchant.pay(await merchant.create(), "2200999900000073")
    assert payment["status"] == "succeeded"
    other = await merchant.pay(await merchant.create())
    assert [body["object"]["id"] for body in await shop.wait_for(1)] == [other["id"]]
    await merchant.advance(86_400)
    [row] = await merchant.notifications(payment)
    assert (row["is_lost"], row["tries"], row["next_try_at"]) == (True, 0, None)


async def test_a_duplicated_notification_comes_twice(merchant: Merchant, shop: Shop) -> None:
    await merchant.pay(await merchant.create(), "2200999900000081")
    first, second = await shop.wait_for(2)
    assert first == second


async def test_a_late_notification_comes_after_the_one_that_followed_it(
    merchant: Merchant, shop: Shop
) -> None:
    held = await merchant.pay(await merchant.create(capture=False), "2200999900000099")
    await merchant.post(f"/payments/{held['id']}/capture")
    await shop.wait_for(1)
    assert shop.events == ["payment.succeeded"]
    await merchant.advance(5)
    await shop.wait_for(2)
    assert shop.events == ["payment.succeeded", "payment.waiting_for_capture"]


async def test_late_refund_succeeds_later_and_is_told(merchant: Merchant, shop: Shop) -> None:
    paid = await merchant.pay(await merchant.create(), "2200999900000040")
    refund = (await merchant.refund(paid, "149.90")).json()
    assert refund["status"] == "pending"
    before = await merchant.read(paid)
    assert (before["refunded_amount"]["value"], before["refundable"]) == ("0.00", False)
    await merchant.advance(5)
    assert (await merchant.call("GET", f"/refunds/{refund['id']}")).json()["status"] == "succeeded"
    assert (await merchant.read(paid))["refunded_amount"]["value"] == "149.90"
    await until(lambda: "refund.succeeded" in shop.events)


async def test_late_refund_is_rejected_later_and_not_told(merchant: Merchant, shop: Shop) -> None:
    paid = await merchant.pay(await merchant.create(), "2200999900000057")
    refund = (await merchant.refund(paid, "149.90")).json()
    assert refund["status"] == "pending"
    assert "cancellation_details" not in refund
    await merchant.advance(5)
    ended = (await merchant.call("GET", f"/refunds/{refund['id']}")).json()
    assert ended["cancellation_details"] == {"party": "refund_network", "reason": "rejected_by_payee"}
    assert (await merchant.read(paid))["refundable"] is True
    assert [row["event"] for row in await merchant.notifications(paid)] == ["payment.succeeded"]


async def test_a_shop_without_money_refunds_nothing(merchant: Merchant) -> None:
    paid = await merchant.pay(await merchant.create(), "2200999900000065")
    refund = (await merchant.refund(paid, "1.00")).json()
    assert refund["status"] == "canceled"
    assert refund["cancellation_details"] == {"party": "yoo_money", "reason": "insufficient_funds"}
    assert (await merchant.read(paid))["refunded_amount"]["value"] == "0.00"
