"""Asking again: what is open is asked about at growing intervals, by any number of processes side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import select, update

from theatre.kit.clock import Clock
from theatre.kit.db import Sessions, transaction
from theatre.kit.errors import Transient
from theatre.kit.faults import describe, is_unavailability
from theatre.kit.logging import get_logger
from theatre.payment.models import Attempt, Checked, ProviderEvent, Refund

PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=1),
    timedelta(minutes=2),
    timedelta(minutes=5),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=30),
    timedelta(hours=1),
)
LONGEST_PAUSE = timedelta(days=1)
# whoever did not answer at all is asked again soon; the small number of askers keeps that from being a storm
UNANSWERED_PAUSE = timedelta(seconds=20)
BATCH = 20
ASKERS = 4

Row = TypeVar("Row", bound=Checked)
log = get_logger(__name__)


def pause_after(checks: int) -> timedelta:
    """Tell how long to wait after so many questions; the first pause follows the beginning itself."""
    return PAUSES[checks] if checks < len(PAUSES) else LONGEST_PAUSE


async def make_all_due(sessions: Sessions, *, now: datetime) -> None:
    """Make everything open due at once: done at start, since much may have happened while nobody asked."""
    async with transaction(sessions) as session:
        for table in (Attempt, Refund, ProviderEvent):
            await session.execute(update(table).where(table.next_check_at > now).values(next_check_at=now))


async def check_due(
    sessions: Sessions, table: type[Row], check: Callable[[Row], Awaitable[object]], *, clock: Clock
) -> None:
    """Run `check` for each row that is due, outside any transaction, until none is.

    A row is claimed by moving its next question ahead, so a process that dies delays it and no more. A row whose
    check fails for want of an answer is due again soon, and that question does not count.
    """
    while rows := await _claim(sessions, table, now=clock.now()):
        limit = asyncio.Semaphore(ASKERS)
        outcomes = await asyncio.gather(*(_check(row, check, limit) for row in rows), return_exceptions=True)
        faults = {
            row: fault for row, fault in zip(rows, outcomes, strict=True) if isinstance(fault, BaseException)
        }
        for row, fault in faults.items():
            log.warning("not known yet", table=table.__name__, id=str(row.id), cause=describe(fault))
            await _ask_soon(sessions, row, now=clock.now() + pause_for(fault))
        for fault in faults.values():
            if not is_unavailability(fault):
                raise fault


def pause_for(fault: BaseException) -> timedelta:
    """Tell how long to leave alone who did not answer, or said when to come back."""
    asked = int(fault.headers.get("Retry-After", 0)) if isinstance(fault, Transient) else 0
    return max(UNANSWERED_PAUSE, timedelta(seconds=asked))


async def _claim(sessions: Sessions, table: type[Row], *, now: datetime) -> Sequence[Row]:
    due = (
        select(table)
        .where(table.next_check_at <= now)
        .order_by(table.next_check_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )
    async with transaction(sessions) as session:
        rows = (await session.scalars(due)).all()
        for row in rows:
            row.checks += 1
            row.next_check_at = now + pause_after(row.checks)
        return rows


async def _check(row: Row, check: Callable[[Row], Awaitable[object]], limit: asyncio.Semaphore) -> None:
    async with limit:
        await check(row)


async def _ask_soon(sessions: Sessions, row: Checked, *, now: datetime) -> None:
    table = type(row)
    async with transaction(sessions) as session:
        still_open = (table.id == row.id) & table.next_check_at.is_not(None)
        await session.execute(
            update(table).where(still_open).values(next_check_at=now, checks=row.checks - 1)
        )
