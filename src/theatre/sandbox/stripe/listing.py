"""Lists: newest first, before or after an object that was shown, within moments."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeAlias, TypeVar
from uuid import UUID

from sqlalchemy import Row, Select, tuple_

from theatre.kit.db import Session
from theatre.sandbox.errors import InvalidRequest
from theatre.sandbox.models import Payment, Refund
from theatre.sandbox.stripe.schemas import ListFilter, moment_of
from theatre.sandbox.stripe_objects import read_id

R = TypeVar("R", Payment, Refund)
Item = TypeVar("Item")
Mark: TypeAlias = tuple[datetime, UUID]
COMPARISONS = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt}


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page, and whether there is more in the direction that was asked for."""

    items: Sequence[Item]
    has_more: bool


async def list_page(
    session: Session, query: Select[R], *, table: type[R], wanted: ListFilter, prefix: str
) -> Page[R]:
    """Give one page of `query`; `prefix` is that of the listed objects' ids.

    Raises:
        InvalidRequest, NoSuchObject
    """
    made_at: Any = table.created_at
    mark: Mark | None = None
    if shown := shown_object(wanted):
        row = await session.get(table, read_id(shown, prefix))
        mark = (row.created_at, row.id) if row else None
    page = await read_page(session, query, place=(made_at, table.id), wanted=wanted, mark=mark)
    return Page([row for (row,) in page.items], page.has_more)


def shown_object(wanted: ListFilter) -> str | None:
    """Give the id of the object before or after which the page lies.

    Raises:
        InvalidRequest
    """
    if wanted.starting_after and wanted.ending_before:
        raise InvalidRequest("Only one of starting_after and ending_before may be given")
    return wanted.starting_after or wanted.ending_before


async def read_page(
    session: Session, query: Select[Any], *, place: tuple[Any, Any], wanted: ListFilter, mark: Mark | None
) -> Page[Row[Any]]:
    """Give one page of the rows of `query`, whose moment and id are `place`; `mark` is that of the object shown.

    Raises:
        InvalidRequest
    """
    made_at, identity = place
    bounds = ((compare, getattr(wanted.created, word)) for word, compare in COMPARISONS.items())
    query = query.where(
        *(compare(made_at, moment_of(bound)) for compare, bound in bounds if bound is not None)
    )
    if shown_object(wanted):
        if mark is None:
            raise InvalidRequest("No such object", parameter="starting_after")
        here = tuple_(made_at, identity)
        query = query.where(here > mark if wanted.ending_before else here < mark)
    if wanted.ending_before:
        rows = (await session.execute(query.order_by(made_at, identity).limit(wanted.limit + 1))).all()
        return Page(rows[: wanted.limit][::-1], len(rows) > wanted.limit)
    newest = query.order_by(made_at.desc(), identity.desc()).limit(wanted.limit + 1)
    rows = (await session.execute(newest)).all()
    return Page(rows[: wanted.limit], len(rows) > wanted.limit)
