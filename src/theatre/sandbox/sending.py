"""What notifications of every face have in common: leased by a sender, tried on a schedule, sent again by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, bindparam, func, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

from theatre.kit.db import Session
from theatre.kit.pagination import BadCursor, Page, PageRequest, page_of

# longer than one try may last; by the database's clock, which no test moves
LEASE = timedelta(seconds=30)
MAX_ERROR_CHARACTERS = 200


class SendingColumns:
    """Columns of a table of notifications. `claimed_until` is the lease of the sender at work."""

    id: Mapped[UUID] = mapped_column(primary_key=True)
    body: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    next_try_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]


N = TypeVar("N", bound=SendingColumns)


def claiming(table: type[N]) -> ReturningUpdate[N]:
    """Write the statement that takes up to `limit` rows that are due at `now`; no two senders get the same one."""
    free = or_(table.claimed_until.is_(None), table.claimed_until < func.now())
    due = (
        select(table.id)
        .where(table.next_try_at <= bindparam("now"), free)
        .order_by(table.next_try_at)
        .limit(bindparam("limit", type_=Integer))
        .with_for_update(skip_locked=True)
    )
    return update(table).where(table.id.in_(due)).values(claimed_until=func.now() + LEASE).returning(table)


def next_try(created_at: datetime, tries_after: Sequence[timedelta], *, now: datetime) -> datetime | None:
    """Give the first moment of a schedule that is still ahead; None if there is none."""
    return next((created_at + after for after in tries_after if created_at + after > now), None)


async def list_page(
    session: Session, table: type[N], page: PageRequest, *conditions: ColumnElement[bool]
) -> Page[N]:
    """List notifications, newest first.

    Raises:
        BadCursor
    """
    query = select(table).where(*conditions).order_by(table.id.desc()).limit(page.limit + 1)
    if page.after is not None:
        query = query.where(table.id < _last_shown(page.after))
    rows = (await session.scalars(query)).all()
    return page_of(rows, page, key=lambda row: (row.id,))


def _last_shown(after: tuple[str, ...]) -> UUID:
    try:
        [identity] = after
        return UUID(identity)
    except ValueError as error:
        raise BadCursor from error


async def find_again(session: Session, table: type[N], id: UUID, *, now: datetime) -> N | None:
    """Have one sent again at once, whatever became of it before; None if there is none. Locks it."""
    row = await session.get(table, id, with_for_update=True)
    if row is not None:
        row.next_try_at = now
        row.claimed_until = row.delivered_at = None
    return row
