"""Create payment over HTTP (token, idempotency key, price, payment, item) against the same SQL run by pgbench.

One worker process of billing; the load, the service and PostgreSQL share this machine's cores, so the ratio is what
counts. Runs are interleaved and the median of three is given.
"""

import asyncio
import re
import statistics
from itertools import count
from uuid import uuid4

import httpx
import orjson
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import pgbench
from benchmarks.load import Make, Measure, drive, post
from benchmarks.stage import Stage, open_stage
from theatre.billing.quick_purchase import CREATE

CLIENTS = (1, 16, 64)
ROUNDS = 3
SECONDS = 3
PASSWORD = "a long enough phrase"  # noqa: S105 - of a user who lives for a minute


async def main() -> None:
    """Measure and print the table."""
    async with open_stage([("serve", "auth"), ("serve", "billing")]) as stage:
        token, price_id = await shopper(stage)
        make = requests(token, price_id)
        script = as_script(price_id)
        await drive(stage.ports["billing"], make, clients=4, seconds=1, expected=201)
        results: dict[int, list[tuple[float, Measure]]] = {clients: [] for clients in CLIENTS}
        for clients in track(CLIENTS * ROUNDS, "measuring"):
            rate = await pgbench.run(
                stage.servers.postgres_url, script, clients=clients, seconds=SECONDS, folder=stage.home
            )
            measure = await drive(
                stage.ports["billing"], make, clients=clients, seconds=SECONDS, expected=201
            )
            results[clients].append((rate, measure))
        Console().print(table(results))


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


def table(results: dict[int, list[tuple[float, Measure]]]) -> Table:
    """Draw the medians."""
    drawn = Table(title="create payment, one worker process")
    for column in ("clients", "pgbench tx/s", "HTTP req/s", "ratio", "p50 ms", "p99 ms", "refused"):
        drawn.add_column(column, justify="right")
    for clients, rounds in results.items():
        base = statistics.median(rate for rate, _ in rounds)
        rate = statistics.median(measure.rate for _, measure in rounds)
        drawn.add_row(
            str(clients),
            f"{base:,.0f}",
            f"{rate:,.0f}",
            f"{rate / base:.2f}",
            f"{statistics.median(measure.p50_ms for _, measure in rounds):.1f}",
            f"{statistics.median(measure.p99_ms for _, measure in rounds):.1f}",
            str(sum(measure.refused for _, measure in rounds)),
        )
    return drawn


if __name__ == "__main__":
    asyncio.run(main())
