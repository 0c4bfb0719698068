"""Staff's doors over a million payments: pages of the list near and far, every filter, files, first page, reports.

The list must cost the same on page 10,000 as on page 1, no filter may scan the table, a first page of any and the first
page of the panel may take 300 ms, and files must grow no memory.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.footprint import MIB, memory_of
from benchmarks.plans import plan_of, scanned_tables
from benchmarks.purchase import PASSWORD
from benchmarks.staff_books import fill_books
from benchmarks.stage import Stage, open_stage
from theatre.billing import ledger_days, payment_records
from theatre.billing.models import PaymentStatus
from theatre.billing.payment_records import PaymentFilter
from theatre.billing.payment_search import Matches
from theatre.kit.db import open_engine, sessions_of
from theatre.kit.pagination import PageRequest, encode_cursor

PAYMENTS = 1_000_000
USERS = 50_000
BATCH = 20_000
PAGE = 50
FAR_PAGE = 10_000
ROUNDS = 15
STEP = timedelta(minutes=1)
START = datetime.now(UTC).replace(second=0, microsecond=0) - PAYMENTS * STEP
LIMIT_MS = 300
STATUSES = ("paid", "paid", "paid", "paid", "expired", "expired", "canceled", "unpaid", "refunded", "paid")
COLUMNS = [
    *("id", "user_id", "status", "currency", "total_minor", "discount_minor", "refunded_minor", "title"),
    *("provider", "created_at", "expires_at", "paid_at", "save_method", "paid_attempt_id", "promo_code"),
]
ADMIN = "/billing/api/v1/admin"
LIST = f"{ADMIN}/payments"
SOME_ID, NOBODY = UUID(int=1), UUID(int=7)
ZONE = ZoneInfo("Europe/Moscow")


async def main() -> None:
    """Fill, measure, check and print the table."""
    async with open_stage([("serve", "auth"), ("serve", "billing")]) as stage:
        await fill(stage.servers.postgres_url)
        async with httpx.AsyncClient(timeout=120, base_url=stage.url("billing")) as http:
            http.headers["Authorization"] = f"Bearer {await superuser(stage)}"
            drawn = Table(title=f"staff's doors over {PAYMENTS:,} payments, {PAGE} a page")
            for column in ("what", "figure"):
                drawn.add_column(column, justify="right" if column == "figure" else "left")
            for name, figure in [row async for row in measure(stage, http)]:
                drawn.add_row(name, figure)
            Console().print(drawn)


async def measure(stage: Stage, http: httpx.AsyncClient) -> Any:
    """Give each row of the table; what must hold is asserted."""
    far = encode_cursor((START + STEP * (PAYMENTS - PAGE * (FAR_PAGE - 1)), UUID(int=0)))
    near_ms = await median_ms(http, LIST, {"limit": PAGE})
    far_ms = await median_ms(http, LIST, {"limit": PAGE, "cursor": far})
    yield "page 1", f"{near_ms:.1f} ms"
    yield f"page {FAR_PAGE:,}", f"{far_ms:.1f} ms ({far_ms / near_ms:.2f}×)"
    assert near_ms <= LIMIT_MS
    assert far_ms <= 1.5 * near_ms
    for query, wanted in filters():
        await assert_no_scan(stage, wanted)
        took_ms = await median_ms(http, LIST, {"limit": PAGE, **query})
        yield "&".join(f"{name}={value}" for name, value in query.items()), f"{took_ms:.1f} ms"
        assert took_ms <= LIMIT_MS, query
    open_ms = await median_ms(http, f"{ADMIN}/reports/revenue", {}, rounds=1)
    yield "revenue of 30 days, no day closed yet", f"{open_ms:.0f} ms"
    closed, seconds = await close_days(stage)
    yield "closing a day of the ledger", f"{seconds * 1000 / closed:.1f} ms"
    took_ms = await median_ms(http, f"{ADMIN}/overview", {})
    yield "first page of the panel", f"{took_ms:.1f} ms"
    assert took_ms <= LIMIT_MS
    for report in ("revenue", "refunds", "providers", "mrr", "churn"):
        took_ms = await median_ms(
            http, f"{ADMIN}/reports/{report}", {"from": year_ago(), "group": "day"}, rounds=3
        )
        yield f"{report}, a year by days", f"{took_ms:.0f} ms"
    took_ms = await median_ms(http, f"{ADMIN}/reports/cohorts", {"group": "month"}, rounds=3)
    yield "cohorts, a year by months", f"{took_ms:.0f} ms"
    for kind, query, expected in (
        ("csv", {}, PAYMENTS),
        ("xlsx", {"from": (START + STEP * (PAYMENTS - 90_000)).isoformat()}, 90_000),
    ):
        async for row in measure_file(stage, http, kind=kind, query=query, expected=expected):
            yield row


async def measure_file(
    stage: Stage, http: httpx.AsyncClient, *, kind: str, query: dict[str, str], expected: int
) -> Any:
    """Give the rows of the table about a file."""
    role = stage.roles["serve billing"]
    before = memory_of(role)
    lines, seconds, highest = await export(http, {**query, "format": kind}, lambda: memory_of(role))
    assert lines == expected + 1 or kind == "xlsx"
    yield f"{kind} of {expected:,}", f"{expected / seconds:,.0f} rows/s"
    grown = (highest - before) / MIB
    yield f"{kind}: memory of the service grows by", f"{grown:.1f} MiB of {before / MIB:.0f}"
    assert grown < 64


def filters() -> Iterator[tuple[dict[str, str], PaymentFilter]]:
    """Give filters, as they are asked for and as they are meant, with values that few or many payments have."""
    middle, later = START + STEP * (PAYMENTS // 2), START + STEP * (PAYMENTS // 2 + 10_000)
    between = {"from": middle.isoformat(), "to": later.isoformat()}
    for status in ("paid", "refunded", "pending"):
        yield {"status": status}, PaymentFilter(status=PaymentStatus(status))
    for provider in ("yookassa", "stripe"):
        yield {"provider": provider}, PaymentFilter(provider=provider)
    yield (
        {"provider": "stripe", "status": "refunded"},
        PaymentFilter(provider="stripe", status=PaymentStatus.REFUNDED),
    )
    yield {"user_id": str(NOBODY)}, PaymentFilter(user_id=NOBODY)
    yield between, PaymentFilter(since=middle, until=later)
    yield (
        {**between, "status": "refunded"},
        PaymentFilter(since=middle, until=later, status=PaymentStatus.REFUNDED),
    )
    for currency in ("RUB", "USD"):
        yield {"currency": currency}, PaymentFilter(currency=currency)
    # the price was raised: what is old costs less, and one payment costs much
    old, dear = {"currency": "RUB", "amount_to": "250.00"}, {"currency": "RUB", "amount_from": "5000.00"}
    yield old, PaymentFilter(currency="RUB", to_minor=25_000)
    yield dear, PaymentFilter(currency="RUB", from_minor=500_000)
    for has_refund in (True, False):
        yield {"has_refund": str(has_refund).lower()}, PaymentFilter(has_refund=has_refund)
    for word, matches in (
        (str(SOME_ID), Matches(payment_ids=[SOME_ID])),
        (str(NOBODY), Matches(user_ids=[NOBODY])),
        ("staff@theatre.example", Matches(user_ids=[NOBODY])),
        ("SPRING", Matches(promo_code="SPRING")),
        ("0000-0000-0001", Matches(payment_ids=[SOME_ID])),
        ("no reference of anybody's", Matches()),
    ):
        yield {"q": word}, PaymentFilter(matches=matches)


async def median_ms(
    http: httpx.AsyncClient, path: str, query: dict[str, Any], *, rounds: int = ROUNDS
) -> float:
    """Ask for something over and over; give the median."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        (await http.get(path, params=query)).raise_for_status()
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


def year_ago() -> str:
    """Write the day a year before today."""
    return (datetime.now(ZONE).date() - timedelta(days=365)).isoformat()


async def close_days(stage: Stage) -> tuple[int, float]:
    """Close all days of the ledger as the worker does; give their number and the seconds it took."""
    engine = open_engine(stage.servers.postgres_url, role="billing", pool_size=1)
    closed, started, is_closed = 0, time.perf_counter(), True
    while is_closed:
        async with sessions_of(engine).begin() as session:
            is_closed = await ledger_days.close_due(session, ZONE, now=datetime.now(UTC))
        closed += is_closed
    await engine.dispose()
    return closed, time.perf_counter() - started


async def assert_no_scan(stage: Stage, wanted: PaymentFilter) -> None:
    """Ask the planner how it would read the page of a filter."""
    page = payment_records.find(wanted).page(PageRequest(limit=PAGE, after=None))
    engine = open_engine(stage.servers.postgres_url, role="billing", pool_size=1)
    async with sessions_of(engine)() as session:
        assert not scanned_tables(await plan_of(session, page)), wanted
    await engine.dispose()


async def export(http: httpx.AsyncClient, query: dict[str, str], memory: Any) -> tuple[int, float, int]:
    """Read a whole list as a file; give its lines, the seconds it took and the highest memory seen meanwhile."""
    lines, highest, is_over = 0, memory(), asyncio.Event()

    async def watch() -> None:
        nonlocal highest
        while not is_over.is_set():
            highest = max(highest, memory())
            await asyncio.sleep(0.1)

    watching, started = asyncio.create_task(watch()), time.perf_counter()
    async with http.stream("GET", LIST, params=query) as answer:
        answer.raise_for_status()
        async for chunk in answer.aiter_bytes():
            lines += chunk.count(b"\r\n")
    seconds = time.perf_counter() - started
    is_over.set()
    await watching
    return lines, seconds, highest


async def fill(url: str) -> None:
    """Copy the payments in, without checks of what refers to them, and what goes with them."""
    connection = await asyncpg.connect(url)
    await connection.execute("SET session_replication_role = replica")
    for first in track(range(0, PAYMENTS, BATCH), f"copying {PAYMENTS:,} payments in"):
        await connection.copy_records_to_table(
            "payment", schema_name="billing", columns=COLUMNS, records=payments(first)
        )
    with Console().status("filling in their books"):
        await fill_books(connection)
        await connection.execute("VACUUM ANALYZE")
    await connection.close()


def payments(first: int) -> Iterator[tuple[Any, ...]]:
    """Make the rows of one batch, in order of their moments."""
    for number in range(first, first + BATCH):
        created_at = START + STEP * number
        status = STATUSES[number * 7919 % len(STATUSES)]
        was_paid = status in {"paid", "refunded"}
        provider = ("stripe" if number < PAYMENTS // 5 else "yookassa") if was_paid else None
        yield (
            SOME_ID if number == 0 else uuid4(),
            UUID(int=number % USERS),
            status,
            "RUB",
            (total_minor := total_of(number)),
            0,
            total_minor if status == "refunded" else 0,
            "Metropolis",
            provider,
            created_at,
            created_at + timedelta(days=1),
            created_at if was_paid else None,
            False,
            uuid4() if was_paid else None,
            "SPRING" if number % 10 == 0 else None,
        )


def total_of(number: int) -> int:
    """Give what a payment costs: more since the price was raised, and one costs much."""
    if number == PAYMENTS // 3:
        return 999_900
    return 19_900 if number < PAYMENTS * 2 // 5 else 29_900


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
