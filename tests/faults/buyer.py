"""A buyer who never gives up: every request is sent again under its old key until it has a definite answer."""

import asyncio
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx

from tests.flows.programs import PAUSE_SECONDS
from tests.flows.shopping import CARD_WITHOUT_QUESTIONS
from theatre.demo.forms import read_form
from theatre.demo.shopper import CARD

# the client's own patience with one answer (RELIABILITY 2.2, P5)
ANSWER_SECONDS = 20
PATIENCE_SECONDS = 90.0
HONEST = {200, 201, 202, 400, 401, 404, 409, 422, 429, 503}
PROBLEM = "application/problem+json"
COME_BACK = {409, 429, 503}

Json = dict[str, Any]


@dataclass
class Answers:
    """All that buyers were told: what each key was answered, and every answer that no caller should ever see."""

    by_key: dict[tuple[UUID | None, str], set[bytes]] = field(default_factory=lambda: defaultdict(set))
    accepted: set[UUID] = field(default_factory=set)
    dishonest: list[str] = field(default_factory=list)
    unanswered: int = 0
    asked_to_come_back: int = 0


@dataclass
class Buyer:
    """One user at the doors of auth and billing; `http` keeps the token."""

    auth: str
    http: httpx.AsyncClient
    answers: Answers
    id: UUID | None = None
    login: str = field(default_factory=lambda: f"buyer-{secrets.token_hex(6)}")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    price_id: str = ""

    async def arrive(self) -> None:
        """Register, sign in and choose the cheapest plan that is paid at once."""
        account = {"login": self.login, "password": self.password, "email": f"{self.login}@example.com"}
        self.id = UUID((await self.ask("POST", f"{self.auth}/auth/api/v1/register", body=account))["id"])
        await self.sign_in()
        plans = (await self.ask("GET", "/billing/api/v1/products?kind=plan"))["items"]
        prices = [price for plan in plans for price in plan["prices"] if not price["trial_days"]]
        self.price_id = min(prices, key=lambda price: float(price["amount"]["amount"]))["id"]

    async def sign_in(self) -> None:
        """Get a token that is good for a quarter of an hour."""
        form = {"username": self.login, "password": self.password}
        token = await self.ask("POST", f"{self.auth}/auth/api/v1/jwt/login", form=form)
        self.http.headers["Authorization"] = f"Bearer {token['access_token']}"

    async def buy(self, *, times: int = 1) -> Json:
        """Begin a payment, check out (each so many times) and pay on the hosted page; the outcome comes later."""
        key = secrets.token_hex(8)
        order = {"items": [{"price_id": self.price_id, "quantity": 1}]}
        payment, link = {}, {}
        for _ in range(times):
            payment = await self.ask("POST", "/billing/api/v1/payments", key=f"{key}-payment", body=order)
        path = f"/billing/api/v1/payments/{payment['id']}/checkout"
        for _ in range(times):
            link = await self.ask("POST", path, key=f"{key}-checkout", body={})
        await self.pay(link["confirmation_url"])
        return payment

    async def pay(self, url: str) -> None:
        """Fill in the card on the payment system's page and close the browser."""
        words = {**CARD, "card_number": CARD_WITHOUT_QUESTIONS}
        deadline = time.monotonic() + PATIENCE_SECONDS
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS) as browser:
            while time.monotonic() < deadline:
                try:
                    page = await browser.get(url)
                    if page.is_success and (form := read_form(page, words)) is not None:
                        await browser.request(form.method, form.action, data=form.filled(words))
                    elif page.is_success or page.is_redirect:
                        return
                except httpx.TransportError:
                    self.answers.unanswered += 1
                await asyncio.sleep(PAUSE_SECONDS)
        raise AssertionError(f"the hosted page {url} takes no card")

    async def take_back(self, payment: Json) -> None:
        """Ask for all of the money back."""
        path = f"/billing/api/v1/payments/{payment['id']}/refunds"
        await self.ask("POST", path, key=f"{payment['id']}-refund", body={"reason": "a fault"})

    async def wait_for(self, payment: Json, status: str) -> None:
        """Look at the payment until it has a status."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        seen = payment["status"]
        while seen != status:
            assert time.monotonic() < deadline, f"payment {payment['id']} stays {seen} instead of {status}"
            await asyncio.sleep(PAUSE_SECONDS)
            seen = (await self.ask("GET", f"/billing/api/v1/payments/{payment['id']}"))["status"]

    async def ask(
        self, method: str, path: str, *, key: str = "", body: Json | None = None, form: Json | None = None
    ) -> Json:
        """Send a request until it is answered for good, always under the same key."""
        headers = {"Idempotency-Key": key} if key else {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                answer = await self.http.request(method, path, json=body, data=form, headers=headers)
            except httpx.TransportError:
                self.answers.unanswered += 1
            else:
                if answer.is_success:
                    return self._keep(key, answer)
                self._note(method, path, answer)
            await asyncio.sleep(2 * PAUSE_SECONDS)
        raise AssertionError(f"no good answer to {method} {path} under {key}: {self.answers}")

    def _note(self, method: str, path: str, answer: httpx.Response) -> None:
        words = f"{method} {path}: {answer.status_code} {answer.text[:200]}"
        if answer.status_code not in HONEST or answer.headers["content-type"] != PROBLEM:
            self.answers.dishonest.append(words)
        assert answer.status_code in COME_BACK or answer.is_server_error, words
        self.answers.asked_to_come_back += 1

    def _keep(self, key: str, answer: httpx.Response) -> Json:
        body: Json = answer.json()
        if key:
            self.answers.by_key[self.id, key].add(answer.content)
            self.answers.accepted.update([UUID(body["id"])] if key.endswith("-payment") else [])
        return body
