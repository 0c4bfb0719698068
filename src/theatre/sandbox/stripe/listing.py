"""Lists: newest first, before or after an object that was shown, within moments."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_

from theatre.kit.db import Session
from theatre.sandbox.errors import InvalidRequest
from theatre.sandbox.models import Payment, Refund
from theatre.sandbox.stripe.schemas import ListFilter, moment_of
from theatre.sandbox.stripe_objects import read_id

R = TypeVar("R", Payment, Refund)
COMPARISONS = {"gte": operator.ge, "gt": operator.gt, "lte": operator.le, "lt": operator.lt}


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page, and whether there is more in the direction that was asked for."""

    items: Sequence[R]
    has_more: bool


async def list_page(
    session: Session, query: Select[R], *, table: type[R], wanted: ListFilter, prefix: str
) -> Page[R]:
    """Give one page of `query`; `prefix` is that of the listed objects' ids.

    Raises:
        InvalidRequest, NoSuchObject
    """
    made_at: Any = table.created_at
    place = tuple_(made_at, table.id)
    bounds = ((compare, getattr(wanted.created, word)) for word, compare in COMPARISONS.items())
    query = query.where(
        *(compare(made_at, moment_of(bound)) for compare, bound in bounds if bound is not None)
    )
    if wanted.starting_after and wanted.ending_before:
        raise InvalidRequest("Only one of starting_after and ending_before may be given")
    shown = wanted.starting_after or wanted.ending_before
    if shown:
        row = await session.get(table, read_id(shown, prefix))
        if row is None:
            raise InvalidRequest("No such object", parameter="starting_after")
        mark = (row.created_at, row.id)
        query = query.where(place > mark if wanted.ending_before else place < mark)
    if wanted.ending_before:
        rows = (await session.scalars(query.order_by(made_at, table.id).limit(wanted.limit + 1))).all()
        return Page(rows[: wanted.limit][::-1], len(rows) > wanted.limit)
    newest = query.order_by(made_at.desc(), table.id.desc()).limit(wanted.limit + 1)
    rows = (await session.scalars(newest)).all()
    return Page(rows[: wanted.limit], len(rows) > wanted.limit)
