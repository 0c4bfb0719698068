"""Runs of the reconciliation: planned, claimed by one worker at a time, ended, and run again until all is explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from theatre.billing import reconciliation_rows
from theatre.billing.errors import ReconciliationUnknown, RunAtWork, RunLost
from theatre.billing.models import Outcome, ReconciliationRow, ReconciliationRun, RunStatus
from theatre.billing.settings import BillingSettings
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.kit.logging import get_logger

LEASE = timedelta(minutes=10)
RETRY_AFTER = timedelta(minutes=15)
RERUN_AFTER = timedelta(days=1)
HEAL_DAYS = 30
CATCH_UP_DAYS = 31

RUN_COLUMNS = (
    ReconciliationRun.id,
    ReconciliationRun.provider,
    ReconciliationRun.day,
    ReconciliationRun.status,
    ReconciliationRun.created_at,
    ReconciliationRun.finished_at,
    ReconciliationRun.register_imported_at,
    ReconciliationRun.next_try_at,
    ReconciliationRun.last_error,
)
ROW_COLUMNS = (
    ReconciliationRow.kind,
    ReconciliationRow.reference,
    ReconciliationRow.operation_key,
    ReconciliationRow.payment_id,
    ReconciliationRow.ledger_minor,
    ReconciliationRow.ledger_fee_minor,
    ReconciliationRow.ledger_currency,
    ReconciliationRow.ledger_on,
    ReconciliationRow.api_minor,
    ReconciliationRow.api_fee_minor,
    ReconciliationRow.api_currency,
    ReconciliationRow.api_on,
    ReconciliationRow.register_minor,
    ReconciliationRow.register_fee_minor,
    ReconciliationRow.register_currency,
    ReconciliationRow.register_on,
    ReconciliationRow.outcome,
    ReconciliationRow.reason,
    ReconciliationRow.judged_at,
)

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days that providers reckon by, and how long after its end one is ready: its stragglers are in by then."""

    zone: ZoneInfo
    delay: timedelta

    @classmethod
    def of(cls, settings: BillingSettings) -> "Calendar":
        delay = timedelta(hours=settings.reconciliation_delay_hours)
        return cls(ZoneInfo(settings.reconciliation_zone), delay)

    def day_of(self, moment: datetime) -> date:
        """Tell which day a moment belongs to."""
        return moment.astimezone(self.zone).date()

    def bounds(self, day: date) -> tuple[datetime, datetime]:
        """Give when a day begins, and when the next one does."""
        begin, end = (datetime.combine(one, time(), self.zone) for one in (day, day + timedelta(days=1)))
        return begin, end

    def ready_at(self, day: date) -> datetime:
        """Tell when a day may be closed."""
        return self.bounds(day)[1] + self.delay

    def last_ready(self, now: datetime) -> date:
        """Tell the newest day that may be closed."""
        return self.day_of(now - self.delay) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run at work. `register_imported_at` is as it was at its beginning."""

    run: ReconciliationRun
    claim: UUID
    register_imported_at: datetime | None


async def claim(session: Session, *, provider: str, day: date, now: datetime) -> Claimed:
    """Take a day's run; if this worker dies, it is due again when the lease is over. Locks the run.

    Raises:
        RunAtWork
    """
    run = await _get_locked(session, provider, day, now=now)
    if run.claimed_until is not None and run.claimed_until > now:
        raise RunAtWork
    run.claim, run.claimed_until = new_id(), now + LEASE
    run.status, run.next_try_at = RunStatus.OPEN, now
    return Claimed(run, run.claim, run.register_imported_at)


async def _get_locked(session: Session, provider: str, day: date, *, now: datetime) -> ReconciliationRun:
    """Give the run of a day, made if there is none."""
    fresh = {"id": new_id(), "provider": provider, "day": day, "status": RunStatus.OPEN, "created_at": now}
    await session.execute(insert(ReconciliationRun).values(fresh).on_conflict_do_nothing())
    found = select(ReconciliationRun).where(
        ReconciliationRun.provider == provider, ReconciliationRun.day == day
    )
    return (await session.scalars(found.with_for_update())).one()


async def renew(session: Session, claimed: Claimed, *, now: datetime) -> None:
    """Hold on to a run, and keep every other worker out of it until this transaction ends. Locks the run.

    Raises:
        RunLost
    """
    renewed = (
        update(ReconciliationRun)
        .where(ReconciliationRun.id == claimed.run.id, ReconciliationRun.claim == claimed.claim)
        .values(claimed_until=now + LEASE)
        .returning(ReconciliationRun.id)
    )
    if await session.scalar(renewed) is None:
        raise RunLost


async def release(session: Session, *, claimed: Claimed, error: BaseException, now: datetime) -> None:
    """Let go of a run that was cut; it is due again soon."""
    await session.execute(
        update(ReconciliationRun)
        .where(ReconciliationRun.id == claimed.run.id, ReconciliationRun.claim == claimed.claim)
        .values(
            claim=None,
            claimed_until=None,
            status=RunStatus.OPEN,
            next_try_at=now + RETRY_AFTER,
            last_error=f"{type(error).__name__}: {error}"[:500],
        )
    )


async def finish(
    session: Session, *, calendar: Calendar, claimed: Claimed, now: datetime
) -> ReconciliationRun:
    """End a run that went through: the day is closed if it is ready and nothing of it is unexplained."""
    await renew(session, claimed, now=now)
    run = await session.get_one(ReconciliationRun, claimed.run.id, populate_existing=True)
    counts = await reconciliation_rows.count_outcomes(session, run.id)
    run.claim = run.claimed_until = run.last_error = run.next_try_at = None
    run.finished_at = now
    if run.register_imported_at != claimed.register_imported_at:
        run.next_try_at = now
    elif now < calendar.ready_at(run.day):
        run.next_try_at = calendar.ready_at(run.day)
    elif not counts.get(Outcome.CASE):
        run.status = RunStatus.CLOSED
    elif now < calendar.ready_at(run.day) + timedelta(days=HEAL_DAYS):
        run.next_try_at = now + RERUN_AFTER
    log.info("reconciled", provider=run.provider, day=str(run.day), status=run.status, counts=counts)
    return run


async def order(
    session: Session, provider: str, day: date, *, now: datetime, has_new_register: bool = False
) -> ReconciliationRun:
    """Have a day run as soon as a worker can, also one that is closed. Locks the run."""
    run = await _get_locked(session, provider, day, now=now)
    run.status, run.next_try_at, run.last_error = RunStatus.OPEN, now, None
    if has_new_register:
        run.register_imported_at = now
    return run


async def get(session: Session, run_id: UUID) -> ReconciliationRun:
    """Read a run.

    Raises:
        ReconciliationUnknown
    """
    run = await session.get(ReconciliationRun, run_id)
    if run is None:
        raise ReconciliationUnknown
    return run


async def list_providers(session: Session) -> Sequence[str]:
    """Name the providers whose days are reconciled."""
    return (await session.scalars(select(ReconciliationRun.provider).distinct().order_by("provider"))).all()


async def plan(session: Session, provider: str, *, calendar: Calendar, now: datetime) -> None:
    """Make a run for each day that has become ready, also where nobody was at work for some days."""
    last = calendar.last_ready(now)
    newest = await session.scalar(
        select(func.max(ReconciliationRun.day)).where(
            ReconciliationRun.provider == provider, ReconciliationRun.day <= last
        )
    )
    missing = min((last - newest).days, CATCH_UP_DAYS) if newest else 1
    for days_back in range(missing):
        fresh = {
            "id": new_id(),
            "provider": provider,
            "day": last - timedelta(days=days_back),
            "status": RunStatus.OPEN,
            "created_at": now,
            "next_try_at": now,
        }
        await session.execute(insert(ReconciliationRun).values(fresh).on_conflict_do_nothing())


async def find_due(session: Session, *, calendar: Calendar, now: datetime) -> ReconciliationRun | None:
    """Find an open run that nobody is at: its time has come, or staff have explained the last of it."""
    run = ReconciliationRun
    case = select(ReconciliationRow.id).where(
        ReconciliationRow.run_id == run.id, ReconciliationRow.outcome == Outcome.CASE
    )
    is_explained = (
        run.finished_at.is_not(None)
        & run.last_error.is_(None)
        & (run.day <= calendar.last_ready(now))
        & ~case.exists()
    )
    due = (
        select(run)
        .where(
            run.status == RunStatus.OPEN,
            or_(run.claimed_until.is_(None), run.claimed_until <= now),
            or_(run.next_try_at <= now, is_explained),
        )
        .order_by(run.day, run.id)
        .limit(1)
    )
    return await session.scalar(due)


def list_runs(*, provider: str | None = None, day: date | None = None) -> Listing[ReconciliationRun]:
    """List runs, the newest first."""
    rows = select(ReconciliationRun)
    if provider is not None:
        rows = rows.where(ReconciliationRun.provider == provider)
    if day is not None:
        rows = rows.where(ReconciliationRun.day == day)
    return Listing(rows, keys=(ReconciliationRun.id,), columns=RUN_COLUMNS)


def list_rows(run_id: UUID, *, outcome: Outcome | None = None) -> Listing[ReconciliationRow]:
    """List a run's rows, all or those of one outcome."""
    rows = select(ReconciliationRow).where(ReconciliationRow.run_id == run_id)
    if outcome is not None:
        rows = rows.where(ReconciliationRow.outcome == outcome)
    return Listing(rows, keys=(ReconciliationRow.id,), columns=ROW_COLUMNS)
