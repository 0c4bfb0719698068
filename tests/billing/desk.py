"""Payment-service as billing sees it over HTTP: answers what a test tells it to. Everything else goes on to auth."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

Answer = Callable[[httpx.Request], httpx.Response]


class PaymentDesk:
    """Records what billing asks; by default every attempt gets a link and every refund stays pending."""

    def __init__(self, auth: httpx.ASGITransport) -> None:
        self._auth = auth
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: Answer = self.usual
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self.transport = httpx.MockTransport(self._receive)

    async def _receive(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/auth/"):
            return await self._auth.handle_async_request(request)
        body = orjson.loads(request.content) if request.content else {}
        self.asked.append((request.method, request.url.path, body))
        if self.before_answer is not None:
            before, self.before_answer = self.before_answer, None
            await before()
        return self.answer(request)

    def usual(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(("/attempts/outcomes", "/events")):
            return httpx.Response(200, json={"items": []})
        if request.url.path == "/payment/internal/v1/payments":
            return httpx.Response(200, json={"payment_ids": []})
        if request.method == "GET":
            return httpx.Response(404, json={"code": "payment.attempt_not_found"})
        body = orjson.loads(request.content) if request.content else {}
        if request.url.path.endswith("/refunds"):
            attempt_id = request.url.path.split("/")[-2]
            state = {"id": body["id"], "attempt_id": attempt_id, "status": "pending", "failure": None}
            return httpx.Response(201, json=state)
        if request.url.path.endswith("/receipts"):
            return httpx.Response(200, json=receipt(body))
        return httpx.Response(201, json=attempt(body))


def attempt(body: dict[str, Any], *, status: str = "pending", **changes: Any) -> dict[str, Any]:
    """Make payment-service's answer about an attempt."""
    return {
        "id": body["id"],
        "payment_id": body["payment_id"],
        "status": status,
        "provider": "yookassa",
        "provider_reference": "ref",
        "confirmation_url": f"https://pay.example/{body['id']}",
        "short_url": f"https://theatre.example/s/{body['id']}",
        "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "failure": None,
        **changes,
    }


def receipt(body: dict[str, Any], *, status: str = "pending", **changes: Any) -> dict[str, Any]:
    """Make payment-service's answer about a fiscal receipt; a registered one has its numbers."""
    document = {
        "document_number": "31415",
        "storage_number": "9288000100115785",
        "attribute": "3215849977",
        "registered_at": "2027-01-31T12:00:07Z",
    }
    return {
        "id": body["id"],
        "status": status,
        "reference": f"rt-{body['id']}",
        "document": document if status == "succeeded" else None,
        "failure": {"code": "provider_refused", "message": "no"} if status == "failed" else None,
        **changes,
    }
