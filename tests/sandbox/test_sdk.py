"""The official `yookassa` SDK works against the sandbox unchanged: only its address and keys are set."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from yookassa import Configuration, Payment, Receipt, Refund, Settings, Webhook
from yookassa.domain.exceptions import (
    BadRequestError,
    ForbiddenError,
    InternalServerError,
    NotFoundError,
    ResponseProcessingError,
    TooManyRequestsError,
    UnauthorizedError,
)
from yookassa.domain.notification import WebhookNotificationFactory

from tests.sandbox.conftest import configure_sdk
from tests.sandbox.stage import CODE_CARD, GOOD_CARD, RETURN_URL, card_form, order

RECEIPT = {
    "customer": {"email": "viewer@example.com"},
    "items": [
        {
            "description": "A month of films",
            "quantity": 2.0,
            "amount": {"value": "74.95", "currency": "RUB"},
            "vat_code": 1,
            "payment_subject": "service",
            "payment_mode": "full_payment",
        }
    ],
}


def pay(server_url: str, payment: Any, number: str = GOOD_CARD) -> Any:
    """Pay as the customer does, and read the payment again by the SDK."""
    page = f"{server_url}/sandbox/checkout/{payment.id}"
    answer = httpx.post(page, data=card_form(number))
    if answer.headers["location"].endswith("/3ds"):
        answer = httpx.post(f"{page}/3ds", data={"code": "1234"})
    assert answer.headers["location"] == RETURN_URL
    return Payment.find_one(payment.id)


def switch_on(server_url: str, kind: str) -> None:
    answer = httpx.post(
        f"{server_url}/sandbox/control/v1/faults", json={"kind": kind, "path": "/sandbox/v3/*"}
    )
    assert answer.status_code == 201


def test_a_payment_is_created_paid_and_found(sdk: str) -> None:
    payment = Payment.create(order(metadata={"order_id": "17"}), str(uuid4()))
    assert (payment.status, str(payment.amount.value), payment.test) == ("pending", "149.90", True)
    assert payment.confirmation.confirmation_url.endswith(f"/sandbox/checkout/{payment.id}")
    assert payment.metadata == {"order_id": "17", "cms_name": "yookassa_sdk_python"}

    paid = pay(sdk, payment, CODE_CARD)
    assert (paid.status, paid.paid, paid.refundable) == ("succeeded", True, True)
    assert (paid.payment_method.card.last4, paid.payment_method.card.expiry_month) == ("4477", "12")
    assert paid.authorization_details.three_d_secure.applied is True
    assert (str(paid.income_amount.value), str(paid.refunded_amount.value)) == ("144.65", "0.00")


def test_creating_without_a_key_makes_a_new_payment_each_time(sdk: str) -> None:
    assert Payment.create(order()).id != Payment.create(order()).id


def test_creating_twice_with_one_key_gives_one_payment(sdk: str) -> None:
    key = str(uuid4())
    assert Payment.create(order(), key).id == Payment.create(order(), key).id


def test_lists_are_filtered_and_go_on_after_the_cursor(sdk: str) -> None:
    made = [Payment.create(order(description=f"Order {number}")).id for number in range(5)]
    newest = Payment.find_one(made[-1])
    pay(sdk, newest)
    since = Payment.find_one(made[0]).created_at
    wanted = {"created_at.gte": since, "limit": 2}
    seen: list[str] = []
    page = Payment.list(wanted)
    while True:
        seen += [item.id for item in page.items]
        if page.next_cursor is None:
            break
        page = Payment.list({**wanted, "cursor": page.next_cursor})
    assert set(made) <= set(seen)
    assert len(seen) == len(set(seen))
    assert [one for one in seen if one in made] == made[::-1]
    succeeded = Payment.list({**wanted, "status": "succeeded", "payment_method": "bank_card"})
    assert [item.id for item in succeeded.items] == [made[-1]]
    assert Payment.list({"captured_at.lt": since, "created_at.gte": since}).items == []


def test_a_hold_is_captured_whole_without_a_body(sdk: str) -> None:
    held = pay(sdk, Payment.create(order(capture=False)))
    assert (held.status, held.paid) == ("waiting_for_capture", True)
    assert held.expires_at > held.created_at
    captured = Payment.capture(held.id)
    assert (captured.status, str(captured.amount.value)) == ("succeeded", "149.90")


def test_a_hold_is_captured_in_part(sdk: str) -> None:
    held = pay(sdk, Payment.create(order(capture=False)))
    captured = Payment.capture(held.id, {"amount": {"value": "100.00", "currency": "RUB"}}, str(uuid4()))
    assert (captured.status, str(captured.amount.value)) == ("succeeded", "100.00")


def test_a_hold_is_given_up(sdk: str) -> None:
    held = pay(sdk, Payment.create(order(capture=False)))
    canceled = Payment.cancel(held.id)
    assert (canceled.status, canceled.paid) == ("canceled", False)
    assert canceled.cancellation_details.party == "merchant"
    assert canceled.cancellation_details.reason == "canceled_by_merchant"


def test_money_is_given_back_in_parts_and_found(sdk: str) -> None:
    paid = pay(sdk, Payment.create(order()))
    part = {"payment_id": paid.id, "amount": {"value": "49.90", "currency": "RUB"}, "description": "Returned"}
    refund = Refund.create(part)
    assert (refund.status, str(refund.amount.value), refund.payment_id) == ("succeeded", "49.90", paid.id)
    assert Refund.find_one(refund.id).id == refund.id
    rest = Refund.create({"payment_id": paid.id, "amount": {"value": "100.00", "currency": "RUB"}})
    assert [item.id for item in Refund.list({"payment_id": paid.id}).items] == [rest.id, refund.id]
    after = Payment.find_one(paid.id)
    assert (after.refundable, str(after.refunded_amount.value)) == (False, "149.90")


def test_receipts_come_with_a_payment_and_by_themselves(sdk: str) -> None:
    paid = pay(sdk, Payment.create(order(receipt=RECEIPT)))
    assert paid.receipt_registration == "succeeded"
    own = Receipt.create(
        {
            **RECEIPT,
            "type": "payment",
            "payment_id": paid.id,
            "send": True,
            "settlements": [{"type": "prepayment", "amount": {"value": "149.90", "currency": "RUB"}}],
        }
    )
    assert (own.status, own.payment_id, len(own.id)) == ("succeeded", paid.id, 39)
    assert Receipt.find_one(own.id).fiscal_document_number
    listed = Receipt.list({"payment_id": paid.id})
    assert own.id in [item.id for item in listed.items]
    assert len(listed.items) == 2


def test_the_shop_reads_its_settings(sdk: str) -> None:
    me = Settings.get_account_settings()
    assert (me.account_id, me.test, me.status) == ("100001", True, "enabled")


def test_webhooks_are_not_for_shops_with_a_key(sdk: str) -> None:
    with pytest.raises(ForbiddenError):
        Webhook.list()
    with pytest.raises(ForbiddenError):
        Webhook.add({"event": "payment.succeeded", "url": "https://shop.example/hook"})


def test_a_wrong_key_or_token_is_refused(sdk: str) -> None:
    configure_sdk(sdk, "wrong")
    with pytest.raises(UnauthorizedError) as caught:
        Payment.list()
    assert caught.value.error.code == "invalid_credentials"
    Configuration.configure_auth_token("nobody's", api_url=f"{sdk}/sandbox/v3")
    with pytest.raises(UnauthorizedError):
        Settings.get_account_settings()


def test_a_broken_rule_is_a_bad_request_with_its_parameter(sdk: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        Payment.create(order(amount={"value": "400000.00", "currency": "RUB"}))
    assert (caught.value.error.code, caught.value.error.parameter) == ("invalid_request", "amount.value")


def test_what_does_not_exist_is_not_found(sdk: str) -> None:
    with pytest.raises(NotFoundError):
        Payment.find_one("318a8480-000f-5000-9000-1c0ffee00001")
    with pytest.raises(NotFoundError):
        Refund.find_one("nonsense")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("error_before", InternalServerError),
        ("error_after", InternalServerError),
        ("too_many_requests", TooManyRequestsError),
        ("processing", ResponseProcessingError),
    ],
)
def test_faults_arrive_as_the_sdks_own_errors(sdk: str, kind: str, expected: type[Exception]) -> None:
    switch_on(sdk, kind)
    with pytest.raises(expected):
        Payment.create(order())
    assert Payment.create(order()).status == "pending"


@pytest.mark.parametrize("kind", ["cut_before", "cut_after"])
def test_a_cut_connection_is_a_network_failure_to_the_sdk(sdk: str, kind: str) -> None:
    switch_on(sdk, kind)
    with pytest.raises(AttributeError):
        Payment.create(order())


def test_notifications_are_read_by_the_sdks_factory(sdk: str) -> None:
    paid = pay(sdk, Payment.create(order()))
    Refund.create({"payment_id": paid.id, "amount": {"value": "149.90", "currency": "RUB"}})
    listed = httpx.get(f"{sdk}/sandbox/control/v1/notifications", params={"payment_id": paid.id}).json()
    parsed = [WebhookNotificationFactory().create(item["body"]) for item in listed["items"]]
    assert [one.event for one in parsed] == ["refund.succeeded", "payment.succeeded"]
    assert parsed[1].object.id == parsed[0].object.payment_id == paid.id
