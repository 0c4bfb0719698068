"""Create payment over HTTP (token, idempotency key, price, payment, item) against the same SQL run by pgbench.

One worker process of billing; the load, the service and PostgreSQL share this machine's cores, so the ratio is what
counts. Runs are interleaved and the median of three is given.
"""

import asyncio
import re
from itertools import count
from uuid import uuid4

import httpx
import orjson
from rich.console import Console

from benchmarks import pgbench, ratio
from benchmarks.load import Make, Measure, drive, post
from benchmarks.ratio import SECONDS
from benchmarks.stage import Stage, open_stage
from theatre.billing.quick_purchase import CREATE

PASSWORD = "a long enough phrase"  # noqa: S105 - of a user who lives for a minute


async def main() -> None:
    """Measure and print the table."""
    async with open_stage([("serve", "auth"), ("serve", "billing")]) as stage:
        token, price_id = await shopper(stage)
        make = requests(token, price_id)
        script = as_script(price_id)
        port = stage.ports["billing"]

        async def sql(clients: int) -> float:
            url, folder = stage.servers.postgres_url, stage.home
            return await pgbench.run(url, script, clients=clients, seconds=SECONDS, folder=folder)

        async def door(clients: int) -> Measure:
            return await drive(port, make, clients=clients, seconds=SECONDS, expected=201)

        await drive(port, make, clients=4, seconds=1, expected=201)
        results = await ratio.compare(sql, door)
        Console().print(ratio.table("create payment, one worker process", "pgbench tx/s", results))


async def shopper(stage: Stage) -> tuple[str, str]:
    """Register a user; give their token and the id of a price."""
    async with httpx.AsyncClient() as http:
        name = f"u{uuid4().hex[:12]}"
        form = {"login": name, "password": PASSWORD, "email": f"{name}@theatre.example"}
        (await http.post(f"{stage.url('auth')}/auth/api/v1/register", json=form)).raise_for_status()
        login = {"username": name, "password": PASSWORD}
        tokens = (await http.post(f"{stage.url('auth')}/auth/api/v1/jwt/login", data=login)).json()
        products = (await http.get(f"{stage.url('billing')}/billing/api/v1/products?kind=film")).json()
    return tokens["access_token"], products["items"][0]["prices"][0]["id"]


def requests(token: str, price_id: str) -> Make:
    """Make requests that differ in their key alone."""
    numbers = count()
    run = uuid4().hex
    body = orjson.dumps({"items": [{"price_id": price_id, "quantity": 1}]})
    return lambda: post(
        "/billing/api/v1/payments",
        body,
        f"Authorization: Bearer {token}\r\nIdempotency-Key: {run}{next(numbers)}\r\n",
    )


def as_script(price_id: str) -> str:
    """Write the statement that the service runs as a pgbench script with values of its own."""
    price = f"'{{{price_id}}}'"
    product = f"(SELECT product_id FROM billing.price WHERE id = '{price_id}')"
    values = {
        1: "gen_random_uuid()",
        2: "gen_random_uuid()::text",
        3: "sha256('x')",
        4: "now()",
        5: "convert_to(repeat('x', 700), 'UTF8')",
        6: price,
        7: "uuidv7()",
        8: "'RUB'",
        9: "29900",
        10: "'Metropolis'",
        11: "now() + interval '1 day'",
        12: "ARRAY[uuidv7()]",
        13: f"ARRAY[{product}]",
        14: "ARRAY['Metropolis']",
        15: "ARRAY['film']",
        16: "ARRAY[1]",
        17: "ARRAY[29900]",
    }
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1])], CREATE) + ";\n"


if __name__ == "__main__":
    asyncio.run(main())
