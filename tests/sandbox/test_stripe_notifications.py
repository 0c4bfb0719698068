"""Stripe's notifications: signed with the account's secret when they are sent, until any 2xx, and again on demand."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.stage import Merchant, Object, Shop, card_form
from theatre.kit.clock import SystemClock
from theatre.sandbox.stripe_events import signature

SECRET = "whsec_sandbox"
KNOWN_BODY = (
    b'{"id":"evt_sbx1","object":"event","type":"checkout.session.completed",'
    b'"data":{"object":{"id":"cs_test_sbx1","object":"checkout.session"}}}'
)
KNOWN_SIGNATURE = "7515d33655b6ebe9029a06e85268fa82d36413587b6af2a8f60c0cd151617387"
FORM = {
    "mode": "payment",
    "line_items[0][price_data][currency]": "rub",
    "line_items[0][price_data][unit_amount]": "14990",
    "line_items[0][price_data][product_data][name]": "A month of films",
    "success_url": "http://shop.example/ok",
}


async def ask(merchant: Merchant, method: str, path: str, **arguments: Any) -> Object:
    """Call Stripe's face with the account's key."""
    headers = {"Authorization": "Bearer sk_test_sandbox"}
    answer = await merchant.http.request(method, f"/sandbox/stripe/v1{path}", headers=headers, **arguments)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def begin_paid(merchant: Merchant) -> Object:
    session = await ask(merchant, "POST", "/checkout/sessions", data=FORM)
    answer = await merchant.http.post(httpx.URL(session["url"]).path, data=card_form("4242424242424242"))
    assert answer.headers["location"] == FORM["success_url"]
    return session


def verified(request: httpx.Request) -> Any:
    """Read a notification as the SDK does, which checks its signature and age."""
    header = request.headers["Stripe-Signature"]
    return stripe.Webhook.construct_event(request.content, header, SECRET)


def test_the_known_answer_is_given() -> None:
    now = SystemClock().now()
    moment = now + timedelta(seconds=1777888999 - now.timestamp())
    assert signature(KNOWN_BODY, SECRET, moment) == f"t=1777888999,v1={KNOWN_SIGNATURE}"


async def test_what_is_sent_is_signed_and_tells_of_a_session_that_can_be_read(
    merchant: Merchant, shop: Shop
) -> None:
    session = await begin_paid(merchant)
    await shop.wait_for(1)
    event = verified(shop.requests[0])
    assert (event.type, event.data.object.id) == ("checkout.session.completed", session["id"])
    assert (event.data.object.payment_status, event.livemode) == ("paid", False)
    assert str(shop.requests[0].url).endswith("/payment/api/v1/callbacks/stripe")


async def test_it_is_signed_by_the_worlds_clock_however_far_ours_was_moved(
    merchant: Merchant, shop: Shop
) -> None:
    await merchant.advance(24 * 3600)
    await begin_paid(merchant)
    await shop.wait_for(1)
    assert verified(shop.requests[0]).type == "checkout.session.completed"


async def test_another_secret_is_used_as_soon_as_it_is_set(merchant: Merchant, shop: Shop) -> None:
    await merchant.control("PUT", "/shops/acct_sandbox", {"webhook_secret": "whsec_another"})
    await begin_paid(merchant)
    await shop.wait_for(1)
    with pytest.raises(stripe.SignatureVerificationError):
        verified(shop.requests[0])


@pytest.mark.parametrize("status", [201, 204])
async def test_any_2xx_is_taken(merchant: Merchant, shop: Shop, status: int) -> None:
    shop.answers = [status]
    await begin_paid(merchant)
    await shop.wait_for(1)
    await merchant.advance(3600)
    await begin_paid(merchant)
    await shop.wait_for(2)
    assert len({body["id"] for body in shop.received}) == 2


async def test_what_is_not_taken_comes_again_with_the_same_id_and_a_new_signature(
    merchant: Merchant, shop: Shop
) -> None:
    shop.answers = [500, 302]
    await begin_paid(merchant)
    for count, step in enumerate((10, 50), start=1):
        await shop.wait_for(count)
        await merchant.advance(step)
    await shop.wait_for(3)
    assert {request.content for request in shop.requests} == {shop.requests[0].content}
    assert all(verified(request).id == shop.received[0]["id"] for request in shop.requests)


async def test_a_notification_is_sent_again_on_demand(merchant: Merchant, shop: Shop) -> None:
    session = await begin_paid(merchant)
    await shop.wait_for(1)
    [row] = await merchant.notifications({"id": session["id"].removeprefix("cs_test_")})
    await merchant.control("POST", f"/notifications/{row['id']}/redeliver")
    await shop.wait_for(2)
    assert shop.received[0] == shop.received[1]


async def test_the_other_faces_notifications_are_not_signed(merchant: Merchant, shop: Shop) -> None:
    await merchant.pay(await merchant.create())
    await shop.wait_for(1)
    assert "Stripe-Signature" not in shop.requests[0].headers
