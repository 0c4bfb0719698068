"""Disputes at Stripe's face: opened by a card or the tester, told by signed events, in Stripe's own shape."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.sandbox.stage import Merchant, Object, Shop, card_form
from tests.sandbox.test_stripe_notifications import FORM, ask, begin_paid, verified

DISPUTED_CARD = "4000000000000259"
TOTAL = 14990


def payment_id(session: Object) -> UUID:
    return UUID(session["id"].removeprefix("cs_test_"))


async def dispute(merchant: Merchant, session: Object, **terms: Any) -> Object:
    """Have a paid session disputed by the tester; gives it as Stripe shows it."""
    made = await merchant.control("POST", f"/payments/{payment_id(session)}/disputes", terms)
    return await read(merchant, made["id"])


async def read(merchant: Merchant, dispute_id: str) -> Object:
    return await ask(merchant, "GET", f"/disputes/du_{UUID(dispute_id).hex}")


async def end(merchant: Merchant, there: Object, how: str) -> Object:
    """Let a dispute be won or lost; gives it as Stripe shows it then."""
    identity = str(UUID(there["id"].removeprefix("du_")))
    await merchant.control("POST", f"/disputes/{identity}/{how}")
    return await read(merchant, identity)


def moves(there: Object) -> list[tuple[int, int]]:
    return [(one["amount"], one["fee"]) for one in there["balance_transactions"]]


async def test_the_card_is_disputed_as_soon_as_it_has_paid(merchant: Merchant, shop: Shop) -> None:
    """PROVIDERS 5.2"""
    session = await ask(merchant, "POST", "/checkout/sessions", data=FORM)
    await merchant.http.post(httpx.URL(session["url"]).path, data=card_form(DISPUTED_CARD))
    await shop.wait_for(3)
    events = {verified(request).type: verified(request) for request in shop.requests}
    assert set(events) == {
        "checkout.session.completed",
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    }
    told = events["charge.dispute.created"].data.object
    assert (told.object, told.status, told.amount, told.currency) == (
        "dispute",
        "needs_response",
        TOTAL,
        "rub",
    )
    assert told.evidence_details.due_by > told.created


@pytest.mark.parametrize(
    ("how", "status", "moved", "news"),
    [
        ("win", "won", [(-TOTAL, 1500), (TOTAL, 0)], ["funds_reinstated", "closed"]),
        ("lose", "lost", [(-TOTAL, 1500)], ["closed"]),
    ],
)
async def test_its_end_moves_the_money_and_is_told(
    merchant: Merchant, shop: Shop, how: str, status: str, moved: list[tuple[int, int]], news: list[str]
) -> None:
    session = await begin_paid(merchant)
    there = await dispute(merchant, session)
    assert (there["status"], moves(there)) == ("needs_response", moved[:1])
    ended = await end(merchant, there, how)
    assert (ended["status"], moves(ended)) == (status, moved)
    await shop.wait_for(3 + len(news))
    told = [verified(request).type.removeprefix("charge.dispute.") for request in shop.requests]
    assert set(told[3:]) == set(news)


@pytest.mark.parametrize(("how", "status"), [("win", "warning_closed"), ("lose", "lost")])
async def test_an_inquiry_takes_nothing_until_it_is_lost(merchant: Merchant, how: str, status: str) -> None:
    there = await dispute(merchant, await begin_paid(merchant), is_inquiry=True)
    assert (there["status"], moves(there), there["is_charge_refundable"]) == (
        "warning_needs_response",
        [],
        True,
    )
    ended = await end(merchant, there, how)
    assert (ended["status"], len(moves(ended))) == (status, 0 if how == "win" else 1)


async def test_the_intent_is_opened_on_demand_and_carries_the_shops_words(merchant: Merchant) -> None:
    form = {**FORM, "payment_intent_data[metadata][attempt_id]": "17"}
    session = await ask(merchant, "POST", "/checkout/sessions", data=form)
    await merchant.http.post(httpx.URL(session["url"]).path, data=card_form("4242424242424242"))
    there = await dispute(merchant, session)
    opened = await ask(merchant, "GET", f"/disputes/{there['id']}?expand[]=payment_intent")
    assert opened["payment_intent"]["id"] == there["payment_intent"]
    assert opened["payment_intent"]["metadata"] == {"attempt_id": "17"}


@pytest.mark.parametrize(
    ("terms", "how", "is_refused"),
    [
        ({}, None, True),
        ({}, "lose", True),
        ({}, "win", False),
        ({"is_inquiry": True}, None, False),
    ],
)
async def test_what_is_disputed_is_not_given_back_besides(
    merchant: Merchant, terms: Object, how: str | None, is_refused: bool
) -> None:
    """R2"""
    session = await begin_paid(merchant)
    there = await dispute(merchant, session, **terms)
    if how is not None:
        await end(merchant, there, how)
    answer = await merchant.http.post(
        "/sandbox/stripe/v1/refunds",
        headers={"Authorization": "Bearer sk_test_sandbox"},
        data={"payment_intent": there["payment_intent"]},
    )
    assert answer.status_code == (400 if is_refused else 200), answer.text
    assert not is_refused or answer.json()["error"]["code"] == "charge_disputed"


async def test_what_was_given_back_already_is_not_taken_again(merchant: Merchant) -> None:
    """R3"""
    session = await begin_paid(merchant)
    intent = (await ask(merchant, "GET", f"/checkout/sessions/{session['id']}"))["payment_intent"]
    await ask(merchant, "POST", "/refunds", data={"payment_intent": intent, "amount": "14000"})
    assert moves(await dispute(merchant, session)) == [(-990, 1500)]


async def test_what_cannot_be_disputed_is_refused(merchant: Merchant) -> None:
    there = await dispute(merchant, session := await begin_paid(merchant))
    await end(merchant, there, "win")
    unpaid = await ask(merchant, "POST", "/checkout/sessions", data=FORM)
    other_face = await merchant.pay(await merchant.create())
    identity = UUID(there["id"].removeprefix("du_"))
    for path, body, status in (
        (f"disputes/{identity}/lose", None, 409),
        (f"disputes/{UUID(int=7)}/win", None, 404),
        (f"payments/{payment_id(unpaid)}/disputes", {}, 409),
        (f"payments/{other_face['id']}/disputes", {}, 409),
        (f"payments/{payment_id(session)}/disputes", {"amount_minor": TOTAL + 1}, 409),
        (f"payments/{UUID(int=7)}/disputes", {}, 404),
    ):
        answer = await merchant.http.post(f"/sandbox/control/v1/{path}", json=body)
        assert answer.status_code == status, (path, answer.text)
    missing = await merchant.http.get(
        f"/sandbox/stripe/v1/disputes/du_{UUID(int=7).hex}",
        headers={"Authorization": "Bearer sk_test_sandbox"},
    )
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")
