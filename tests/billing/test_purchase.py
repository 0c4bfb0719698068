"""The doors of a purchase: price list, create, checkout, cancel, and who may see it."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from tests.billing.conftest import Caller
from tests.billing.desk import PaymentDesk

Make = Callable[..., Caller]


async def price_of(caller: Caller, kind: str, *, trial_days: int = 0) -> str:
    products = (await caller.get("/products", kind=kind)).json()["items"]
    prices = [
        price for product in products for price in product["prices"] if price["trial_days"] == trial_days
    ]
    return str(prices[0]["id"])


async def create(caller: Caller, kind: str = "plan", quantity: int = 1) -> dict[str, object]:
    price_id = await price_of(caller, kind)
    answer = await caller.post("/payments", {"items": [{"price_id": price_id, "quantity": quantity}]})
    assert answer.status_code == 201, answer.text
    payment: dict[str, object] = answer.json()
    return payment


async def test_a_purchase_is_priced_by_us(make_caller: Make) -> None:
    payment = await create(make_caller(), quantity=3)
    assert payment["status"] == "unpaid"
    assert payment["total"] == {"amount": "1197.00", "currency": "RUB"}


async def test_checkout_gives_the_same_link_while_an_attempt_is_open(
    make_caller: Make, desk: PaymentDesk
) -> None:
    caller = make_caller()
    payment = await create(caller)
    first = await caller.post(f"/payments/{payment['id']}/checkout")
    second = await caller.post(f"/payments/{payment['id']}/checkout")
    assert first.status_code == second.status_code == 200, first.text
    assert first.json() == second.json()
    assert len(desk.asked) == 1
    assert (await caller.get(f"/payments/{payment['id']}")).json()["status"] == "pending"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("get", "", None),
        ("get", "/refunds", None),
        ("post", "/checkout", None),
        ("post", "/cancel", None),
        ("post", "/refunds", {"reason": "x"}),
    ],
)
async def test_another_users_payment_is_not_there(
    make_caller: Make, method: str, path: str, body: dict[str, str] | None
) -> None:
    payment = await create(make_caller())
    stranger = make_caller()

    async def ask(payment_id: object) -> httpx.Response:
        url = f"/payments/{payment_id}{path}"
        return await (stranger.get(url) if method == "get" else stranger.post(url, body))

    answer, same = await ask(payment["id"]), await ask(uuid4())
    assert answer.status_code == same.status_code == 404
    assert {**answer.json(), "request_id": ""} == {**same.json(), "request_id": ""}
