"""Receipts in the whole house: registered by the payment system, and kept by the user as a sheet."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from tests.factories.house import OpenHouse
from tests.web.test_buying import CARD, newest_id, outcome_of, pay, press_buy
from tests.web.visitor import PASSWORD, Visitor

UNTIL_REGISTERED_SECONDS = 30


async def buy_and_pay(member: Visitor) -> str:
    start = await press_buy(member)
    payment_id = await newest_id(member)
    await pay(member, start.headers["location"], CARD)
    await outcome_of(member, payment_id, "paid")
    return payment_id


async def registered(
    house: OpenHouse, member: Visitor, payment_id: str, *, returns: int = 0
) -> dict[str, Any]:
    """Ask billing, as a program of the user's would, until everything is registered."""
    form = {"username": member.login, "password": PASSWORD}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=house.doors), base_url=house.url) as http:
        token = (await http.post("/auth/api/v1/jwt/login", data=form)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with asyncio.timeout(UNTIL_REGISTERED_SECONDS):
            while True:
                path = f"/billing/api/v1/payments/{payment_id}/receipt"
                receipt: dict[str, Any] = (await http.get(path, headers=headers)).json()
                fiscal = [receipt["fiscal"], *(refund["fiscal"] for refund in receipt["refunds"])]
                if len(fiscal) == 1 + returns and {one["status"] for one in fiscal} == {"registered"}:
                    return receipt
                await asyncio.sleep(0.1)


def links_of(page: Any) -> list[str]:
    return [str(given["href"]) for given in page.all("a") if str(given.get("href")).endswith("/receipt.pdf")]


async def test_a_purchase_and_its_refund_are_registered_with_the_tax_service(
    house: OpenHouse, member: Visitor
) -> None:
    """F1: one fiscal document each, by the payment system's own register."""
    payment_id = await buy_and_pay(member)
    receipt = await registered(house, member, payment_id)
    assert receipt["fiscal"]["storage_number"] == "9288000100115785"
    income_number = receipt["fiscal"]["document_number"]
    await member.submit("/account/payments", "/refund", reason="Not my kind of film")
    await outcome_of(member, payment_id, "refunded")
    receipt = await registered(house, member, payment_id, returns=1)
    assert receipt["refunds"][0]["amount"] == receipt["total"]
    assert receipt["refunds"][0]["fiscal"]["document_number"] != income_number
    assert links_of(await member.open("/account/payments")) != []


async def test_each_paid_payment_has_a_link_to_its_receipt(
    member: Visitor, make_visitor: Callable[[], Visitor]
) -> None:
    payment_id = await buy_and_pay(member)
    await press_buy(member)
    (link,) = links_of(await member.open("/account/payments"))
    assert link == f"/account/payments/{payment_id}/receipt.pdf"
    answer = await member.http.get(link)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["content-disposition"] == f'attachment; filename="receipt-{payment_id}.pdf"'
    assert answer.content.startswith(b"%PDF-")
    thief = await make_visitor().join()
    assert (await thief.http.get(link)).status_code == 404
    assert (await make_visitor().http.get(link)).headers["location"].startswith("/signin")


async def test_what_is_not_paid_leads_back_with_a_word(member: Visitor) -> None:
    await press_buy(member)
    answer = await member.http.get(f"/account/payments/{await newest_id(member)}/receipt.pdf")
    assert answer.headers["location"] == "/account/payments?fault=billing.payment_not_paid"
    assert "once the payment is paid" in (await member.open(answer.headers["location"])).text
