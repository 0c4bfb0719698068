"""What is secret is planted with a value of its own, and looked for wherever the house writes."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from tests.flows.house import own_house
from tests.flows.shopping import (
    CARD_WITHOUT_QUESTIONS,
    go_to_the_hosted_page,
    pay_and_close_the_browser,
    shopper_at,
)
from tests.telemetry.collector import running_collector
from theatre.demo.shopper import Failed
from theatre.kit.servers import running_postgres_url

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("roles")]

# the stand-in payment system is no part of the product, and keeps its merchants' keys as such systems do
ALLOWED = "sandbox"
TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema', $1)
"""


async def dump(url: str) -> str:
    """Give every row of every table as text."""
    connection = await asyncpg.connect(url)
    try:
        tables = [row[0] for row in await connection.fetch(TABLES, ALLOWED)]
        assert {"billing.outbox_message", "billing.inbox_message", "broker.message"} <= set(tables)
        rows = [
            row[0] for table in tables for row in await connection.fetch(f"SELECT t::text FROM {table} t")
        ]
        return "\n".join(rows)
    finally:
        await connection.close()


async def test_no_secret_is_written_down_and_no_line_is_faked(tmp_path: Path) -> None:
    """S-G7, S-G8."""
    async with running_collector(tmp_path) as collector, own_house() as house:
        await house.open(**collector.environment, THEATRE_LOG_FORMAT="json", THEATRE_LOG_LEVEL="debug")
        secrets = json.loads((house.home / "secrets.json").read_text())
        async with shopper_at(house.url) as shopper:
            form = {"username": shopper.login, "password": shopper.password}
            tokens = await asyncio.to_thread(shopper.ask, "POST", "/auth/api/v1/jwt/login", data=form)
            await go_to_the_hosted_page(shopper)
            await pay_and_close_the_browser(shopper, CARD_WITHOUT_QUESTIONS)
            await asyncio.to_thread(shopper.wait_for_status, "paid")
            await asyncio.to_thread(shopper.wait_for_mail)
            words = {"login": shopper.password, "password": shopper.password, "email": CARD_WITHOUT_QUESTIONS}
            answers = [
                shopper.http.post("/auth/api/v1/register", json=words),
                shopper.http.post(
                    "/auth/api/v1/jwt/refresh", json={"refresh_token": [tokens["refresh_token"]]}
                ),
                shopper.http.post("/billing/api/v1/payments", json={"card_number": CARD_WITHOUT_QUESTIONS}),
                shopper.http.get("/billing/x%0A%1b[31m%7B%22event%22:%22faked%22%7D/" + "y" * 20_000),
            ]
            with pytest.raises(Failed):
                shopper.ask(
                    "POST", "/auth/api/v1/jwt/login", data={**form, "password": shopper.password[::-1]}
                )
        canaries = {
            *secrets.values(),
            *(shopper.password, shopper.password[::-1], CARD_WITHOUT_QUESTIONS),
            *(tokens["access_token"], tokens["refresh_token"]),
        }
        assert len(canaries) > 10
        places = {
            "problems": "".join(answer.text for answer in answers),
            "database": await dump(running_postgres_url(house.home)),
            "arguments": "\n".join(house.servers()),
            "traces": json.dumps(await collector.spans()),
            "log": house.said(),
        }
    assert all(answer.is_client_error for answer in answers)
    assert all(len(place) > 100 for place in places.values())
    # what is no secret is found, so what is not found is not there
    assert shopper.email in places["database"]
    assert shopper.payment["id"] in places["log"]
    assert not {name for name, place in places.items() for canary in canaries if canary in place}
    lines = [json.loads(line) for line in places["log"].splitlines() if line.startswith("{")]
    requests = [line for line in lines if line["event"] == "request"]
    assert requests
    assert all(line["request_id"] and line["trace_id"] and line["service"] for line in requests)
    assert "faked" not in {line["event"] for line in lines}
    assert "\x1b" not in places["log"]
