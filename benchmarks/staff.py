"""Staff's list of payments over a million of them: pages near and far, every filter, and the whole as CSV.

The list must cost the same on page 10,000 as on page 1, no filter may scan the table, and the file must grow no memory.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.footprint import MIB, memory_of
from benchmarks.plans import plan_of, scanned_tables
from benchmarks.purchase import PASSWORD
from benchmarks.stage import Stage, open_stage
from theatre.billing import payment_records
from theatre.billing.models import PaymentStatus
from theatre.billing.payment_records import PaymentFilter
from theatre.kit.db import open_engine, sessions_of
from theatre.kit.pagination import PageRequest, encode_cursor

PAYMENTS = 1_000_000
USERS = 50_000
BATCH = 20_000
PAGE = 50
FAR_PAGE = 10_000
ROUNDS = 15
START = datetime(2025, 1, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
STATUSES = ("paid", "paid", "paid", "paid", "expired", "expired", "canceled", "unpaid", "refunded", "paid")
COLUMNS = [
    *("id", "user_id", "status", "currency", "total_minor", "discount_minor", "refunded_minor", "title"),
    *("provider", "created_at", "expires_at", "paid_at", "save_method", "paid_attempt_id", "promo_code"),
]
LIST = "/billing/api/v1/admin/payments"


async def main() -> None:
    """Fill, measure, check and print the table."""
    async with open_stage([("serve", "auth"), ("serve", "billing")]) as stage:
        await fill(stage.servers.postgres_url)
        async with httpx.AsyncClient(timeout=120, base_url=stage.url("billing")) as http:
            http.headers["Authorization"] = f"Bearer {await superuser(stage)}"
            drawn = Table(title=f"staff's list of {PAYMENTS:,} payments, {PAGE} a page")
            for column in ("what", "figure"):
                drawn.add_column(column, justify="right" if column == "figure" else "left")
            for name, figure in [row async for row in measure(stage, http)]:
                drawn.add_row(name, figure)
            Console().print(drawn)


async def measure(stage: Stage, http: httpx.AsyncClient) -> Any:
    """Give each row of the table; what must hold is asserted."""
    far = encode_cursor((START + STEP * (PAYMENTS - PAGE * (FAR_PAGE - 1)), UUID(int=0)))
    near_ms = await median_ms(http, {})
    far_ms = await median_ms(http, {"cursor": far})
    yield "page 1", f"{near_ms:.1f} ms"
    yield f"page {FAR_PAGE:,}", f"{far_ms:.1f} ms ({far_ms / near_ms:.2f}×)"
    assert near_ms <= 300
    assert far_ms <= 1.5 * near_ms
    for name, query in filters().items():
        await assert_no_scan(stage, query)
        yield name, f"{await median_ms(http, query):.1f} ms"
    role = stage.roles["serve billing"]
    before = memory_of(role)
    rows, seconds, highest = await export(http, lambda: memory_of(role))
    assert rows == PAYMENTS
    yield "CSV of all", f"{rows / seconds:,.0f} rows/s"
    yield (
        "CSV of all: memory of the service grows by",
        f"{(highest - before) / MIB:.1f} MiB of {before / MIB:.0f}",
    )
    assert highest - before < 64 * MIB


def filters() -> dict[str, dict[str, str]]:
    """Name the filters with values that few or many payments have."""
    middle = (START + STEP * (PAYMENTS // 2)).isoformat()
    later = (START + STEP * (PAYMENTS // 2 + 10_000)).isoformat()
    return {
        "status=paid": {"status": "paid"},
        "status=refunded": {"status": "refunded"},
        "status=pending (none)": {"status": "pending"},
        "provider=yookassa": {"provider": "yookassa"},
        "provider=stripe (left two years ago)": {"provider": "stripe"},
        "provider=stripe&status=refunded": {"provider": "stripe", "status": "refunded"},
        "user_id=": {"user_id": str(UUID(int=7))},
        "from=&to= a week long ago": {"from": middle, "to": later},
        "from=&to=&status=refunded": {"from": middle, "to": later, "status": "refunded"},
        "q=a buyer": {"q": str(UUID(int=7))},
        "q=nothing": {"q": str(uuid4())},
    }


async def median_ms(http: httpx.AsyncClient, query: dict[str, str]) -> float:
    """Ask for a page over and over; give the median."""
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        (await http.get(LIST, params={**query, "limit": PAGE})).raise_for_status()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


async def assert_no_scan(stage: Stage, query: dict[str, str]) -> None:
    """Ask the planner how it would read the page of a query."""
    names = {"from": "since", "to": "until", "q": "reference"}
    wanted: dict[str, Any] = {names.get(name, name): value for name, value in query.items()}
    for name, kind in (("status", PaymentStatus), ("user_id", UUID), ("since", datetime.fromisoformat)):
        if name in wanted:
            wanted[name] = kind(wanted[name])
    if "until" in wanted:
        wanted["until"] = datetime.fromisoformat(wanted["until"])
    page = payment_records.find(PaymentFilter(**wanted)).page(PageRequest(limit=PAGE, after=None))
    engine = open_engine(stage.servers.postgres_url, role="billing", pool_size=1)
    async with sessions_of(engine)() as session:
        assert not scanned_tables(await plan_of(session, page)), query
    await engine.dispose()


async def export(http: httpx.AsyncClient, memory: Any) -> tuple[int, float, int]:
    """Read the whole list as CSV; give its rows, the seconds it took and the highest memory seen meanwhile."""
    lines, highest, chunks = 0, memory(), 0
    started = time.perf_counter()
    async with http.stream("GET", LIST, headers={"Accept": "text/csv"}) as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            lines += chunk.count(b"\r\n")
            chunks += 1
            if chunks % 100 == 0:
                highest = max(highest, memory())
    return lines - 1, time.perf_counter() - started, max(highest, memory())


async def fill(url: str) -> None:
    """Copy the payments in, without checks of what refers to them."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica")
    for first in track(range(0, PAYMENTS, BATCH), f"copying {PAYMENTS:,} payments in"):
        await connection.copy_records_to_table(
            "payment", schema_name="billing", columns=COLUMNS, records=payments(first)
        )
    await connection.execute("VACUUM ANALYZE billing.payment")
    await connection.close()


def payments(first: int) -> Iterator[tuple[Any, ...]]:
    """Make the rows of one batch, in order of their moments."""
    for number in range(first, first + BATCH):
        created_at = START + STEP * number
        status = STATUSES[number * 7919 % len(STATUSES)]
        was_paid = status in {"paid", "refunded"}
        provider = ("stripe" if number < PAYMENTS // 5 else "yookassa") if was_paid else None
        yield (
            uuid4(),
            UUID(int=number % USERS),
            status,
            "RUB",
            29_900,
            0,
            29_900 if status == "refunded" else 0,
            "Metropolis",
            provider,
            created_at,
            created_at + timedelta(days=1),
            created_at if was_paid else None,
            False,
            uuid4() if was_paid else None,
            "SPRING" if number % 10 == 0 else None,
        )


async def superuser(stage: Stage) -> str:
    """Register somebody, let them do everything, and give their token."""
    async with httpx.AsyncClient(base_url=f"{stage.url('auth')}/auth/api/v1") as http:
        form = {"login": "staff", "password": PASSWORD, "email": "staff@theatre.example"}
        (await http.post("/register", json=form)).raise_for_status()
        database = await asyncpg.connect(stage.servers.postgres_url)
        await database.execute('UPDATE auth."user" SET is_superuser = true')
        await database.close()
        answer = await http.post("/jwt/login", data={"username": "staff", "password": PASSWORD})
        return str(answer.raise_for_status().json()["access_token"])


if __name__ == "__main__":
    asyncio.run(main())
