"""Keyset paging: a cursor says after which row to go on, so page 10,000 costs what page 1 costs."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query

from theatre.kit.errors import Problem
from theatre.kit.fields import Answer

T = TypeVar("T")
A = TypeVar("A")


class BadCursor(Problem):
    """The cursor was not made by us, or for another list."""

    code = "kit.bad_cursor"
    status = 400
    title = "The cursor does not belong to this list; start again without it"


class PageAnswer(Answer, Generic[A]):
    """One page of a list; `next_cursor` is null on the last."""

    items: list[A]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted: up to `limit` rows after the row that `after` describes (None: from the start)."""

    limit: int
    after: tuple[str, ...] | None

    def uuid_after(self) -> UUID:
        """Read a cursor that holds nothing but an id.

        Raises:
            BadCursor: it holds something else.
        """
        try:
            (word,) = self.after or ()
            return UUID(word)
        except ValueError as error:
            raise BadCursor from error


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of one page and the cursor of the next."""

    items: Sequence[T]
    next_cursor: str | None


async def page_request(
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> PageRequest:
    """Read `?limit=&cursor=` (a route dependency)."""
    return PageRequest(limit, None if cursor is None else decode_cursor(cursor))


def page_of(rows: Sequence[T], request: PageRequest, *, key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
    """Cut a page from `rows`, which were asked for with one more than `request.limit`."""
    items = rows[: request.limit]
    more = len(rows) > request.limit
    return Page(items, encode_cursor(key(items[-1])) if more else None)


def encode_cursor(key: tuple[Any, ...]) -> str:
    """Write a row's sort key as an opaque word."""
    return base64.urlsafe_b64encode(orjson.dumps([str(part) for part in key])).decode().rstrip("=")


def decode_cursor(cursor: str) -> tuple[str, ...]:
    """Read what `encode_cursor` wrote: strings; the list that made it knows their types.

    Raises:
        BadCursor: not made by `encode_cursor`.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        key = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise BadCursor from error
    if not isinstance(key, list) or not key or not all(isinstance(part, str) for part in key):
        raise BadCursor
    return tuple(key)
