"""The hosted page as a browser without scripts meets it."""

import asyncio
import re
from uuid import uuid4

import httpx
import pytest

from tests.sandbox.stage import (
    CODE_CARD,
    GOOD_CARD,
    RETURN_URL,
    Merchant,
    Object,
    Shop,
    order,
)


async def page_of(merchant: Merchant, payment: Object, languages: str = "en") -> httpx.Response:
    url = payment["confirmation"]["confirmation_url"]
    return await merchant.http.get(url, headers={"Accept-Language": languages})


async def test_the_page_shows_what_is_paid_and_says_that_it_is_a_test(merchant: Merchant) -> None:
    payment = await merchant.create(amount={"value": "1399.50", "currency": "RUB"})
    page = await page_of(merchant, payment)
    assert page.status_code == 200
    assert "₽1,399.50" in page.text
    assert "Order 17" in page.text
    assert "no real money" in page.text
    assert set(re.findall(r'<input[^>]* name="(\w+)"', page.text)) == {
        "card_number",
        "expiry_month",
        "expiry_year",
        "cvc",
        "cardholder",
        "save_card",
    }
    assert "<script" not in page.text


async def test_the_page_is_not_kept_framed_or_scripted_and_lets_the_form_redirect(merchant: Merchant) -> None:
    page = await page_of(merchant, await merchant.create())
    policy = page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize(
    ("languages", "locale", "expected"),
    [("ru-RU,ru;q=0.9", None, "ru"), ("en", None, "en"), ("ru", "en_US", "en"), ("en", "ru_RU", "ru")],
)
async def test_the_page_speaks_the_language_of_the_shop_or_else_the_browser(
    merchant: Merchant, languages: str, locale: str | None, expected: str
) -> None:
    confirmation = {"type": "redirect", "return_url": RETURN_URL, **({"locale": locale} if locale else {})}
    page = await page_of(merchant, await merchant.create(confirmation=confirmation), languages)
    assert f'<html lang="{expected}">' in page.text


async def test_what_the_shop_wrote_is_shown_as_text(merchant: Merchant) -> None:
    page = await page_of(merchant, await merchant.create(description="<script>alert(1)</script>{{7*7}}"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("card_number", ""),
        ("card_number", "4111111111111112"),
        ("card_number", "4111 1111"),
        ("card_number", "4" * 40),
        ("card_number", "٤١١١١١١١١١١١١١١١"),
        ("expiry_month", "13"),
        ("expiry_month", "0"),
        ("expiry_year", "2020"),
        ("expiry_year", "1999"),
        ("cvc", "12"),
        ("cvc", "12345"),
        ("cvc", "abc"),
    ],
)
async def test_a_card_that_cannot_be_read_is_asked_for_again(
    merchant: Merchant, field: str, value: str
) -> None:
    payment = await merchant.create()
    answer = await merchant.submit(payment, GOOD_CARD, **{field: value})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert (await merchant.read(payment))["status"] == "pending"
    assert (await merchant.submit(payment, GOOD_CARD)).status_code == 303


async def test_a_form_with_mistakes_comes_back_without_number_and_cvc(merchant: Merchant) -> None:
    answer = await merchant.submit(
        await merchant.create(), GOOD_CARD, expiry_month="77", cardholder='IVAN "X"'
    )
    assert GOOD_CARD not in answer.text
    assert 'value="123"' not in answer.text
    assert "IVAN &#34;X&#34;" in answer.text


async def test_spaces_in_the_number_and_a_short_year_are_forgiven(merchant: Merchant) -> None:
    payment = await merchant.create()
    answer = await merchant.submit(payment, "4111 1111 1111 1111", expiry_year="99", expiry_month="1")
    assert answer.status_code == 303
    card = (await merchant.read(payment))["payment_method"]["card"]
    assert (card["expiry_month"], card["expiry_year"]) == ("01", "2099")


async def test_the_whole_number_of_a_card_is_stored_nowhere(merchant: Merchant, shop: Shop) -> None:
    paid = await merchant.pay(await merchant.create())
    await shop.wait_for(1)
    control = await merchant.http.get("/sandbox/control/v1/notifications")
    assert GOOD_CARD not in control.text + str(paid) + str(shop.received)
    assert paid["payment_method"]["card"]["first6"] == GOOD_CARD[:6]


async def test_the_second_submit_shows_the_final_state(merchant: Merchant, shop: Shop) -> None:
    payment = await merchant.create()
    paid = await merchant.pay(payment)
    again = await merchant.submit(payment, "5555555555554600")
    assert again.status_code == 200
    assert 'data-state="succeeded"' in again.text
    assert RETURN_URL in again.text
    assert await merchant.read(payment) == paid
    assert len(await merchant.notifications(payment)) == 1


async def test_many_submits_at_once_make_one_outcome(merchant: Merchant, shop: Shop) -> None:
    payment = await merchant.create()
    numbers = [GOOD_CARD, "5555555555554600"] * 4
    answers = await asyncio.gather(*(merchant.submit(payment, number) for number in numbers))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [303]
    assert len(await merchant.notifications(payment)) == 1


async def test_many_codes_at_once_make_one_outcome(merchant: Merchant) -> None:
    payment = await merchant.create()
    await merchant.submit(payment, CODE_CARD)
    codes = ["000000", "123456"] * 3
    answers = await asyncio.gather(*(merchant.submit_code(payment, code) for code in codes))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [303]
    assert len(await merchant.notifications(payment)) == 1


@pytest.mark.parametrize("fields", [{"code": "000000"}, {"code": "", "action": "cancel"}])
async def test_a_wrong_or_canceled_code_fails_the_payment(merchant: Merchant, fields: dict[str, str]) -> None:
    payment = await merchant.create()
    await merchant.submit(payment, CODE_CARD)
    answer = await merchant.submit_code(payment, **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
    details = (await merchant.read(payment))["cancellation_details"]
    assert details == {"party": "payment_network", "reason": "3d_secure_failed"}


async def test_a_code_that_is_no_number_is_asked_for_again(merchant: Merchant) -> None:
    payment = await merchant.create()
    await merchant.submit(payment, CODE_CARD)
    for code in ("", "abc", "1" * 13):
        assert (await merchant.submit_code(payment, code)).status_code == 422
    assert (await merchant.submit_code(payment, "42")).status_code == 303


async def test_the_question_for_the_code_waits_where_it_was(merchant: Merchant) -> None:
    payment = await merchant.create()
    early = await merchant.http.get(f"/sandbox/checkout/{payment['id']}/3ds")
    assert (early.status_code, early.headers["location"]) == (303, f"/sandbox/checkout/{payment['id']}")
    assert (await merchant.submit_code(payment, "1")).headers[
        "location"
    ] == f"/sandbox/checkout/{payment['id']}"
    await merchant.submit(payment, CODE_CARD)
    back = await page_of(merchant, payment)
    assert (back.status_code, back.headers["location"]) == (303, f"/sandbox/checkout/{payment['id']}/3ds")
    other_card = await merchant.submit(payment, GOOD_CARD)
    assert other_card.headers["location"].endswith("/3ds")
    question = await merchant.http.get(back.headers["location"])
    assert "4477" in question.text


async def test_leaving_keeps_the_payment_open_until_its_term(merchant: Merchant, shop: Shop) -> None:
    payment = await merchant.create()
    left = await merchant.http.post(f"/sandbox/checkout/{payment['id']}", data={"action": "leave"})
    assert (left.status_code, left.headers["location"]) == (303, RETURN_URL)
    assert (await merchant.read(payment))["status"] == "pending"
    await merchant.advance(3599)
    assert (await page_of(merchant, payment)).status_code == 200
    await merchant.advance(1)
    ended = await merchant.read(payment)
    assert ended["cancellation_details"] == {"party": "yoo_money", "reason": "expired_on_confirmation"}
    late = await merchant.submit(payment, GOOD_CARD)
    assert late.status_code == 200
    assert 'data-state="canceled"' in late.text
    assert (await shop.wait_for(1))[0]["event"] == "payment.canceled"


async def test_leaving_refuses_the_payment_where_the_shop_is_switched_so(merchant: Merchant) -> None:
    await merchant.control("PUT", f"/shops/{merchant.auth[0]}", {"is_cancel_refused": True})
    payment = await merchant.create()
    await merchant.http.post(f"/sandbox/checkout/{payment['id']}", data={"action": "leave"})
    details = (await merchant.read(payment))["cancellation_details"]
    assert details == {"party": "payment_network", "reason": "general_decline"}


async def test_a_method_without_a_card_is_confirmed_by_a_button(merchant: Merchant) -> None:
    payment = await merchant.create(payment_method_data={"type": "yoo_money"})
    assert "card_number" not in (await page_of(merchant, payment)).text
    paid = await merchant.http.post(f"/sandbox/checkout/{payment['id']}", data={"action": "pay"})
    assert paid.headers["location"] == RETURN_URL
    after = await merchant.read(payment)
    assert (after["status"], after["payment_method"]["type"]) == ("succeeded", "yoo_money")


async def test_a_shop_that_asks_for_3d_secure_gets_it_for_every_good_card(merchant: Merchant) -> None:
    confirmation = {"type": "redirect", "return_url": RETURN_URL, "enforce": True}
    payment = await merchant.create(confirmation=confirmation)
    paid = await merchant.pay(payment, GOOD_CARD)
    assert paid["authorization_details"]["three_d_secure"]["applied"] is True


async def test_an_address_that_names_no_payment_is_not_found(merchant: Merchant) -> None:
    for identity in (str(uuid4()), "nonsense", "%00"):
        for path in (f"/sandbox/checkout/{identity}", f"/sandbox/checkout/{identity}/3ds"):
            assert (await merchant.http.get(path)).status_code == 404
            assert (await merchant.http.post(path, data={"code": "1"})).status_code == 404


async def test_the_outcome_is_stored_before_the_payer_is_sent_back(merchant: Merchant) -> None:
    payments = [await merchant.create() for _ in range(5)]
    for payment in payments:
        await merchant.submit(payment, GOOD_CARD)
        assert (await merchant.read(payment))["status"] == "succeeded"


async def test_a_payment_without_a_return_address_ends_on_its_own_page(merchant: Merchant) -> None:
    payment = await merchant.create(confirmation={"type": "qr"})
    assert payment["confirmation"]["confirmation_data"].endswith(payment["id"])
    answer = await merchant.submit(payment, GOOD_CARD)
    assert answer.status_code == 200
    assert 'data-state="succeeded"' in answer.text


async def test_a_return_address_that_runs_a_script_is_refused(merchant: Merchant) -> None:
    confirmation = {"type": "redirect", "return_url": "javascript:alert(1)"}
    assert (await merchant.post("/payments", order(confirmation=confirmation))).status_code == 400
