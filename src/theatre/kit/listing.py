"""Lists that are read by pages, or whole as files: one description of rows and order serves both.

A page is cut by keyset, so that page 10,000 costs what page 1 costs; the whole list is read through a cursor of the
server, so that it costs no more memory than a page.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import Field, TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, Select, literal, tuple_
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm.interfaces import ORMOption

from theatre.kit.db import Session, Sessions
from theatre.kit.fields import Line, Moment
from theatre.kit.pagination import BadCursor, Page, PageRequest, page_of
from theatre.kit.sheets import Sheet, SheetAnswer, SheetKind
from theatre.kit.workbooks import MAX_ROWS, SheetTooLong, Workbook

T = TypeVar("T")
Attribute = InstrumentedAttribute[Any]

CHUNK_ROWS = 1_000
KEY_TYPES: dict[type, TypeAdapter[Any]] = {
    UUID: TypeAdapter(UUID),
    datetime: TypeAdapter(Moment),
    int: TypeAdapter(Annotated[int, Field(ge=-(2**63), lt=2**63)]),
    str: TypeAdapter(Line),
}


@dataclass(frozen=True)
class Listing(Generic[T]):
    """The rows of a list, in falling order of `keys` (rising if `is_rising`), which together are unique and follow an
    index.

    A list that can be had in several orders names each by a word, `order`, which its cursors carry: a cursor of one
    order is none of another. `columns` are those of its file, which has a row for each of the `lines` of a row, if
    those are named. `options` load what a page's answer needs besides.
    """

    rows: Select[T]
    keys: tuple[Attribute, ...]
    columns: tuple[Attribute, ...] = ()
    lines: Attribute | None = None
    options: tuple[ORMOption, ...] = ()
    is_rising: bool = False
    order: str | None = None

    def ordered(self) -> Select[T]:
        """Give the statement of the whole list."""
        return self.rows.order_by(*(key.asc() if self.is_rising else key.desc() for key in self.keys))

    def page(self, request: PageRequest) -> Select[T]:
        """Give the statement of one page and the row after it.

        Raises:
            BadCursor: it was made for another list.
        """
        statement = self.ordered().limit(request.limit + 1)
        if request.after is None:
            return statement
        keys, after = tuple_(*self.keys), tuple_(*self._after(request.after))
        return statement.where(keys > after if self.is_rising else keys < after)

    def cursor(self, row: T) -> tuple[Any, ...]:
        """Give what the cursor after a row says."""
        return (*self._named, *(getattr(row, key.key) for key in self.keys))

    def sheet(self) -> Select[Any]:
        """Give the statement of the whole list's file."""
        joined = self.ordered() if self.lines is None else self.ordered().join(self.lines)
        return joined.with_only_columns(*self.columns)

    @property
    def _named(self) -> tuple[str, ...]:
        return () if self.order is None else (self.order,)

    def _after(self, words: Sequence[str]) -> list[ColumnElement[Any]]:
        name, words = tuple(words[: len(self._named)]), words[len(self._named) :]
        if name != self._named:
            raise BadCursor
        try:
            return [
                literal(KEY_TYPES[key.type.python_type].validate_strings(word), key.type)
                for key, word in zip(self.keys, words, strict=True)
            ]
        except (ValidationError, ValueError) as error:
            raise BadCursor from error


async def read_page(session: Session, listing: Listing[T], request: PageRequest) -> Page[T]:
    """Read one page.

    Raises:
        BadCursor
    """
    rows = (await session.scalars(listing.page(request).options(*listing.options))).all()
    return page_of(rows, request, key=listing.cursor)


async def give_sheet(sessions: Sessions, listing: Listing[Any], *, name: str, kind: SheetKind) -> SheetAnswer:
    """Answer with the whole list as a file; what the database refuses is refused before the answer begins.

    Raises:
        SheetTooLong: a workbook of it would have too many rows.
    """
    chunks = (_csv if kind is SheetKind.CSV else _xlsx)(sessions, listing)
    return SheetAnswer(_again(await anext(chunks), chunks), name=name, kind=kind)


def give_rows(
    names: Sequence[str], rows: Sequence[Sequence[Any]], *, name: str, kind: SheetKind
) -> SheetAnswer:
    """Answer likewise with rows of named columns that are read already; there are few."""

    async def whole() -> AsyncIterator[bytes]:
        if kind is SheetKind.CSV:
            sheet = Sheet(names)
            yield sheet.head() + sheet.body(rows)
            return
        with Workbook(names) as book:
            await asyncio.to_thread(book.add, rows)
            yield await asyncio.to_thread(lambda: b"".join(book.pieces()))

    return SheetAnswer(whole(), name=name, kind=kind)


async def _csv(sessions: Sessions, listing: Listing[Any]) -> AsyncIterator[bytes]:
    sheet = Sheet([column.key for column in listing.columns])
    async with sessions() as session:
        statement = listing.sheet().execution_options(yield_per=CHUNK_ROWS)
        result = await session.stream(statement)
        # with the first rows in hand the query is known to run
        yield sheet.head()
        async for rows in result.partitions():
            yield sheet.body(rows)


async def _xlsx(sessions: Sessions, listing: Listing[Any]) -> AsyncIterator[bytes]:
    with Workbook([column.key for column in listing.columns]) as book:
        async with sessions() as session:
            beyond = await session.execute(listing.sheet().offset(MAX_ROWS).limit(1))
            if beyond.first() is not None:
                raise SheetTooLong
            statement = listing.sheet().execution_options(yield_per=CHUNK_ROWS)
            async for rows in (await session.stream(statement)).partitions():
                await asyncio.to_thread(book.add, rows)
        pieces = await asyncio.to_thread(book.pieces)
        while piece := await asyncio.to_thread(next, pieces, b""):
            yield piece


async def _again(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(rest):  # type: ignore[type-var]
        yield first
        async for chunk in rest:
            yield chunk
