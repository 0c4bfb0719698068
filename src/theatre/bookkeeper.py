"""The command that reconciles a day: imports its register, runs it, and prints how every operation ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from theatre.billing import reconciliation, reconciliation_rows, reconciliation_runs, registers
from theatre.billing.app import open_reconciliation
from theatre.billing.errors import ProviderNotListing
from theatre.billing.models import Outcome, ReconciliationRow, ReconciliationRun, RunStatus
from theatre.billing.reconciliation import Desk
from theatre.billing.reconciliation_rows import Total
from theatre.billing.settings import BillingSettings
from theatre.kit.db import transaction
from theatre.kit.http import Refused, Unknown
from theatre.kit.money import Money, to_decimal
from theatre.kit.pagination import PageRequest
from theatre.kit.settings import ServiceSettings

SHOWN_CASES = 20


@dataclass(frozen=True)
class Wanted:
    """What to reconcile: without a provider, all of them. A register is of one provider."""

    day: date
    provider: str | None
    register: Path | None


async def perform(settings: ServiceSettings, wanted: Wanted, *, bar: Progress, console: Console) -> bool:
    """Reconcile and print; True if nothing is unexplained.

    Raises:
        ProviderNotListing, RegisterRejected, RunAtWork
    """
    task = bar.add_task(f"reconciling {wanted.day}", total=None)
    judged = 0

    def say(number: int) -> None:
        nonlocal judged
        judged += number
        bar.update(task, description=f"reconciling {wanted.day}: {judged} operations")

    # `cli` reads the settings of the service that is named
    billing = cast(BillingSettings, settings)
    async with open_reconciliation(billing, say=say) as desk:
        providers = await choose(desk, wanted)
        if wanted.register is not None:
            await import_register(desk, billing, providers[0], wanted=wanted)
        return all([await report(desk, provider, wanted.day, console=console) for provider in providers])


async def choose(desk: Desk, wanted: Wanted) -> Sequence[str]:
    """Name the providers that are meant.

    Raises:
        ProviderNotListing
    """
    listing = sorted(await desk.payment.list_providers())
    if wanted.provider is not None and wanted.provider not in listing:
        raise ProviderNotListing(f"There is no {wanted.provider!r} to reconcile, but {', '.join(listing)}.")
    chosen = listing if wanted.provider is None else [wanted.provider]
    if wanted.register is not None and len(chosen) != 1:
        raise ProviderNotListing(f"Whose register is it? Say --provider: {', '.join(listing)}.")
    return chosen


async def import_register(desk: Desk, settings: BillingSettings, provider: str, *, wanted: Wanted) -> None:
    """Make a file the register of the day.

    Raises:
        RegisterRejected
    """
    if wanted.register is None:
        return
    columns = settings.register_columns.get(provider, {})
    with wanted.register.open(encoding="utf-8-sig", newline="") as file:
        async with transaction(desk.sessions) as session:
            now = desk.clock.now()
            await reconciliation_runs.reopen(session, provider, wanted.day, now=now)
            lines = registers.read_lines(file, columns)
            await registers.store(session, provider, wanted.day, lines=lines)


async def report(desk: Desk, provider: str, day: date, *, console: Console) -> bool:
    """Run one provider's day and print its table."""
    try:
        run = await reconciliation.run(desk, provider, day)
    except (Unknown, Refused) as error:
        console.print(f"{provider} {day}: {error}; what was found is kept, the day stays open, run it again")
        return False
    async with transaction(desk.sessions) as session:
        totals = await reconciliation_rows.total(session, run.id)
        asked = PageRequest(SHOWN_CASES, None)
        cases = await reconciliation_runs.list_rows(session, run.id, asked, outcome=Outcome.CASE)
    console.print(totals_table(run, totals))
    if cases.items:
        console.print(cases_table(cases.items, is_whole=cases.next_cursor is None))
    if run.status == RunStatus.OPEN and not cases.items:
        console.print(f"{day} may still change: it can be closed from {desk.calendar.ready_at(day)} on")
    return not cases.items


def totals_table(run: ReconciliationRun, totals: Sequence[Total]) -> Table:
    """Show how the operations of a day ended, with what each source says of them in all."""
    register = "with its register" if run.register_imported_at else "without a register"
    title = f"{run.provider} {run.day}, {register}: {run.status}"
    table = Table("outcome", "reason", "operation", title=title, title_justify="left")
    for source in ("number", "ledger", "API", "register", "currency"):
        table.add_column(source, justify="right")
    for one in totals:
        sums = (one.ledger_minor, one.api_minor, one.register_minor)
        written = (to_decimal(Money(minor, one.currency)) for minor in sums)
        table.add_row(one.outcome, one.reason, one.kind, str(one.number), *written, one.currency)
    return table


def cases_table(rows: Sequence[ReconciliationRow], *, is_whole: bool) -> Table:
    """Show what a person must look at."""
    title = "cases" if is_whole else f"the first {len(rows)} cases"
    table = Table(
        "operation", "reference", "reason", "ledger", "API", "register", title=title, title_justify="left"
    )
    for row in rows:
        table.add_row(
            row.kind,
            row.reference,
            row.reason,
            written(row.ledger_minor, row.ledger_currency),
            written(row.api_minor, row.api_currency),
            written(row.register_minor, row.register_currency),
        )
    return table


def written(amount_minor: int | None, currency: str | None) -> str:
    """Write what a source says; nothing if it does not know the operation."""
    return "" if amount_minor is None or currency is None else str(Money(amount_minor, currency))
