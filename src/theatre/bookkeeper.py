"""The command that reconciles a day: orders it, waits for the worker that runs it, prints how every operation ended.

It needs the database alone. Speaking with payment systems is the business of billing's worker, which has the keys.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import cast
from uuid import UUID

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from theatre.billing import reconciliation_rows, reconciliation_runs, registers
from theatre.billing.errors import ProviderNotReconciled
from theatre.billing.models import Outcome, ReconciliationRow, ReconciliationRun, RunStatus
from theatre.billing.reconciliation_rows import Total
from theatre.billing.reconciliation_runs import Calendar
from theatre.billing.registers import Fault, Line
from theatre.billing.settings import BillingSettings
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import Sessions, open_own_engine, sessions_of, transaction
from theatre.kit.listing import read_page
from theatre.kit.money import Money, to_decimal
from theatre.kit.pagination import PageRequest
from theatre.kit.settings import ServiceSettings

SHOWN_CASES = 20
LOOK_EVERY_SECONDS = 0.2
# a worker looks for orders every five seconds
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Wanted:
    """What to reconcile: without a provider, all of them; with a register that names none, the one who issues them."""

    day: date
    provider: str | None = None
    register: Path | None = None


@dataclass(frozen=True)
class Office:
    """What the command works with."""

    sessions: Sessions
    settings: BillingSettings
    clock: Clock
    bar: Progress
    console: Console


@dataclass(frozen=True)
class Look:
    """A run as it stands, and how many operations the worker at it has judged."""

    run: ReconciliationRun
    judged: int


async def perform(settings: ServiceSettings, wanted: Wanted, *, bar: Progress, console: Console) -> bool:
    """Reconcile and print; True if nothing is unexplained.

    Raises:
        ProviderNotReconciled, RegisterRejected
    """
    engine = open_own_engine(settings)
    # `cli` reads the settings of the service that it names
    billing = cast(BillingSettings, settings)
    office = Office(sessions_of(engine), billing, SystemClock(), bar=bar, console=console)
    try:
        providers = await choose(office, wanted)
        before = [await order(office, provider, wanted) for provider in providers]
        return all([await follow(office, run) for run in before])
    finally:
        await engine.dispose()


async def choose(office: Office, wanted: Wanted) -> Sequence[str]:
    """Name the providers that are meant.

    Raises:
        ProviderNotReconciled
    """
    async with transaction(office.sessions) as session:
        known = await reconciliation_runs.list_providers(session)
    named = ", ".join(known)
    if not known:
        raise ProviderNotReconciled("No payment system is known yet: has a worker of billing ever run?")
    if wanted.provider is not None and wanted.provider not in known:
        raise ProviderNotReconciled(f"There is no {wanted.provider!r} to reconcile, but {named}.")
    if wanted.provider is not None:
        return [wanted.provider]
    if wanted.register is None:
        return known
    issuers = [provider for provider in known if provider in registers.ISSUERS]
    if len(issuers) != 1:
        raise ProviderNotReconciled(f"Whose register is it? Say --provider, one of {named}.")
    return issuers


async def order(office: Office, provider: str, wanted: Wanted) -> ReconciliationRun:
    """Have a provider's day run, on the register that is given, if one is; gives the run as it was before.

    Raises:
        RegisterRejected
    """
    if wanted.register is None:
        return await _order(office, provider, wanted.day)
    columns = office.settings.register_columns.get(provider, {})
    with wanted.register.open(encoding="utf-8-sig", newline="") as file:
        lines = registers.read_lines(file, columns)
        return await _order(office, provider, wanted.day, lines=lines)


async def _order(
    office: Office, provider: str, day: date, *, lines: Iterator[Line | Fault] | None = None
) -> ReconciliationRun:
    async with transaction(office.sessions) as session:
        run = await reconciliation_runs.order(
            session, provider, day, now=office.clock.now(), has_new_register=lines is not None
        )
        if lines is not None:
            await registers.store(session, provider, day, lines=lines)
    return run


async def follow(office: Office, before: ReconciliationRun) -> bool:
    """Wait until a run has ended, and print what came out; True if nothing is unexplained."""
    name = f"{before.provider} {before.day}"
    task = office.bar.add_task(f"{name}: waiting for a worker", total=None)
    waited_seconds = 0.0
    while not has_ended((look := await look_at(office, before.id)).run, before, office.clock):
        if look.run.claim is None and waited_seconds > PATIENCE_SECONDS:
            office.console.print(f"{name}: no worker of billing is at work; it will be run when one is")
            return False
        waited_seconds = waited_seconds + LOOK_EVERY_SECONDS if look.run.claim is None else 0.0
        office.bar.update(task, description=f"{name}: {look.judged} operations")
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    office.bar.remove_task(task)
    if look.run.last_error is not None:
        error = look.run.last_error
        office.console.print(f"{name}: {error}; what was found is kept, and it is run again by itself")
        return False
    return await report(office, look.run)


async def look_at(office: Office, run_id: UUID) -> Look:
    """See how a run stands."""
    async with transaction(office.sessions) as session:
        run = await reconciliation_runs.get(session, run_id)
        judged = await reconciliation_rows.count_seen(session, run_id, run.claim) if run.claim else 0
    return Look(run, judged)


def has_ended(run: ReconciliationRun, before: ReconciliationRun, clock: Clock) -> bool:
    """Tell whether a run has been through, or was cut, since it was ordered, and need not begin again at once."""
    is_due = run.next_try_at is not None and run.next_try_at <= clock.now()
    has_moved = run.finished_at != before.finished_at or run.last_error is not None
    return run.claim is None and has_moved and not is_due


async def report(office: Office, run: ReconciliationRun) -> bool:
    """Print the tables of a run; True if nothing is unexplained."""
    async with transaction(office.sessions) as session:
        totals = await reconciliation_rows.total(session, run.id)
        asked = PageRequest(SHOWN_CASES, None)
        cases = await read_page(session, reconciliation_runs.list_rows(run.id, outcome=Outcome.CASE), asked)
    office.console.print(totals_table(run, totals))
    if cases.items:
        office.console.print(cases_table(cases.items, is_whole=cases.next_cursor is None))
    elif run.status == RunStatus.OPEN:
        ready_at = Calendar.of(office.settings).ready_at(run.day)
        office.console.print(f"{run.day} may still change; it is closed from {ready_at} on")
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
