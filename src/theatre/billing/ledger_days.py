"""The ledger by days: what entries of each kind posted on each account, for reports.

A day that is over is summed once and kept; the days since are summed from the postings each time. An entry's moment is
that of its posting, so nothing is added to a day once the transactions that were open at its end are through.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger, Date, bindparam, cast, delete, func, select, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, insert

from theatre.billing.models import LedgerClosing, LedgerDay, LedgerEntry, LedgerPosting
from theatre.billing.report_periods import DAY, Periods, day_of, midnight
from theatre.kit.db import Session

MARGIN = timedelta(hours=1)
"""A day is closed so long after its end: no transaction that began before it is open any more."""
CLOSE_DAY = text(
    """
INSERT INTO billing.ledger_day (zone, day_on, kind, account, currency, sum_minor, line_count)
SELECT :zone, :day, entry.kind, posting.account, posting.currency, sum(posting.amount_minor), count(*)
FROM billing.ledger_entry entry JOIN billing.ledger_posting posting ON posting.entry_id = entry.id
WHERE entry.occurred_at >= :since AND entry.occurred_at < :until
GROUP BY entry.kind, posting.account, posting.currency"""
)


@dataclass(frozen=True, slots=True)
class Posted:
    """What entries of a kind posted on an account in one period of a report, debits above zero, in how many lines."""

    place: int
    kind: str
    account: str
    currency: str
    sum_minor: int
    line_count: int


async def close_due(session: Session, zone: ZoneInfo, *, now: datetime) -> bool:
    """Close the next day that is over, if there is one; several workers may ask at once. False if there was none."""
    closing = await _find_locked(session, zone)
    if closing is None:
        return False
    since = midnight(closing.closed_until, zone)
    until = midnight(closing.closed_until + DAY, zone)
    if until + MARGIN > now:
        return False
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    values = {"zone": zone.key, "day": closing.closed_until, "since": since, "until": until}
    await session.execute(CLOSE_DAY, values)
    closing.closed_until += DAY
    return True


async def _find_locked(session: Session, zone: ZoneInfo) -> LedgerClosing | None:
    """Lock how far a zone is closed; None if another worker has it, or if nothing was ever posted."""
    statement = select(LedgerClosing).where(LedgerClosing.zone == zone.key)
    if await session.scalar(statement) is None:
        first = await session.scalar(select(func.min(LedgerEntry.occurred_at)))
        if first is None:
            return None
        begun = insert(LedgerClosing).values(zone=zone.key, closed_until=day_of(first, zone))
        await session.execute(begun.on_conflict_do_nothing())
    locked = statement.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return (await session.execute(locked)).scalar_one_or_none()


async def reopen(session: Session) -> None:
    """Forget all closed days; they are summed anew."""
    await session.execute(delete(LedgerDay))
    await session.execute(delete(LedgerClosing))


async def read(session: Session, periods: Periods, *, kinds: Sequence[str] | None = None) -> list[Posted]:
    """Sum what was posted in each period, by kind of entry (all, or those named), account and currency."""
    closed_until = await session.scalar(
        select(LedgerClosing.closed_until).where(LedgerClosing.zone == periods.zone.key)
    )
    since, until = periods.days[0], periods.days[-1]
    opened = max(since, closed_until or since)
    sums: dict[tuple[int, str, str, str], tuple[int, int]] = {}
    for found in (
        await _closed(session, periods, kinds, until=min(opened, until)) if since < opened else [],
        await _live(session, periods, kinds, since=opened) if opened < until else [],
    ):
        for row in found:
            key = (row.place, row.kind, row.account, row.currency)
            sum_minor, line_count = sums.get(key, (0, 0))
            sums[key] = (sum_minor + row.sum_minor, line_count + row.line_count)
    return [Posted(*key, *values) for key, values in sorted(sums.items())]


async def _closed(
    session: Session, periods: Periods, kinds: Sequence[str] | None, *, until: date
) -> list[Posted]:
    bounds = bindparam("days", list(periods.days), type_=ARRAY(Date))
    place = func.width_bucket(LedgerDay.day_on, bounds, type_=BigInteger) - 1
    statement = select(
        place,
        LedgerDay.kind,
        LedgerDay.account,
        LedgerDay.currency,
        cast(func.sum(LedgerDay.sum_minor), BigInteger),
        cast(func.sum(LedgerDay.line_count), BigInteger),
    ).where(LedgerDay.zone == periods.zone.key, LedgerDay.day_on >= periods.days[0], LedgerDay.day_on < until)
    if kinds is not None:
        statement = statement.where(LedgerDay.kind.in_(kinds))
    grouped = statement.group_by(place, LedgerDay.kind, LedgerDay.account, LedgerDay.currency)
    return [Posted(*row) for row in await session.execute(grouped)]


async def _live(
    session: Session, periods: Periods, kinds: Sequence[str] | None, *, since: date
) -> list[Posted]:
    bounds = bindparam("moments", periods.moments, type_=ARRAY(TIMESTAMP(timezone=True)))
    place = func.width_bucket(LedgerEntry.occurred_at, bounds, type_=BigInteger) - 1
    statement = (
        select(
            place,
            LedgerEntry.kind,
            LedgerPosting.account,
            LedgerPosting.currency,
            cast(func.sum(LedgerPosting.amount_minor), BigInteger),
            func.count(),
        )
        .join(LedgerPosting, LedgerPosting.entry_id == LedgerEntry.id)
        .where(
            LedgerEntry.occurred_at >= midnight(since, periods.zone),
            LedgerEntry.occurred_at < periods.moments[-1],
        )
    )
    if kinds is not None:
        statement = statement.where(LedgerEntry.kind.in_(kinds))
    grouped = statement.group_by(place, LedgerEntry.kind, LedgerPosting.account, LedgerPosting.currency)
    return [Posted(*row) for row in await session.execute(grouped)]
