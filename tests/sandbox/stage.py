"""A shop and its payer, as tests play them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx

SHOP_ID = "100001"
SECRET_KEY = "test_sandbox_secret_key"
PUBLIC_URL = "http://theatre.example"
RETURN_URL = "http://shop.example/return?order=17"
HOOK_URL = "http://shop.example/hook"

GOOD_CARD = "4111111111111111"
CODE_CARD = "5555555555554477"
WAIT_SECONDS = 10

Object = dict[str, Any]


class Shop:
    """The shop's own door for notifications: what came, and what it answers (200 when nothing else is queued)."""

    def __init__(self) -> None:
        self.received: list[Object] = []
        self.requests: list[httpx.Request] = []
        self.answers: list[int | Exception] = []
        self.on_receive: Callable[[Object], Awaitable[None]] | None = None
        self.transport = httpx.MockTransport(self._receive)

    async def _receive(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if self.on_receive is not None:
            await self.on_receive(body)
        self.requests.append(request)
        self.received.append(body)
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)

    @property
    def events(self) -> list[str]:
        return [body["event"] for body in self.received]

    async def wait_for(self, count: int) -> list[Object]:
        """Wait until so many notifications came."""
        await until(lambda: len(self.received) >= count)
        return self.received


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


class Merchant:
    """Calls the API with a shop's key, pays as its customer and turns the tester's switches."""

    def __init__(self, http: httpx.AsyncClient, shop_id: str = SHOP_ID, secret_key: str = SECRET_KEY) -> None:
        self.http = http
        self.auth = (shop_id, secret_key)

    async def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Call the API with this shop's key."""
        return await self.http.request(method, f"/sandbox/v3{path}", auth=self.auth, **arguments)

    async def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        """Write with an idempotence key, a new one unless it is named."""
        headers = {"Idempotence-Key": key or str(uuid4())}
        return await self.call("POST", path, json=body, headers=headers)

    async def create(self, *, key: str | None = None, **changes: Any) -> Object:
        """Create a payment that must be accepted."""
        return taken(await self.post("/payments", order(**changes), key=key))

    async def read(self, payment: Object) -> Object:
        """Read a payment again."""
        return taken(await self.call("GET", f"/payments/{payment['id']}"))

    async def refund(self, payment: Object, value: str, *, key: str | None = None) -> httpx.Response:
        """Ask for money back."""
        amount = {"value": value, "currency": "RUB"}
        return await self.post("/refunds", {"payment_id": payment["id"], "amount": amount}, key=key)

    async def submit(self, payment: Object, number: str, **changes: str) -> httpx.Response:
        """Submit the card form."""
        return await self.http.post(f"/sandbox/checkout/{payment['id']}", data=card_form(number, **changes))

    async def submit_code(self, payment: Object, code: str, **changes: str) -> httpx.Response:
        """Submit the 3-D Secure form."""
        return await self.http.post(f"/sandbox/checkout/{payment['id']}/3ds", data={"code": code, **changes})

    async def pay(self, payment: Object, number: str = GOOD_CARD) -> Object:
        """Pay by card, with a good code if one is asked for, and give the payment as it is then."""
        answer = await self.submit(payment, number)
        if answer.headers["location"].endswith("/3ds"):
            answer = await self.submit_code(payment, "123456")
        assert (answer.status_code, answer.headers["location"]) == (303, RETURN_URL)
        return await self.read(payment)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Turn a switch of the control panel that must be accepted."""
        answer = await self.http.request(method, f"/sandbox/control/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def advance(self, seconds: int) -> None:
        """Move the sandbox's clock."""
        await self.control("POST", "/clock", {"advance_seconds": seconds})

    async def fault(self, kind: str, **changes: Any) -> Object:
        """Switch a fault on."""
        return dict(await self.control("POST", "/faults", {"kind": kind, **changes}))

    async def notifications(self, payment: Object) -> list[Object]:
        """List the notifications of a payment, newest first."""
        return list((await self.control("GET", f"/notifications?payment_id={payment['id']}"))["items"])


def order(**changes: Any) -> Object:
    """Make the body of a payment; a change to None leaves the field out."""
    body = {
        "amount": {"value": "149.90", "currency": "RUB"},
        "capture": True,
        "confirmation": {"type": "redirect", "return_url": RETURN_URL},
        "description": "Order 17",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def card_form(number: str, **changes: str) -> dict[str, str]:
    """Fill in the card form."""
    return {"card_number": number, "expiry_month": "12", "expiry_year": "2099", "cvc": "123", **changes}


def taken(answer: httpx.Response) -> Object:
    """Give the object of an answer that must be a success."""
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def refused(answer: httpx.Response, status: int = 400, code: str = "invalid_request") -> Object:
    """Give the error object of an answer that must be a refusal."""
    body = answer.json()
    assert (answer.status_code, body["type"], body["code"]) == (status, "error", code), answer.text
    assert answer.headers["content-type"] == "application/json"
    return dict(body)
