"""Payment between billing, browsers and the sandbox, with every act of theirs as one call."""

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
from fastapi import FastAPI
from sqlalchemy import select

from tests.factories.auth_door import AuthDoor
from tests.payment.network import Network
from theatre.contracts.money import Amount
from theatre.contracts.payment import PREFIX, AttemptStart, ReceiptStart, RefundStart
from theatre.kit.clock import MovableClock
from theatre.kit.ids import new_id
from theatre.payment import jobs
from theatre.payment.models import Attempt, Base, OutboxMessage, ProviderEvent
from theatre.payment.resources import Resources
from theatre.payment.settings import PaymentSettings
from theatre.payment.wallet_payments import Desk

HOUSE = "http://127.0.0.1:8000"
CALLBACKS = "/payment/api/v1/callbacks/yookassa"
CREATE = "POST /sandbox/v3/payments"
READ = "GET /sandbox/v3/payments/"
REFUND = "POST /sandbox/v3/refunds"
READ_REFUND = "GET /sandbox/v3/refunds/"
GOOD_CARD = "5555555555554444"
POOR_CARD = "5555555555554600"
PENDING_REFUND_CARD = "2200999900000040"
FAILING_REFUND_CARD = "2200999900000057"
STRIPE_CALLBACKS = "/payment/api/v1/callbacks/stripe"
STRIPE = "/sandbox/stripe/v1"
STRIPE_CREATE = f"POST {STRIPE}/checkout/sessions"
STRIPE_READ = f"GET {STRIPE}/checkout/sessions/"
STRIPE_REFUND = f"POST {STRIPE}/refunds"
STRIPE_READ_REFUND = f"GET {STRIPE}/refunds/"
STRIPE_READ_DISPUTE = f"GET {STRIPE}/disputes/"
STRIPE_CARD = "4242424242424242"
DISPUTED_CARD = "4000000000000259"
STRIPE_POOR_CARD = "4000000000009995"
SLOW_CARD = "2200999900000016"
SLOW_POOR_CARD = "2200999900000024"
WEBHOOK_SECRET = "whsec_sandbox"


@dataclass
class Stage:
    """Everything that a test of payment acts with."""

    app: FastAPI
    network: Network
    from_sandbox: Network
    clock: MovableClock
    auth: AuthDoor
    settings: PaymentSettings

    @property
    def resources(self) -> Resources:
        resources: Resources = self.app.state.resources
        return resources

    @property
    def desk(self) -> Desk:
        """What the wallet's pages work with."""
        desk = self.resources.wallet_desk
        assert desk is not None
        return desk

    def caller(self, address: str = "127.0.0.1") -> httpx.AsyncClient:
        """Give a client that calls from an address."""
        transport = httpx.ASGITransport(self.app, client=(address, 5000))
        return httpx.AsyncClient(transport=transport, base_url=HOUSE)

    async def post(
        self, path: str, asked: AttemptStart | RefundStart | ReceiptStart | None = None
    ) -> httpx.Response:
        """Call an internal door as billing does."""
        content = asked.model_dump_json() if asked else "{}"
        headers = {"Content-Type": "application/json", **self.auth.service("billing")}
        return await self.caller().post(f"{PREFIX}/{path}", content=content, headers=headers)

    async def begin(self, asked: AttemptStart | None = None) -> dict[str, Any]:
        """Begin an attempt; it must not be refused."""
        response = await self.post("attempts", asked or order())
        assert response.status_code == 200, response.text
        attempt: dict[str, Any] = response.json()
        return attempt

    async def read(self, attempt_id: str) -> dict[str, Any]:
        """Read an attempt as billing does."""
        response = await self.caller().get(
            f"{PREFIX}/attempts/{attempt_id}", headers=self.auth.service("billing")
        )
        assert response.status_code == 200, response.text
        attempt: dict[str, Any] = response.json()
        return attempt

    async def list_operations(
        self, since: datetime, *, provider: str = "yookassa", **params: str
    ) -> list[dict[str, Any]]:
        """Read all pages of what a payment system did in the day from a moment on, as billing does."""
        until = (since + timedelta(days=1)).isoformat()
        asked = {"since": since.isoformat(), "until": until, **params}
        items: list[dict[str, Any]] = []
        while True:
            response = await self.caller().get(
                f"{PREFIX}/providers/{provider}/operations",
                params=asked,
                headers=self.auth.service("billing"),
            )
            assert response.status_code == 200, response.text
            items += response.json()["items"]
            if response.json()["next_cursor"] is None:
                return items
            asked["cursor"] = response.json()["next_cursor"]

    async def settle_operation(
        self, kind: str, *, provider: str = "yookassa", **which: str
    ) -> httpx.Response:
        """Have one operation read again, as billing does."""
        headers = {"Content-Type": "application/json", **self.auth.service("billing")}
        body = {"kind": kind, **which}
        path = f"{PREFIX}/providers/{provider}/operations"
        return await self.caller().post(path, json=body, headers=headers)

    async def refund_in_cabinet(self, attempt: dict[str, Any], value: str = "399.00") -> dict[str, Any]:
        """Give money back as somebody does in the payment system's own cabinet: without a word to us."""
        body = {"payment_id": attempt["provider_reference"], "amount": {"value": value, "currency": "RUB"}}
        return await self.ask_sandbox(
            "POST", "refunds", json=body, headers={"Idempotence-Key": str(new_id())}
        )

    async def pay(self, attempt: dict[str, Any], card: str = GOOD_CARD) -> None:
        """Pay on the payment system's page, as a browser does."""
        form = {"card_number": card, "expiry_month": "12", "expiry_year": "2040", "cvc": "123"}
        response = await self.browse("POST", attempt["confirmation_url"], data=form)
        assert response.status_code == 303, response.text

    async def begin_paid(self, card: str = GOOD_CARD, **words: Any) -> dict[str, Any]:
        """Begin an attempt, pay it, and let payment hear of it."""
        attempt = await self.begin(order(**words))
        await self.pay(attempt, card)
        response = await self.call_back("payment.succeeded", attempt["provider_reference"])
        assert response.status_code == 200, response.text
        return attempt

    async def refund(self, attempt: dict[str, Any], asked: RefundStart | None = None) -> dict[str, Any]:
        """Ask for money back; it must not be refused by the door."""
        response = await self.post(f"attempts/{attempt['id']}/refunds", asked or give_back(attempt))
        assert response.status_code == 200, response.text
        refund: dict[str, Any] = response.json()
        return refund

    async def browse(self, method: str, url: str, **arguments: Any) -> httpx.Response:
        """Do something as a browser."""
        async with httpx.AsyncClient(transport=self.network, base_url=HOUSE) as browser:
            return await browser.request(method, url, **arguments)

    async def ask_sandbox(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Speak with the payment system as a merchant does."""
        secret = self.settings.yookassa_secret_key.get_secret_value()
        auth = (self.settings.yookassa_shop_id, secret)
        transport = httpx.ASGITransport(self.network.applications["sandbox"])
        async with httpx.AsyncClient(transport=transport, base_url=HOUSE, auth=auth) as merchant:
            response = await merchant.request(method, f"/sandbox/v3/{path}", **arguments)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def ask_clock(self, *, advance_seconds: int) -> None:
        """Move the sandbox's clock; what becomes due is done soon."""
        transport = httpx.ASGITransport(self.network.applications["sandbox"])
        async with httpx.AsyncClient(transport=transport, base_url=HOUSE) as tester:
            body = {"advance_seconds": advance_seconds}
            response = await tester.post("/sandbox/control/v1/clock", json=body)
        assert response.status_code == 200, response.text

    async def call_back(
        self, event: str, reference: str, *, sender: str = "127.0.0.1", **changes: Any
    ) -> httpx.Response:
        """Call back as the payment system does; `changes` are put into the object."""
        body = {"type": "notification", "event": event, "object": {"id": reference, **changes}}
        return await self.caller(sender).post(CALLBACKS, json=body)

    async def ask_stripe(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Speak with Stripe's face of the payment system as a merchant does."""
        key = self.settings.stripe_secret_key.get_secret_value()
        transport = httpx.ASGITransport(self.network.applications["sandbox"])
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(transport=transport, base_url=HOUSE, headers=headers) as merchant:
            response = await merchant.request(method, f"{STRIPE}/{path}", **arguments)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def call_back_stripe(self, kind: str, about: dict[str, Any], **signing: Any) -> httpx.Response:
        """Call back as Stripe does about an object; `signing` is that of `sign`."""
        body = orjson.dumps({"id": "evt_1", "object": "event", "type": kind, "data": {"object": about}})
        return await self.send_signed(body, **signing)

    async def send_signed(self, body: bytes, **signing: Any) -> httpx.Response:
        """Send a body to Stripe's door with a signature."""
        moment = int(self.clock.now().timestamp()) + signing.pop("age_seconds", 0)
        headers = {"Content-Type": "application/json", "Stripe-Signature": sign(body, moment, **signing)}
        return await self.caller("203.0.113.9").post(STRIPE_CALLBACKS, content=body, headers=headers)

    async def dispute(self, attempt: dict[str, Any], **terms: Any) -> dict[str, Any]:
        """Have the payer's bank dispute an attempt's money; gives the tester's view of the dispute."""
        there = UUID(attempt["provider_reference"].removeprefix("cs_test_"))
        return await self.turn(f"payments/{there}/disputes", terms)

    async def end_dispute(self, dispute: dict[str, Any], end: str) -> None:
        """Let the shop `win` or `lose` a dispute."""
        await self.turn(f"disputes/{dispute['id']}/{end}")

    async def turn(self, switch: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Turn a switch of the sandbox's control panel."""
        transport = httpx.ASGITransport(self.network.applications["sandbox"])
        async with httpx.AsyncClient(transport=transport, base_url=HOUSE) as tester:
            answer = await tester.post(f"/sandbox/control/v1/{switch}", json=body)
        assert answer.is_success, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    async def tell_of_dispute(self, dispute: dict[str, Any], news: str) -> httpx.Response:
        """Call back as Stripe does about a dispute as it is there now."""
        reference = f"du_{UUID(dispute['id']).hex}"
        return await self.call_back_stripe(
            f"charge.dispute.{news}", await self.ask_stripe("GET", f"disputes/{reference}")
        )

    async def pass_in_sandbox(self, seconds: int) -> None:
        """Let time pass at the payment system."""
        answer = await self.browse("POST", "/sandbox/control/v1/clock", json={"advance_seconds": seconds})
        assert answer.status_code == 200

    async def facts(self, attempt: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
        """List what payment told about a payment."""
        query = select(OutboxMessage).where(OutboxMessage.aggregate_id == UUID(attempt["payment_id"]))
        async with self.resources.sessions() as session:
            rows = await session.scalars(query.order_by(OutboxMessage.id))
            return [(row.type, row.data) for row in rows]

    async def fact_keys(self, attempt: dict[str, Any]) -> list[str]:
        """List the keys of what payment told about a payment."""
        return [key for key, _ in await self.facts(attempt)]

    async def row(self, attempt_id: str) -> Attempt:
        """Give an attempt's row."""
        async with self.resources.sessions() as session:
            return await session.get_one(Attempt, UUID(attempt_id))

    async def events(self) -> list[ProviderEvent]:
        """List stored callbacks."""
        async with self.resources.sessions() as session:
            return list(await session.scalars(select(ProviderEvent).order_by(ProviderEvent.id)))

    async def count(self, table: type[Base]) -> int:
        """Count a table's rows."""
        async with self.resources.sessions() as session:
            return len((await session.scalars(select(table))).all())

    async def wait_for_facts(self, attempt: dict[str, Any], count: int) -> list[str]:
        """Wait until so many facts were told about a payment."""
        async with asyncio.timeout(20):
            while len(keys := await self.fact_keys(attempt)) < count:
                await asyncio.sleep(0.02)
        return keys

    async def run_jobs(self) -> None:
        """Let the janitor have one round."""
        await jobs.check_attempts(self.resources)
        await jobs.check_refunds(self.resources)
        await jobs.check_events(self.resources)
        await jobs.check_transfers(self.resources)

    async def wait(self, **step: float) -> None:
        """Let time pass and the janitor have a round."""
        self.clock.advance(timedelta(**step))
        await self.run_jobs()


def sign(body: bytes, moment: int, *, secret: str = WEBHOOK_SECRET) -> str:
    """Sign a body as Stripe does."""
    signed = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256)
    return f"t={moment},v1={signed.hexdigest()}"


def order(**words: Any) -> AttemptStart:
    """Write what billing asks for; `total_minor` and `currency` make the amount."""
    amount = Amount(amount_minor=words.pop("total_minor", 39900), currency=words.pop("currency", "RUB"))
    defaults = {
        "id": new_id(),
        "payment_id": new_id(),
        "user_id": new_id(),
        "total": amount,
        "description": "A month of films",
        "return_url": f"{HOUSE}/payments/1",
    }
    return AttemptStart(**{**defaults, **words})


def give_back(attempt: dict[str, Any], **words: Any) -> RefundStart:
    """Write what billing asks to be given back."""
    amount = Amount(amount_minor=words.pop("amount_minor", 39900), currency=words.pop("currency", "RUB"))
    defaults = {"id": new_id(), "payment_id": attempt["payment_id"], "amount": amount, "reason": "not wanted"}
    return RefundStart(**{**defaults, **words})
