"""Lists: filters on moments and a cursor after the last row shown."""

import operator
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, tuple_

from theatre.kit.db import Session
from theatre.kit.pagination import BadCursor, Page, PageRequest, decode_cursor, page_of
from theatre.sandbox.models import Payment, Receipt, Refund
from theatre.sandbox.schemas import ListFilter

R = TypeVar("R", Payment, Refund, Receipt)

COMPARISONS = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt}


async def list_page(session: Session, query: Select[R], *, table: type[R], wanted: ListFilter) -> Page[R]:
    """Give one page of `query`, newest first, within the moments wanted.

    Raises:
        BadCursor
    """
    made_at: Any = table.created_at
    identity: Any = table.id
    request = PageRequest(wanted.limit, decode_cursor(wanted.cursor) if wanted.cursor else None)
    conditions = _within(made_at, wanted, "created_at")
    if request.after is not None:
        conditions.append(tuple_(made_at, identity) < _last_shown(request.after, table))
    newest = query.where(*conditions).order_by(made_at.desc(), identity.desc()).limit(request.limit + 1)
    rows: Sequence[R] = (await session.scalars(newest)).all()
    return page_of(rows, request, key=lambda row: (row.created_at.isoformat(), row.id))


def captured_within(wanted: ListFilter) -> list[ColumnElement[bool]]:
    """Give the conditions on a payment's capture."""
    return _within(Payment.captured_at, wanted, "captured_at")


def _within(column: Any, wanted: ListFilter, name: str) -> list[ColumnElement[bool]]:
    bounds = ((compare, getattr(wanted, f"{name}_{word}")) for word, compare in COMPARISONS.items())
    return [compare(column, bound) for compare, bound in bounds if bound is not None]


def _last_shown(after: tuple[str, ...], table: type[R]) -> tuple[datetime, UUID | str]:
    try:
        created_at, identity = after
        return datetime.fromisoformat(created_at), identity if table is Receipt else UUID(identity)
    except ValueError as error:
        raise BadCursor from error
