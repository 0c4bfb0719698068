"""Promo codes at the counter: typed in, seen before paying, and sometimes all there is to pay."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.factories.house import OpenHouse
from tests.factories.promo_codes import make_promo_code
from tests.web.test_buying import CARD, newest_id, outcome_of, pay, payments_of
from tests.web.visitor import Page, Visitor


async def open_order(member: Visitor) -> str:
    """Follow the first link for people with a code; gives its address."""
    page = await member.open("/plans")
    return next(str(link["href"]) for link in page.all("a") if (link.get("href") or "").startswith("/order"))


async def type_in(member: Visitor, code: str) -> Page:
    """Send the code's form as a browser does without a script."""
    address = await open_order(member)
    form = (await member.open(address)).form("/order")
    answer = await member.http.get(form.action, params={**form.fields, "promo_code": code})
    return Page(answer)


async def test_the_discounted_total_is_seen_before_paying_and_is_what_is_paid(
    member: Visitor, house: OpenHouse
) -> None:
    code = await make_promo_code(house, percent=25)
    page = await type_in(member, f"  {code.lower()} ")
    assert f"Promo code {code}" in page.text
    assert "−₽99.75" in page.text.replace("− ", "−")
    assert "Pay ₽299.25" in page.text
    start = await member.send(page.form("/buy"))
    await pay(member, start.headers["location"], CARD)
    outcome = await outcome_of(member, await newest_id(member), "paid")
    assert "₽299.25" in outcome.text
    assert code in outcome.text


async def test_a_code_that_takes_everything_leads_straight_to_paid(member: Visitor, house: OpenHouse) -> None:
    """M9: no payment system on the way, and nothing to give back afterwards."""
    page = await type_in(member, await make_promo_code(house, percent=100))
    assert "nothing to pay" in page.text
    answer = await member.send(page.form("/buy"))
    payment_id = await newest_id(member)
    assert answer.headers["location"] == f"/return/{payment_id}"
    assert "Paid. Enjoy" in (await member.open(answer.headers["location"])).text
    assert "Standard plan" in (await member.open("/account")).text
    payments = await member.open("/account/payments")
    assert not [form for form in payments.forms if form.action.endswith("/refund")]


@pytest.mark.parametrize(
    "typed", ["NO-SUCH-CODE", "🎬", "a b", "\x00", "..", "A/B", "%2F", "<script>", "A" * 70]
)
async def test_what_is_no_code_is_said_beside_the_field_and_the_full_price_stays(
    member: Visitor, typed: str
) -> None:
    page = await type_in(member, typed)
    assert page.status == 200
    assert "There is no such promo code" in page.text
    assert "Pay ₽399" in page.text
    assert "promo_code" not in page.form("/buy").fields
    assert "<script>" not in page.text


async def test_a_code_used_up_meanwhile_is_told_and_nothing_is_bought(
    member: Visitor, house: OpenHouse, make_visitor: Callable[[], Visitor]
) -> None:
    code = await make_promo_code(house, percent=50, total_cap=1)
    form = (await type_in(member, code)).form("/buy")
    faster = await make_visitor().join()
    await faster.send((await type_in(faster, code)).form("/buy"))
    answer = await member.send(form)
    assert answer.headers["location"].startswith("/order?")
    page = await member.open(answer.headers["location"])
    assert "as often as it may be" in page.text
    assert payments_of(await member.open("/account/payments")) == []


async def test_a_code_forged_into_the_form_is_told_too(member: Visitor) -> None:
    form = (await member.open(await open_order(member))).form("/buy")
    answer = await member.send(form, promo_code="NO-SUCH-CODE")
    assert "There is no such promo code" in (await member.open(answer.headers["location"])).text
    assert payments_of(await member.open("/account/payments")) == []


async def test_a_stranger_signs_in_and_comes_back_to_the_order(visitor: Visitor, member: Visitor) -> None:
    address = await open_order(visitor)
    page = await visitor.open(address)
    form = page.form("/signin")
    assert form.fields["next"] == address if "next" in form.fields else "order" in form.action
    answer = await visitor.send(form, login="viewer", password="viewer")
    assert answer.headers["location"] == address
    assert "Your purchase" in (await visitor.open(address)).text


async def test_an_order_of_what_is_not_sold_is_not_there(member: Visitor) -> None:
    assert (await member.open(f"/order?price_id={uuid4()}")).status == 404
    assert (await member.open("/order?price_id=free")).status == 422
