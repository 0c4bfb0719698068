"""Whole purchases over every role as a process of its own: create, check out, pay by card, settled, mail queued.

First one at a time on an idle house: how long after the card page's answer the right to watch is visible. Then many
at once: how many whole purchases per second until the last mail is queued. The shopper shares the machine's cores.
"""

import asyncio
import time
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.load import percentile
from benchmarks.purchase import shopper
from benchmarks.stage import Stage, open_stage

ROLES = [
    ("serve", "auth"),
    ("serve", "short_link"),
    ("serve", "notification"),
    ("serve", "sandbox"),
    ("serve", "payment"),
    ("serve", "billing"),
    ("work", "billing"),
]
WARM_UP_CYCLES = 5
IDLE_CYCLES = 100
BUSY_CYCLES = 400
CLIENTS = 16
POLL_SECONDS = 0.002
PATIENCE_SECONDS = 120
CARD = {"card_number": "5555555555554444", "expiry_month": "12", "expiry_year": "2040", "cvc": "123"}


class Shopper:
    """Buys over and over as one user."""

    def __init__(self, stage: Stage, token: str, price_id: str, http: httpx.AsyncClient) -> None:
        self.stage = stage
        self.http = http
        self.price_id = price_id
        self.headers = {"Authorization": f"Bearer {token}"}
        self.api = f"{stage.url('billing')}/billing/api/v1"

    async def pay(self) -> str:
        """Create a payment, check out and pay on the card page; gives the payment's id."""
        order = {"items": [{"price_id": self.price_id, "quantity": 1}]}
        payment = (await self._post("/payments", order)).json()
        link = (await self._post(f"/payments/{payment['id']}/checkout", {})).json()
        page = urlsplit(link["confirmation_url"]).path
        answer = await self.http.post(f"{self.stage.url('sandbox')}{page}", data=CARD)
        if answer.status_code != httpx.codes.SEE_OTHER:
            raise RuntimeError(f"the card page answered {answer.status_code}")
        return str(payment["id"])

    async def is_paid(self, payment_id: str) -> bool:
        """Tell whether a payment is paid, and with it the right is granted."""
        answer = await self.http.get(f"{self.api}/payments/{payment_id}", headers=self.headers)
        return bool(answer.json()["status"] == "paid")

    async def _post(self, path: str, body: object) -> httpx.Response:
        headers = {**self.headers, "Idempotency-Key": str(uuid4())}
        return (await self.http.post(f"{self.api}{path}", json=body, headers=headers)).raise_for_status()


async def main() -> None:
    """Measure and print the table."""
    async with open_stage(ROLES) as stage, httpx.AsyncClient(timeout=30) as http:
        token, price_id = await shopper(stage)
        buyer = Shopper(stage, token, price_id, http)
        for _ in range(WARM_UP_CYCLES):
            await settle_alone(buyer)
        idle = sorted([await settle_alone(buyer) for _ in track(range(IDLE_CYCLES), "one at a time")])
        rate = await settle_many(stage, buyer)
        drawn = Table(title="whole purchases, one process per role")
        drawn.add_column("what")
        drawn.add_column("figure", justify="right")
        drawn.add_row("card page answered → right visible, idle, p50", f"{percentile(idle, 0.5):.0f} ms")
        drawn.add_row("card page answered → right visible, idle, p99", f"{percentile(idle, 0.99):.0f} ms")
        drawn.add_row(f"whole purchases with {CLIENTS} buyers, until mail is queued", f"{rate:.1f} /s")
        Console().print(drawn)


async def settle_alone(buyer: Shopper) -> float:
    """Pay once on an idle house; give the seconds from the card page's answer to *paid*."""
    payment_id = await buyer.pay()
    started = time.perf_counter()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await buyer.is_paid(payment_id):
            await asyncio.sleep(POLL_SECONDS)
    return time.perf_counter() - started


async def settle_many(stage: Stage, buyer: Shopper) -> float:
    """Pay many times with several buyers; give whole purchases per second."""
    database = await asyncpg.connect(stage.servers.postgres_url)
    before = await count_deliveries(database)
    started = time.perf_counter()
    left = iter(range(BUSY_CYCLES))

    async def client() -> None:
        for _ in left:
            await buyer.pay()

    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        while await count_deliveries(database) < before + BUSY_CYCLES:
            await asyncio.sleep(0.02)
    elapsed = time.perf_counter() - started
    await database.close()
    return BUSY_CYCLES / elapsed


async def count_deliveries(database: asyncpg.Connection) -> int:
    """Count the mails that are queued or sent for payments."""
    return int(await database.fetchval("SELECT count(*) FROM notification.delivery"))


if __name__ == "__main__":
    asyncio.run(main())
