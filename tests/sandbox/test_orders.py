"""What the API takes and refuses, and that every refusal is YooKassa's error object."""

from typing import Any

import pytest

from tests.sandbox.stage import CODE_CARD, RETURN_URL, Merchant, Object, order, refused, taken

CONFIRMATION = {"type": "redirect", "return_url": RETURN_URL}
ITEM = {
    "description": "Film",
    "quantity": "1.0",
    "amount": {"value": "149.90", "currency": "RUB"},
    "vat_code": "1",
}
RECEIPT = {"customer": {"phone": "79000000000"}, "items": [ITEM], "email": "ignored@example.com"}


@pytest.mark.parametrize(
    ("value", "written"), [("1", "1.00"), ("1.5", "1.50"), (2, "2.00"), (100.1, "100.10"), ("00.01", "0.01")]
)
async def test_amounts_are_read_leniently_and_written_with_two_digits(
    merchant: Merchant, value: Any, written: str
) -> None:
    payment = await merchant.create(amount={"value": value, "currency": "RUB"})
    assert payment["amount"] == {"value": written, "currency": "RUB"}


@pytest.mark.parametrize(
    "value",
    [
        "0",
        "0.00",
        "-1.00",
        "1.001",
        "1e2",
        "1,00",
        "",
        " 1",
        "NaN",
        "Infinity",
        "9" * 20,
        10**17,
        True,
        None,
        [],
        {},
        "١",
    ],
)
async def test_what_is_no_amount_is_refused(merchant: Merchant, value: Any) -> None:
    answer = await merchant.post("/payments", order(amount={"value": value, "currency": "RUB"}))
    assert refused(answer)["parameter"] == "amount.value"


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"amount": {"value": "1.00", "currency": "XXX"}}, "amount.currency"),
        ({"amount": {"value": "350000.01", "currency": "RUB"}}, "amount.value"),
        ({"confirmation": None}, "confirmation"),
        ({"confirmation": {"type": "carrier_pigeon"}}, "confirmation.type"),
        ({"confirmation": {"type": "redirect"}}, "confirmation"),
        (
            {"confirmation": {**CONFIRMATION, "return_url": "http://x/" + "y" * 2048}},
            "confirmation.return_url",
        ),
        ({"confirmation": {**CONFIRMATION, "locale": "ru"}}, "confirmation.locale"),
        ({"description": "x" * 129}, "description"),
        ({"description": "\x00"}, None),
        ({"metadata": {str(number): "x" for number in range(17)}}, "metadata"),
        ({"metadata": {"x" * 33: "x"}}, None),
        ({"metadata": {"x": "y" * 513}}, "metadata.x"),
        ({"metadata": {"x": 1}}, "metadata.x"),
        ({"merchant_customer_id": "x" * 201}, "merchant_customer_id"),
        ({"client_ip": "300.1.1.1"}, "client_ip"),
        ({"recipient": {"gateway_id": "1"}}, "recipient.gateway_id"),
        ({"payment_token": "token"}, "payment_token"),
        ({"payment_method_data": {"type": "shells"}}, "payment_method_data.type"),
        ({"payment_method_data": {"type": "sbp"}, "capture": False}, "capture"),
        ({"payment_method_data": {"type": "sbp"}, "payment_token": "token"}, None),
        (
            {"payment_method_id": "318a8480-000f-5000-9000-1c0ffee00001", "confirmation": None},
            "payment_method_id",
        ),
        ({"receipt": {**RECEIPT, "items": [{**ITEM, "quantity": "2.0"}]}}, "receipt.items"),
        ({"receipt": {**RECEIPT, "customer": {}}}, "receipt.customer"),
        ({"receipt": {**RECEIPT, "items": []}}, "receipt.items"),
    ],
)
async def test_a_broken_rule_is_refused(merchant: Merchant, changes: Object, parameter: str | None) -> None:
    error = refused(await merchant.post("/payments", order(**changes)))
    assert parameter is None or error["parameter"] == parameter


async def test_card_data_is_forbidden(merchant: Merchant) -> None:
    data = {"type": "bank_card", "card": {"number": CODE_CARD, "expiry_year": "2030", "expiry_month": "12"}}
    refused(await merchant.post("/payments", order(payment_method_data=data)), 403, "forbidden")


async def test_what_the_sdk_adds_is_taken(merchant: Merchant) -> None:
    payment = await merchant.create(
        transfers=[], statements=[], save_payment_method="true", receipt=RECEIPT, surprise={"deep": [1]}
    )
    assert (payment["receipt_registration"], payment["metadata"]) == ("pending", {})
    paid = await merchant.pay(payment)
    assert (paid["payment_method"]["saved"], paid["receipt_registration"]) == (True, "succeeded")


async def test_capture_is_off_unless_asked_for(merchant: Merchant) -> None:
    held = await merchant.pay(await merchant.create(capture=None))
    assert held["status"] == "waiting_for_capture"


def nulls_of(value: Any) -> list[Any]:
    """Find the nulls anywhere in an answer."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    return [one for one in inner if one is None] + [null for one in inner for null in nulls_of(one)]


async def test_no_object_has_a_null(merchant: Merchant) -> None:
    payment = await merchant.create(description=None)
    paid = await merchant.pay(payment)
    refund = (await merchant.refund(paid, "1.00")).json()
    assert nulls_of([payment, paid, refund, await merchant.read(paid)]) == []
    assert (len(payment["id"]), len(refund["id"])) == (36, 36)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "", 404, "not_found"),
        ("GET", "/payments/", 404, "not_found"),
        ("PUT", "/payments", 405, "invalid_request"),
        ("DELETE", "/me", 405, "invalid_request"),
        ("GET", "/payments/nonsense", 404, "not_found"),
        ("GET", "/payments/318a8480000f500090001c0ffee00001", 404, "not_found"),
        ("GET", "/payments/318a8480-000f-5000-9000-1c0ffee00001", 404, "not_found"),
        ("GET", "/refunds/318a8480-0015-5000-8000-1c0ffee00001", 404, "not_found"),
        ("GET", "/receipts/rt-nonsense", 404, "not_found"),
        ("GET", "/payments?limit=101", 400, "invalid_request"),
        ("GET", "/payments?cursor=nonsense", 400, "invalid_request"),
        ("GET", "/payments?status=paid", 400, "invalid_request"),
        ("GET", "/payments?created_at.gte=yesterday", 400, "invalid_request"),
        ("GET", "/receipts?payment_id=x", 400, "invalid_request"),
        ("GET", "/webhooks", 403, "forbidden"),
    ],
)
async def test_every_refusal_is_an_error_object(
    merchant: Merchant, method: str, path: str, status: int, code: str
) -> None:
    refused(await merchant.call(method, path), status, code)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b'{"amount": NaN}',
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b"\xff",
        b'{"a": "\\ud800"}',
    ],
)
async def test_a_body_that_is_no_json_object_is_refused(merchant: Merchant, body: bytes) -> None:
    headers = {"Idempotence-Key": "k-1", "Content-Type": "application/json"}
    refused(await merchant.call("POST", "/payments", content=body, headers=headers))


async def test_another_kind_of_body_and_a_huge_one_are_refused(merchant: Merchant) -> None:
    form = await merchant.call("POST", "/payments", data={"amount": "1"}, headers={"Idempotence-Key": "k-1"})
    refused(form, 415)
    huge = {"Idempotence-Key": "k-1", "Content-Type": "application/json"}
    refused(await merchant.call("POST", "/payments", content=b" " * 1_100_000, headers=huge), 413)


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Basic", "Basic ???", "Basic MTAwMDAx", "Basic /////w==", "Bearer x", "Digest x"],
)
async def test_without_good_credentials_nothing_is_told(
    merchant: Merchant, authorization: str | None
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/payments", "/me", "/webhooks"):
        answer = await merchant.http.get(f"/sandbox/v3{path}", headers=headers)
        refused(answer, 401, "invalid_credentials")


async def test_another_shops_objects_are_not_found(merchant: Merchant) -> None:
    await merchant.control("PUT", "/shops/200002", {"secret_key": "another-secret"})
    other = Merchant(merchant.http, "200002", "another-secret")
    held = await merchant.pay(await merchant.create(capture=False))
    for path in ("capture", "cancel"):
        refused(await other.post(f"/payments/{held['id']}/{path}"), 404, "not_found")
    refused(await other.call("GET", f"/payments/{held['id']}"), 404, "not_found")
    refused(await other.refund(held, "1.00"))
    assert taken(await other.call("GET", "/payments"))["items"] == []


async def test_an_error_names_the_request_for_the_logs(merchant: Merchant) -> None:
    answer = await merchant.call("GET", "/nothing")
    assert answer.json()["id"] == answer.headers["x-request-id"]
