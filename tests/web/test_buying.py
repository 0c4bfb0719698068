"""Buying, going on with a payment, giving it up and taking money back, through pages alone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import uuid4

import httpx
import pytest

from tests.factories.house import OpenHouse
from tests.web.visitor import PAGE, Form, Page, Visitor
from theatre.web.app import create_app
from theatre.web.settings import WebSettings

CARD = {"card_number": "5555555555554444", "expiry_month": "12", "expiry_year": "2040", "cvc": "123"}
DECLINED_CARD = {**CARD, "card_number": "5555555555554600"}
UNTIL_SETTLED = 200


def payments_of(page: Page) -> list[dict[str, str | None]]:
    return [given for given in page.all("li") if "data-payment" in given]


async def press_buy(member: Visitor) -> httpx.Response:
    return await member.submit("/plans", "/buy")


async def pay(member: Visitor, page_url: str, card: dict[str, str]) -> str:
    """Fill in the hosted page as a person would; gives the address that the payer is sent back to."""
    page = Page(await member.http.get(page_url, follow_redirects=True))
    form = next(form for form in page.forms if "card_number" in form.fields or "checkout" in form.action)
    answer = await member.send(Form(form.action or page_url, form.fields), **card)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def outcome_of(member: Visitor, payment_id: str, status: str) -> Page:
    """Look at the page of return until it shows a state."""
    for _ in range(UNTIL_SETTLED):
        page = await member.open(f"/return/{payment_id}")
        if any(given.get("data-status") == status for given in page.all("section")):
            return page
        await asyncio.sleep(0.05)
    raise AssertionError(f"not {status} in time")


async def newest_id(member: Visitor) -> str:
    return str(payments_of(await member.open("/account/payments"))[0]["data-payment"])


async def test_a_press_leads_to_the_payment_systems_page(member: Visitor) -> None:
    answer = await press_buy(member)
    assert answer.status_code == 303
    assert "/sandbox/checkout/" in answer.headers["location"]
    payment = payments_of(await member.open("/account/payments"))
    assert [given["data-status"] for given in payment] == ["pending"]


async def test_a_double_click_buys_once(member: Visitor) -> None:
    form = (await member.open("/plans")).form("/buy")
    answers = await asyncio.gather(*(member.send(form) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(payments_of(await member.open("/account/payments"))) == 1


async def test_pages_opened_twice_are_two_purchases(member: Visitor) -> None:
    await press_buy(member)
    await press_buy(member)
    assert len(payments_of(await member.open("/account/payments"))) == 2


async def test_a_stranger_who_presses_buy_signs_in_and_comes_back(visitor: Visitor) -> None:
    form = (await visitor.open("/plans")).form("/buy")
    headers = {"Referer": str(visitor.http.base_url.join("/plans"))}
    answer = await visitor.http.post("/buy", data=form.fields, headers=headers)
    assert answer.headers["location"] == "/signin?next=/plans"


@pytest.mark.parametrize("price_id", ["0197a000-0000-7000-8000-00000000dead", "", "free", "399.00"])
async def test_what_is_not_sold_cannot_be_bought(member: Visitor, price_id: str) -> None:
    form = (await member.open("/plans")).form("/buy")
    assert (await member.send(form, price_id=price_id)).status_code in {404, 422}
    assert payments_of(await member.open("/account/payments")) == []


async def test_a_price_in_the_form_changes_nothing(member: Visitor) -> None:
    form = (await member.open("/plans")).form("/buy")
    await member.send(form, amount="0.01", price="0.01", quantity="0")
    assert "₽399" in (await member.open("/account/payments")).text


async def test_a_payment_of_another_does_not_exist_for_us(
    member: Visitor, make_visitor: Callable[[], Visitor]
) -> None:
    await press_buy(member)
    payment_id = await newest_id(member)
    thief = await make_visitor().join()
    assert (await thief.open(f"/return/{payment_id}")).status == 404
    form = (await thief.open("/plans")).form("/buy")
    for verb in ("pay", "cancel", "refund"):
        path = f"/account/payments/{payment_id}/{verb}"
        answer = await thief.send(Form(path, form.fields), reason="mine now")
        assert answer.status_code == 404, verb


async def test_going_on_with_an_open_payment_gives_the_same_page(member: Visitor) -> None:
    first = await press_buy(member)
    again = await member.submit("/account/payments", "/pay")
    assert again.headers["location"] == first.headers["location"]


async def test_a_whole_purchase_and_its_refund(member: Visitor) -> None:
    """Everything by hand: buy, pay, watch, take the money back."""
    start = await press_buy(member)
    payment_id = await newest_id(member)
    back = await pay(member, start.headers["location"], CARD)
    assert "/payment/return/" in back
    assert "Paid" in (await outcome_of(member, payment_id, "paid")).text
    account = await member.open("/account")
    assert "You may watch" in account.text
    assert "Standard plan" in account.text
    answer = await member.submit("/account/payments", "/refund", reason="Not my kind of film")
    assert answer.headers["location"].startswith("/account/payments?note=refund_")
    await outcome_of(member, payment_id, "refunded")
    assert "Nothing yet" in (await member.open("/account")).text


async def test_a_declined_card_says_why_and_may_be_tried_again(member: Visitor) -> None:
    start = await press_buy(member)
    payment_id = await newest_id(member)
    await pay(member, start.headers["location"], DECLINED_CARD)
    page = await outcome_of(member, payment_id, "unpaid")
    assert "not enough money on the card" in page.text
    again = await member.send(page.form("/pay"))
    await pay(member, again.headers["location"], CARD)
    await outcome_of(member, payment_id, "paid")


async def test_a_pending_payment_may_be_given_up(member: Visitor) -> None:
    await press_buy(member)
    answer = await member.submit("/account/payments", "/cancel")
    assert answer.headers["location"] == "/account/payments?note=cancel_requested"
    page = await member.open(answer.headers["location"])
    assert "being canceled" in page.text
    assert "will be canceled as soon as" in page.text


async def test_what_was_never_paid_cannot_be_refunded(member: Visitor) -> None:
    await press_buy(member)
    form = (await member.open("/account/payments")).form("/cancel")
    answer = await member.send(Form(form.action.replace("/cancel", "/refund"), form.fields), reason="why not")
    page = await member.open(answer.headers["location"])
    assert "nothing to give back" in page.text


async def test_notes_are_our_own_words_only(member: Visitor) -> None:
    page = await member.open("/account/payments?note=call.0800.evil&fault=send_money_to:evil")
    assert "evil" not in page.text.replace("data-", "")


async def test_staff_see_everybodys_payments_and_give_money_back(
    member: Visitor, make_visitor: Callable[[], Visitor]
) -> None:
    start = await press_buy(member)
    payment_id = await newest_id(member)
    await pay(member, start.headers["location"], CARD)
    await outcome_of(member, payment_id, "paid")
    staff = make_visitor()
    await staff.submit("/signin?next=/admin", "/signin", login="admin", password="admin")
    page = f"/admin/payments/{payment_id}"
    preview = await staff.open(f"{page}/refund")
    form = next(form for form in preview.forms if "currency" in form.fields)
    answer = await staff.send(form, reason="Asked by letter")
    assert answer.headers["location"] == f"{page}?note=refund_pending"
    await outcome_of(member, payment_id, "refunded")


async def test_the_staffs_pages_are_closed_to_others(member: Visitor, visitor: Visitor) -> None:
    page = await member.open("/admin")
    assert page.status == 403
    assert "Staff only" in page.text
    assert (await visitor.http.get("/admin/payments")).headers["location"] == "/signin?next=/admin/payments"
    form = (await member.open("/plans")).form("/buy")
    claim = {"reason": "x", "amount": "1.00", "currency": "RUB"}
    answer = await member.send(Form(f"/admin/payments/{uuid4()}/refund", form.fields), **claim)
    assert answer.status_code == 403


@pytest.mark.parametrize("query", ["look=-1", "look=1e9", "look=NaN"])
async def test_a_strange_return_address_is_answered_with_a_page(member: Visitor, query: str) -> None:
    answer = await member.http.get(f"/return/{uuid4()}?{query}")
    assert answer.status_code == 422
    assert "<h1>" in answer.text


class Outage(httpx.AsyncBaseTransport):
    """A network with nobody at the other end."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)


@pytest.fixture
async def lonely(house: OpenHouse) -> AsyncIterator[Visitor]:
    """A visitor of a storefront that reaches no other service."""
    app = create_app(WebSettings(public_url=house.url), transport=Outage())
    async with app.router.lifespan_context(app), httpx.AsyncClient():
        visitor = Visitor(app, house.url)
        yield visitor
        await visitor.http.aclose()


async def test_without_the_other_services_pages_say_so_and_sign_nobody_out(lonely: Visitor) -> None:
    page = await lonely.open("/plans")
    assert page.status == 503
    assert page.headers["retry-after"]
    assert "A short intermission" in page.text
    assert (await lonely.open("/signin")).status == 200
    ready = await lonely.http.get("/web/api/_ready", headers=PAGE)
    assert (ready.status_code, set(ready.json()["missing"])) == (503, {"auth", "billing"})
