"""What billing's doors make of values that nobody should send: a 4xx, nothing stored, nothing echoed."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.billing.conftest import Caller
from tests.billing.test_purchase import create, price_of

Make = Callable[..., Caller]

NUMBERS = [
    "-1", "0", "1.5", '"7"', "true", "1e3", "NaN", "Infinity", "-Infinity", "1e400", "101", "2147483648",
    "9223372036854775808", "1" + "0" * 5000, "null", "[]", '"0x10"', '"١٢"',
]  # fmt: skip


async def send(caller: Caller, path: str, body: bytes, **headers: str) -> httpx.Response:
    given = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4()), **headers}
    return await caller.http.post(f"/billing/api/v1{path}", content=body, headers=given)


@pytest.mark.parametrize("number", NUMBERS)
async def test_a_quantity_is_a_whole_number_from_1_to_100(make_caller: Make, number: str) -> None:
    """M13, S-B1: refused before anything is stored."""
    caller = make_caller()
    price_id = await price_of(caller, "film")
    body = f'{{"items": [{{"price_id": "{price_id}", "quantity": {number}}}]}}'
    answer = await send(caller, "/payments", body.encode())
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await caller.get("/payments")).json()["items"] == []


@pytest.mark.parametrize("name", ["price", "amount", "currency", "user_id", "status", "discount", "total"])
@pytest.mark.parametrize("inside", [True, False])
async def test_nobody_names_their_own_price(make_caller: Make, name: str, inside: bool) -> None:
    """S-B2: fields that are not the buyer's to set are refused, not ignored."""
    caller = make_caller()
    item: dict[str, Any] = {"price_id": await price_of(caller, "film"), "quantity": 1}
    body: dict[str, Any] = {"items": [item]}
    (item if inside else body)[name] = "1.00"
    answer = await caller.post("/payments", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "extra_forbidden"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"items": [], "items": []}', 400),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b"null", 422),
        (b'{"items": []}', 422),
        (b'{"items": "x"}', 422),
        (b'{"items": [{"price_id": "{00000000-0000-0000-0000-000000000000", "quantity": 1}]}', 422),
        (b'{"items": [{"price_id": "00000000-0000-0000-0000-000000000000"}], "promo_code": "\\u0000"}', 422),
        (b'{"items": [{"price_id": "00000000-0000-0000-0000-000000000000"}], "promo_code": "\\ud800"}', 422),
        (b'{"items": [{"price_id": "00000000-0000-0000-0000-000000000000"}], "\\ud800": 1}', 422),
    ],
)
async def test_bodies_that_are_no_purchase(make_caller: Make, body: bytes, status: int) -> None:
    answer = await send(make_caller(), "/payments", body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("reason", ["", "\\u0000", "a\\nb", "x" * 201, "\\ud800"])
async def test_a_reason_is_one_line_that_can_be_stored(make_caller: Make, reason: str) -> None:
    caller = make_caller()
    payment = await create(caller)
    answer = await send(caller, f"/payments/{payment['id']}/refunds", f'{{"reason": "{reason}"}}'.encode())
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "amount",
    [
        100,
        1.5,
        "1.5",
        "1.555",
        "-1.00",
        "+1.00",
        "01.00",
        "1,00",
        "1e2",
        "NaN",
        "٣.00",
        "9" * 30 + ".00",
        None,
        True,
    ],
)
async def test_an_amount_is_text_with_the_currencys_digits(make_caller: Make, amount: object) -> None:
    """M1, M2: a JSON number is refused, and so is any other number of digits."""
    caller = make_caller()
    payment = await create(caller)
    body = {"reason": "x", "amount": {"amount": amount, "currency": "RUB"}}
    answer = await caller.post(f"/payments/{payment['id']}/refunds", body)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize("currency", ["rub", "XXX", "RU", "", "ZZZ", 643])
async def test_a_currency_is_one_of_iso_4217(make_caller: Make, currency: object) -> None:
    caller = make_caller()
    payment = await create(caller)
    body = {"reason": "x", "amount": {"amount": "1.00", "currency": currency}}
    assert (await caller.post(f"/payments/{payment['id']}/refunds", body)).status_code == 422


async def test_a_body_over_one_mebibyte_is_refused_readably(make_caller: Make) -> None:
    answer = await send(make_caller(), "/payments", b" " * (2 * 1024 * 1024))
    assert (answer.status_code, answer.json()["code"]) == (413, "kit.body_too_large")


async def test_a_body_of_another_type_is_refused(make_caller: Make) -> None:
    answer = await send(make_caller(), "/payments", b"items=1", **{"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "kit.unsupported_media_type")


@pytest.mark.parametrize("cursor", ["x", "%00", "eyJ9", "WyJ4Il0", "x" * 600, "W10"])
async def test_a_forged_cursor_is_refused(make_caller: Make, cursor: str) -> None:
    answer = await make_caller().get("/payments", cursor=cursor)
    assert answer.status_code in {400, 422}


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1000000000", "x"])
async def test_a_page_has_1_to_100_rows(make_caller: Make, limit: str) -> None:
    assert (await make_caller().get("/payments", limit=limit)).status_code == 422


async def test_nobody_gets_in_without_a_token(make_caller: Make) -> None:
    caller = make_caller()
    caller.http.headers.pop("Authorization")
    answer = await caller.post("/payments", {"items": []})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_unknown_paths_and_methods_are_problems_too(make_caller: Make) -> None:
    caller = make_caller()
    missing = await caller.get("/nothing")
    wrong = await caller.http.delete("/billing/api/v1/payments")
    assert (missing.status_code, missing.json()["code"]) == (404, "kit.not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "kit.method_not_allowed")
    assert wrong.headers["Allow"]


@pytest.mark.parametrize(
    "url", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "https://theatre.example@evil.example/",
            "https://theatre.example.evil.example/", "http://theatre.example/", "https://theatre.example:99999/",
            "https:\\\\evil.example", "/relative", "https://theatre.example:8443/"]
)  # fmt: skip
async def test_the_way_back_leads_to_this_site_alone(make_caller: Make, url: str) -> None:
    caller = make_caller()
    payment = await create(caller)
    answer = await caller.post(f"/payments/{payment['id']}/checkout", {"return_url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "billing.return_url_foreign")
    assert (await caller.get(f"/payments/{payment['id']}")).json()["status"] == "unpaid"


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[" * 100_000, b"1" + b"0" * 5000, b"NaN", b'{"a": 1, "a": 2}']
)
@pytest.mark.parametrize("door", ["cancel", "checkout"])
async def test_json_that_is_none_is_refused_where_no_body_is_needed_too(
    make_caller: Make, door: str, body: bytes
) -> None:
    caller = make_caller()
    payment = await create(caller)
    answer = await send(caller, f"/payments/{payment['id']}/{door}", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "kit.malformed_json"), answer.text
    assert (await caller.get(f"/payments/{payment['id']}")).json()["status"] == "unpaid"


@pytest.mark.parametrize("host", ["[", "a b", "theatre.example:x", "", "evil.example", "/x?y#z"])
async def test_the_host_header_is_nothing_to_go_by(make_caller: Make, host: str) -> None:
    caller = make_caller()
    answer = await send(caller, "/payments", b'{"items": []}', Host=host)
    assert answer.status_code == 422, answer.text
    payment = await create(caller)
    canceled = await send(caller, f"/payments/{payment['id']}/cancel", b"", Host=host)
    assert canceled.status_code == 200, canceled.text
