"""Refunds asked for over HTTP (token, key, the payment's lock, ledger, message) against the same SQL run by pgbench.

One worker process of billing. The SQL is recorded from the verb itself, so the ratio is what the door, the token, the
ORM and Python cost. Each refund is of one kopeck, of payments that are drawn anew.

python -m benchmarks.refunds
"""

import asyncio
import random
from datetime import UTC, datetime
from functools import partial
from hashlib import md5
from itertools import count
from uuid import UUID, uuid4

import asyncpg
import orjson
from fastapi import Request
from rich.console import Console

from benchmarks import pgbench, ratio
from benchmarks.load import Make, Measure, drive, post
from benchmarks.purchase import shopper
from benchmarks.ratio import SECONDS
from benchmarks.recording import recording
from benchmarks.stage import Stage, open_stage
from theatre.billing import refunds
from theatre.billing.models import IdempotencyKey, RefundSource
from theatre.billing.schemas import RefundAnswer
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import SystemClock
from theatre.kit.db import open_engine, sessions_of
from theatre.kit.idempotency import Flights, Once
from theatre.kit.ids import new_id
from theatre.kit.money import Money

PAYMENTS = 20_000
FILL = (
    """
INSERT INTO billing.payment (id, user_id, status, currency, total_minor, discount_minor, refunded_minor, title,
                             provider, created_at, expires_at, paid_at, paid_attempt_id, save_method)
SELECT md5('payment' || number)::uuid, $1, 'paid', 'RUB', 29900, 0, 0, 'Metropolis', 'yookassa', now(),
       now() + interval '1 day', now(), md5('attempt' || number)::uuid, false
FROM generate_series(1, $2::int) AS number WHERE $3::uuid IS NOT NULL""",
    """
INSERT INTO billing.payment_item (id, payment_id, position, product_id, price_id, name, kind, quantity, unit_minor,
                                  total_minor)
SELECT md5('item' || number)::uuid, md5('payment' || number)::uuid, 0, price.product_id, price.id, 'Metropolis',
       'film', 1, 29900, 29900
FROM generate_series(1, $2::int) AS number, billing.price WHERE price.id = $3 AND $1::uuid IS NOT NULL""",
    """
INSERT INTO billing.entitlement (id, user_id, kind, product_id, payment_id, payment_item_id, starts_at, created_at)
SELECT md5('right' || number)::uuid, $1, 'film', price.product_id, md5('payment' || number)::uuid,
       md5('item' || number)::uuid, now(), now()
FROM generate_series(1, $2::int) AS number, billing.price WHERE price.id = $3""",
)


async def main() -> None:
    """Measure and print the table."""
    async with open_stage([("serve", "auth"), ("serve", "billing")]) as stage:
        token, price_id = await shopper(stage)
        user_id = await fill(stage.servers.postgres_url, price_id)
        script = await record(stage, user_id)
        make, port = requests(token), stage.ports["billing"]

        async def sql(clients: int) -> float:
            url, folder = stage.servers.postgres_url, stage.home
            return await pgbench.run(url, script, clients=clients, seconds=SECONDS, folder=folder)

        async def door(clients: int) -> Measure:
            return await drive(port, make, clients=clients, seconds=SECONDS, expected=201)

        await drive(port, make, clients=4, seconds=1, expected=201)
        results = await ratio.compare(sql, door)
        Console().print(ratio.table("ask for a refund, one worker process", "pgbench tx/s", results))


async def fill(url: str, price_id: str) -> UUID:
    """Let the only user have so many paid payments; give their id."""
    connection = await asyncpg.connect(url)
    user_id = UUID(str(await connection.fetchval('SELECT id FROM auth."user"')))
    for statement in FILL:
        await connection.execute(statement, user_id, PAYMENTS, UUID(price_id))
    await connection.execute("VACUUM ANALYZE billing.payment, billing.payment_item, billing.entitlement")
    await connection.close()
    return user_id


async def record(stage: Stage, user_id: UUID) -> str:
    """Ask for one refund here, and write down what that says to the database."""
    engine = open_engine(stage.servers.postgres_url, role="billing", pool_size=1)
    number, sessions, clock = 1, sessions_of(engine), SystemClock()
    drawn = {
        id_of(kind, number): f"md5('{kind}' || :number)::uuid" for kind in ("payment", "item", "attempt")
    }
    claim = refunds.Claim(RefundSource.USER, user_id, "changed my mind", Money(1, "RUB"))
    verb = partial(
        refunds.request,
        payment_id=id_of("payment", number),
        claim=claim,
        settings=BillingSettings(),
        now=datetime.now(UTC),
    )
    with recording(engine, drawn) as recorded:
        once = Once(
            Request({"type": "http"}),
            sessions,
            IdempotencyKey,
            Flights(),
            clock,
            user_id,
            key=str(new_id()),
            fingerprint=b"x" * 32,
        )
        await once.run(verb, answer=RefundAnswer.of)
    await engine.dispose()
    return recorded.script(rf"\set number random(1, {PAYMENTS})")


def requests(token: str) -> Make:
    """Ask for a kopeck of a payment drawn by lot, each time under a new key."""
    numbers, run, lots = count(), uuid4().hex, random.Random(1)
    body = orjson.dumps({"amount": {"amount": "0.01", "currency": "RUB"}, "reason": "changed my mind"})
    return lambda: post(
        f"/billing/api/v1/payments/{id_of('payment', lots.randint(1, PAYMENTS))}/refunds",
        body,
        f"Authorization: Bearer {token}\r\nIdempotency-Key: {run}{next(numbers)}\r\n",
    )


def id_of(kind: str, number: int) -> UUID:
    """Give the id that `FILL` gave."""
    return UUID(md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


if __name__ == "__main__":
    asyncio.run(main())
