"""A day reconciled with few and with many operations: how long, and how much memory beyond the first.

The provider's list, our ledger and the register hold the same operations; a clean day is the longest way.

python -m benchmarks.reconciliation
"""

import asyncio
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table

from theatre.billing import ledger, reconciliation, reconciliation_runs, registers
from theatre.billing.ledger import Entry, credit, debit
from theatre.billing.models import Payment, RunStatus
from theatre.billing.reconciliation import Desk
from theatre.billing.reconciliation_runs import Calendar
from theatre.billing.registers import Line
from theatre.billing.settings import BillingSettings
from theatre.contracts.money import Amount
from theatre.contracts.payment import Operation, OperationKind, OperationPage, PaymentClient
from theatre.kit.db import Sessions, open_engine, sessions_of, transaction
from theatre.kit.ids import new_id
from theatre.kit.logging import configure_logging
from theatre.kit.migrations import migrate
from theatre.kit.money import Money
from theatre.kit.servers import Servers

SIZES = (200, 1_000, 10_000)
PAGE = 100
DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 9, tzinfo=UTC)
NIGHT = datetime(2026, 11, 25, 2, tzinfo=UTC)
PRICE = Money(39_900, "RUB")


class Night:
    """A clock that stands at the hour in which days are reconciled."""

    def now(self) -> datetime:
        return NIGHT


class List(PaymentClient):
    """A provider's list that is made page by page, as it comes over the wire."""

    def __init__(self, ids: Sequence[UUID]) -> None:
        self._ids = ids

    async def list_operations(
        self, provider: str, *, since: datetime, until: datetime, cursor: str | None = None
    ) -> OperationPage:
        start = int(cursor or 0)
        items = [operation(id) for id in self._ids[start : start + PAGE]]
        end = start + PAGE
        return OperationPage(items=items, next_cursor=str(end) if end < len(self._ids) else None)


@dataclass(frozen=True)
class Measured:
    """One run: `peak_bytes` is the most that Python held at once beyond what it held before."""

    operations: int
    seconds: float
    peak_bytes: int


def operation(id: UUID) -> Operation:
    """Write an operation of the list."""
    return Operation(
        kind=OperationKind.CAPTURE,
        reference=str(id),
        payment_reference=str(id),
        operation_id=id,
        amount=Amount.of(PRICE),
        fee=None,
        happened_at=NOON,
    )


async def fill(sessions: Sessions, provider: str, ids: Sequence[UUID]) -> None:
    """Let our ledger and the provider's register hold these operations."""
    cash = ledger.cash(provider)
    payment_id = new_id()
    async with transaction(sessions) as session:
        session.add(payment(payment_id))
        await session.flush()
        for start in range(0, len(ids), PAGE):
            entries = [
                Entry(f"capture:{id}", "capture", [debit(cash, PRICE), credit("test", PRICE)], payment_id)
                for id in ids[start : start + PAGE]
            ]
            await ledger.post(session, entries, now=NOON)
    async with transaction(sessions) as session:
        await reconciliation_runs.order(session, provider, DAY, now=NIGHT, has_new_register=True)
        lines = (Line(OperationKind.CAPTURE, str(id), str(id), PRICE, None, None) for id in ids)
        await registers.store(session, provider, DAY, lines=lines)


def payment(id: UUID) -> Payment:
    """Make the payment that all these entries name."""
    return Payment(
        id=id,
        user_id=new_id(),
        status="unpaid",
        currency=PRICE.currency,
        total_minor=PRICE.amount_minor,
        discount_minor=0,
        refunded_minor=0,
        title="benchmark",
        created_at=NOON,
        expires_at=NIGHT,
        save_method=False,
    )


async def measure(sessions: Sessions, operations: int) -> Measured:
    """Reconcile a day of so many operations."""
    provider, ids = f"p{uuid4().hex}", [new_id() for _ in range(operations)]
    await fill(sessions, provider, ids)
    desk = Desk(sessions, List(ids), calendar=Calendar.of(BillingSettings()), clock=Night())
    begun = time.perf_counter()
    await reconciliation.run(desk, provider, DAY)
    seconds = time.perf_counter() - begun
    # again, since watching the memory takes several times as long as the work
    tracemalloc.start()
    run = await reconciliation.run(desk, provider, DAY)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if run.status != RunStatus.CLOSED:
        raise RuntimeError("a clean day was not closed")
    return Measured(operations, seconds, peak_bytes)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a folder that the server's user can enter, and delete it at the end."""
    with TemporaryDirectory(prefix="theatre-benchmark-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def main() -> None:
    """Measure on a database of its own."""
    configure_logging(form="text", level="warning")
    with temporary_folder() as folder:
        async with Servers(folder, with_valkey=False) as servers:
            await migrate("billing", servers.postgres_url)
            engine = open_engine(servers.postgres_url, role="billing", pool_size=2)
            sessions = sessions_of(engine)
            # the first run loads what every later one has loaded
            await measure(sessions, PAGE)
            results = [await measure(sessions, size) for size in SIZES]
            await engine.dispose()
    table = Table("operations", "seconds", "per second", "peak MiB", "× the smallest's")
    for result in results:
        table.add_row(
            f"{result.operations:,}",
            f"{result.seconds:.1f}",
            f"{result.operations / result.seconds:,.0f}",
            f"{result.peak_bytes / 2**20:.1f}",
            f"{result.peak_bytes / results[0].peak_bytes:.2f}",
        )
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
