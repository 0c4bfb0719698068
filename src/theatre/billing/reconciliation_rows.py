"""Rows of a reconciliation: what each source knows of an operation, gathered in batches, and kept with its outcome."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import Insert, insert

from theatre.billing import ledger
from theatre.billing.models import (
    LedgerEntry,
    LedgerPosting,
    Outcome,
    Reason,
    ReconciliationRow,
    ReconciliationRun,
    RegisterLine,
)
from theatre.billing.verdicts import Sighting, Sightings, outcome_of
from theatre.contracts.payment import OperationKind
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.money import Money

FEE = "fee"
KEPT = {"id", "run_id", "kind", "reference"}


def _putting() -> Insert:
    statement = insert(ReconciliationRow)
    columns = (column.name for column in ReconciliationRow.__table__.columns)
    changed = {name: statement.excluded[name] for name in columns if name not in KEPT}
    return statement.on_conflict_do_update(index_elements=["run_id", "kind", "reference"], set_=changed)


# Put together once, for one row: with all rows of a page in its text it would be compiled anew for each page.
PUT = _putting()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One operation to be judged, by the provider's name and the ledger's. `api` is what its API says of it."""

    kind: OperationKind
    reference: str
    operation_key: str | None
    api: Sighting | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with what was found of it and what came out."""

    candidate: Candidate
    seen: Sightings
    payment_id: UUID | None
    reason: Reason
    cause: str | None


@dataclass(frozen=True, slots=True)
class Booked:
    """What the ledger holds of an operation."""

    sighting: Sighting
    payment_id: UUID | None


@dataclass(frozen=True, slots=True)
class Total:
    """How many rows of a run ended alike, and what each source says of them in all."""

    outcome: str
    reason: str
    kind: str
    currency: str
    number: int
    ledger_minor: int
    api_minor: int
    register_minor: int


async def find_booked(
    session: Session, provider: str, candidates: Sequence[Candidate], *, zone: ZoneInfo
) -> Mapping[str, Booked]:
    """Give what the ledger's cash account of a provider holds of these operations, by operation key."""
    keys = [candidate.operation_key for candidate in candidates if candidate.operation_key is not None]
    fee_keys = {key: f"{FEE}:{key.partition(':')[2]}" for key in keys}
    amount = func.sum(LedgerPosting.amount_minor).label("amount_minor")
    entry = LedgerEntry
    found = (
        select(entry.operation_key, entry.payment_id, entry.occurred_at, LedgerPosting.currency, amount)
        .join(LedgerPosting, LedgerPosting.entry_id == entry.id)
        .where(
            entry.operation_key.in_([*keys, *fee_keys.values()]),
            LedgerPosting.account == ledger.cash(provider),
        )
        .group_by(entry.id, LedgerPosting.currency)
    )
    rows = {row.operation_key: row for row in await session.execute(found)}
    return {key: _booked(rows[key], rows.get(fee_keys[key]), zone=zone) for key in fee_keys if key in rows}


def _booked(row: Any, fee: Any | None, *, zone: ZoneInfo) -> Booked:
    is_capture = row.operation_key.startswith(OperationKind.CAPTURE)
    amount_minor = int(row.amount_minor) if is_capture else -int(row.amount_minor)
    return Booked(
        Sighting(
            money=Money(amount_minor, row.currency),
            day=row.occurred_at.astimezone(zone).date(),
            fee_minor=_fee_minor(fee, is_capture=is_capture),
        ),
        row.payment_id,
    )


def _fee_minor(fee: Any | None, *, is_capture: bool) -> int | None:
    """Give what the ledger says was kept: a capture's fee may be told later, a refund's is never booked."""
    if fee is not None:
        return -int(fee.amount_minor)
    return None if is_capture else 0


async def find_registered(
    session: Session, run: ReconciliationRun, candidates: Sequence[Candidate]
) -> Mapping[tuple[str, str], Sighting]:
    """Give what the provider's registers say of these operations: the day's own, else the newest other."""
    line = RegisterLine
    # by reference alone, which is one look into the index; one of another kind does no harm
    named = line.kind.in_(list(OperationKind)) & line.reference.in_([one.reference for one in candidates])
    found = (
        select(line)
        .where(line.provider == run.provider, named)
        # the last one counts
        .order_by(line.day == run.day, line.day)
    )
    return {
        (one.kind, one.reference): Sighting(
            Money(one.amount_minor, one.currency), one.day, one.fee_minor, one.copies
        )
        for one in await session.scalars(found)
    }


async def list_unseen_entries(
    session: Session,
    run: ReconciliationRun,
    *,
    claim: UUID,
    bounds: tuple[datetime, datetime],
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> Sequence[tuple[UUID, str, datetime]]:
    """List captures and refunds booked within `bounds` on the provider's cash that this run has not judged yet."""
    entry, row = LedgerEntry, ReconciliationRow
    is_cash = (
        select(LedgerPosting.position)
        .where(LedgerPosting.entry_id == entry.id, LedgerPosting.account == ledger.cash(run.provider))
        .exists()
    )
    is_seen = (
        select(row.id)
        .where(
            row.run_id == run.id,
            row.operation_key == entry.operation_key,
            row.seen_by == claim,
        )
        .exists()
    )
    keys = or_(*(entry.operation_key.startswith(f"{kind}:", autoescape=True) for kind in OperationKind))
    found = select(entry.id, entry.operation_key, entry.occurred_at).where(
        entry.occurred_at >= bounds[0], entry.occurred_at < bounds[1], keys, is_cash, ~is_seen
    )
    if after is not None:
        found = found.where(tuple_(entry.occurred_at, entry.id) > after)
    rows = await session.execute(found.order_by(entry.occurred_at, entry.id).limit(limit))
    return [(row.id, row.operation_key, row.occurred_at) for row in rows]


async def list_unseen_lines(
    session: Session, run: ReconciliationRun, *, claim: UUID, after: tuple[str, str] | None, limit: int
) -> Sequence[RegisterLine]:
    """List the lines of the day's register that this run has not judged yet."""
    line, row = RegisterLine, ReconciliationRow
    is_seen = (
        select(row.id)
        .where(
            row.run_id == run.id,
            row.kind == line.kind,
            row.reference == line.reference,
            row.seen_by == claim,
        )
        .exists()
    )
    found = select(line).where(line.provider == run.provider, line.day == run.day, ~is_seen)
    if after is not None:
        found = found.where(tuple_(line.kind, line.reference) > after)
    return (await session.scalars(found.order_by(line.kind, line.reference).limit(limit))).all()


async def list_unseen_rows(
    session: Session, run: ReconciliationRun, *, claim: UUID, after: UUID | None, limit: int
) -> Sequence[ReconciliationRow]:
    """List what earlier runs found and this one has not met again."""
    row = ReconciliationRow
    found = select(row).where(row.run_id == run.id, row.seen_by != claim)
    if after is not None:
        found = found.where(row.id > after)
    return (await session.scalars(found.order_by(row.id).limit(limit))).all()


async def list_causes(
    session: Session, run: ReconciliationRun, candidates: Sequence[Candidate]
) -> frozenset[str]:
    """Give the causes of the cases that rows of these operations have had."""
    row = ReconciliationRow
    found = select(row.kind, row.reference, row.cause).where(
        row.run_id == run.id,
        row.cause.is_not(None),
        row.kind.in_(list(OperationKind)),
        row.reference.in_([one.reference for one in candidates]),
    )
    meant = {(one.kind, one.reference) for one in candidates}
    rows = await session.execute(found)
    return frozenset(one.cause for one in rows if (one.kind, one.reference) in meant)


async def put(
    session: Session, run: ReconciliationRun, judged: Collection[Judged], *, claim: UUID, now: datetime
) -> None:
    """Keep rows, each in place of what an earlier run found of its operation."""
    rows = [
        {
            "id": new_id(),
            "run_id": run.id,
            "kind": one.candidate.kind,
            "reference": one.candidate.reference,
            "operation_key": one.candidate.operation_key,
            "payment_id": one.payment_id,
            **_columns("ledger", one.seen.ledger),
            **_columns("api", one.seen.api),
            **_columns("register", one.seen.register),
            "outcome": outcome_of(one.reason),
            "reason": one.reason,
            "cause": one.cause,
            "judged_at": now,
            "seen_by": claim,
        }
        for one in judged
    ]
    await session.execute(PUT, rows)


def _columns(source: str, sighting: Sighting | None) -> dict[str, Any]:
    return {
        f"{source}_minor": sighting.money.amount_minor if sighting else None,
        f"{source}_currency": sighting.money.currency if sighting else None,
        f"{source}_fee_minor": sighting.fee_minor if sighting else None,
        f"{source}_on": sighting.day if sighting else None,
    }


async def explain(session: Session, cause: str) -> None:
    """Let rows whose case a person has closed be explained."""
    row = ReconciliationRow
    await session.execute(
        update(row)
        .where(row.cause == cause, row.outcome == Outcome.CASE)
        .values(outcome=Outcome.EXPLAINED, reason=Reason.NOTED)
    )


async def count_outcomes(session: Session, run_id: UUID) -> Mapping[Outcome, int]:
    """Count a run's rows by outcome."""
    row = ReconciliationRow
    found = select(row.outcome, func.count()).where(row.run_id == run_id).group_by(row.outcome)
    return {Outcome(outcome): count for outcome, count in await session.execute(found)}


async def count_seen(session: Session, run_id: UUID, claim: UUID) -> int:
    """Count what the worker at a run has judged so far."""
    row = ReconciliationRow
    found = select(func.count()).where(row.run_id == run_id, row.seen_by == claim)
    return int(await session.scalar(found) or 0)


async def total(session: Session, run_id: UUID) -> Sequence[Total]:
    """Sum a run's rows; each source's sum is of what it says in that currency."""
    row = ReconciliationRow
    currency = func.coalesce(row.api_currency, row.register_currency, row.ledger_currency)
    sums = [
        func.coalesce(func.sum(minor).filter(own == currency), 0)
        for minor, own in (
            (row.ledger_minor, row.ledger_currency),
            (row.api_minor, row.api_currency),
            (row.register_minor, row.register_currency),
        )
    ]
    groups = (row.outcome, row.reason, row.kind, currency)
    found = select(*groups, func.count(), *sums).where(row.run_id == run_id).group_by(*groups)
    rows = await session.execute(found.order_by(row.outcome.desc(), row.reason, row.kind, currency))
    return [Total(*values[:5], *map(int, values[5:])) for values in rows]
