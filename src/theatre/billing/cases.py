"""Cases: what no rule can settle and a person must look at, closed with a note."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from theatre.billing import reconciliation_rows
from theatre.billing.errors import CaseNotOpen, CaseUnknown
from theatre.billing.models import Case, CaseKind, CaseStatus
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.kit.logging import get_logger

log = get_logger(__name__)

COLUMNS = (
    Case.id,
    Case.opened_at,
    Case.kind,
    Case.status,
    Case.cause,
    Case.payment_id,
    Case.refund_id,
    Case.details,
    Case.resolved_at,
    Case.resolved_by,
    Case.note,
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a person must look at. The same `cause` opens one case only; `details` are shown to staff as they are."""

    kind: CaseKind
    cause: str
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


NOBODY = UUID(int=0)
"""Who closes a case whose trouble went away by itself."""


async def open_once(session: Session, trouble: Trouble, *, now: datetime) -> None:
    """Open a case in the caller's transaction, unless its cause has opened one before.

    One that was withdrawn is opened again: its trouble has come back.
    """
    statement = insert(Case).values(
        id=new_id(),
        kind=trouble.kind,
        cause=trouble.cause,
        status=CaseStatus.OPEN,
        payment_id=trouble.payment_id,
        refund_id=trouble.refund_id,
        details=dict(trouble.details),
        opened_at=now,
    )
    again = statement.on_conflict_do_update(
        index_elements=[Case.cause],
        set_={
            "status": CaseStatus.OPEN,
            "details": statement.excluded.details,
            **dict.fromkeys(("resolved_at", "resolved_by", "note")),
        },
        where=Case.resolved_by == NOBODY,
    )
    if await session.scalar(again.returning(Case.id)) is not None:
        log.error("case opened", kind=trouble.kind, cause=trouble.cause)


async def count_open(session: Session, *, limit: int) -> int:
    """Count those that wait for a person, up to a limit."""
    waiting = select(Case.id).where(Case.status == CaseStatus.OPEN).limit(limit).subquery()
    return await session.scalar(select(func.count()).select_from(waiting)) or 0


async def get_open_locked(session: Session, case_id: UUID) -> Case:
    """Read a case that is open and lock it.

    Raises:
        CaseUnknown
        CaseNotOpen: somebody has closed it.
    """
    case = await session.get(Case, case_id, with_for_update=True, populate_existing=True)
    if case is None:
        raise CaseUnknown
    if case.status != CaseStatus.OPEN:
        raise CaseNotOpen
    return case


async def resolve(session: Session, case_id: UUID, *, staff_id: UUID, note: str, now: datetime) -> Case:
    """Close a case with a note.

    Raises:
        CaseUnknown, CaseNotOpen
    """
    case = await get_open_locked(session, case_id)
    case.status, case.resolved_at = CaseStatus.RESOLVED, now
    case.resolved_by, case.note = staff_id, note
    if case.kind == CaseKind.RECONCILIATION:
        await reconciliation_rows.explain(session, case.cause)
    return case


async def withdraw(session: Session, causes: Collection[str], *, note: str, now: datetime) -> None:
    """Close the open ones of these cases by rule: their trouble went away by itself."""
    await session.execute(
        update(Case)
        .where(Case.cause.in_(causes), Case.status == CaseStatus.OPEN)
        .values(status=CaseStatus.RESOLVED, resolved_at=now, resolved_by=NOBODY, note=note)
    )


async def list_noted(session: Session, causes: Collection[str]) -> frozenset[str]:
    """Give those causes whose case a person has closed with a note."""
    noted = select(Case.cause).where(
        Case.cause.in_(causes), Case.status == CaseStatus.RESOLVED, Case.resolved_by != NOBODY
    )
    return frozenset((await session.scalars(noted)).all())


def find(*, status: CaseStatus | None = None, kind: CaseKind | None = None) -> Listing[Case]:
    """List cases, newest first."""
    rows = select(Case)
    if status is not None:
        rows = rows.where(Case.status == status)
    if kind is not None:
        rows = rows.where(Case.kind == kind)
    return Listing(rows, keys=(Case.id,), columns=COLUMNS)


async def get(session: Session, case_id: UUID) -> Case:
    """Read a case.

    Raises:
        CaseUnknown
    """
    case = await session.get(Case, case_id)
    if case is None:
        raise CaseUnknown
    return case
