"""Intake of a payment system's callbacks against a bare transaction behind a bare door (L-2 of the reliability matrix).

Every callback is a new success, so it is stored, asked about at the payment system, applied to its attempt and told to
billing; twins would be cheap. One worker process each; the payment system is a stand-in that answers each question
after five milliseconds. Demanded: 40 % of the bare transaction, p99 at most 300 ms.

python -m benchmarks.callbacks
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import md5
from uuid import UUID

import asyncpg
import httptools
import orjson
from rich.console import Console

from benchmarks import bare, ratio
from benchmarks.load import Measure, drive, post
from benchmarks.ratio import SECONDS
from benchmarks.stage import free_ports, open_stage
from theatre.payment.settings import SANDBOX_SHOP_ID

ATTEMPTS = 60_000
ANSWER_SECONDS = 0.005
AMOUNT = {"value": "299.00", "currency": "RUB"}
PREFIX = "bench-"
CALLBACKS = "/payment/api/v1/callbacks/yookassa"
FILL = f"""
INSERT INTO payment.attempt (id, payment_id, user_id, status, provider, provider_reference, amount_minor, currency,
                             description, return_url, save_method, created_at, expires_at, next_check_at)
SELECT md5('attempt' || number)::uuid, md5('payment' || number)::uuid, gen_random_uuid(), 'pending', 'yookassa',
       '{PREFIX}' || number, 29900, 'RUB', 'Metropolis', '/', false, now(), tomorrow, tomorrow
FROM generate_series(1, $1::int) AS number, LATERAL (SELECT now() + interval '1 day' AS tomorrow) AS later"""


class PaymentSystem(asyncio.Protocol):
    """Stands in for the payment system: every payment it is asked about has succeeded."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.reference = url.decode().rpartition("/")[2]

    def on_message_complete(self) -> None:
        asyncio.get_running_loop().call_later(ANSWER_SECONDS, self.answer, self.reference)

    def answer(self, reference: str) -> None:
        """Tell how a payment stands."""
        number = reference.removeprefix(PREFIX)
        body = orjson.dumps(
            {
                "id": reference,
                "status": "succeeded",
                "amount": AMOUNT,
                "income_amount": {"value": "288.54", "currency": "RUB"},
                "recipient": {"account_id": SANDBOX_SHOP_ID, "gateway_id": "1"},
                "test": False,
                "paid": True,
                "captured_at": datetime.now(UTC),
                "metadata": {
                    "attempt_id": str(id_of("attempt", number)),
                    "payment_id": str(id_of("payment", number)),
                },
            }
        )
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)


async def main() -> None:
    """Measure and print the table."""
    there, bare_port = free_ports(2)
    await asyncio.get_running_loop().create_server(PaymentSystem, "127.0.0.1", there)
    async with open_stage(
        [("serve", "payment")], PAYMENT_YOOKASSA_API_URL=f"http://127.0.0.1:{there}"
    ) as stage:
        # whose queue takes what the callbacks tell
        await stage.theatre("init", "billing")
        await fill(stage.servers.postgres_url)
        await bare.launch(stage, bare_port)
        told, port = callbacks(), stage.ports["payment"]
        asked = post(bare.PATH, b"{}", "")

        async def transaction(clients: int) -> float:
            measure = await drive(bare_port, lambda: asked, clients=clients, seconds=SECONDS, expected=200)
            return measure.rate

        async def door(clients: int) -> Measure:
            return await drive(port, lambda: next(told), clients=clients, seconds=SECONDS, expected=200)

        await drive(port, lambda: next(told), clients=4, seconds=1, expected=200)
        results = await ratio.compare(transaction, door)
        Console().print(ratio.table("intake of callbacks, one worker process", "bare tx/s", results))


async def fill(url: str) -> None:
    """Let so many attempts wait for their payers."""
    connection = await asyncpg.connect(url)
    await connection.execute(FILL, ATTEMPTS)
    await connection.execute("VACUUM ANALYZE payment.attempt")
    await connection.close()


def callbacks() -> Iterator[bytes]:
    """Tell of each attempt's success, once."""
    for number in range(1, ATTEMPTS + 1):
        told = {"id": f"{PREFIX}{number}", "status": "succeeded", "amount": AMOUNT}
        body = {"type": "notification", "event": "payment.succeeded", "object": told}
        yield post(CALLBACKS, orjson.dumps(body), "")


def id_of(kind: str, number: str) -> UUID:
    """Give the id that `FILL` gave."""
    return UUID(md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


if __name__ == "__main__":
    asyncio.run(main())
