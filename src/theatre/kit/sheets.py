"""Lists as files: which kind of file a request wants, and CSV (RFC 4180 in UTF-8), cell by cell made safe for the
spreadsheet that will open it. XLSX is written by `kit/workbooks.py`.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Send

from theatre.kit.money import Money, to_decimal

MINOR = "_minor"
JSON = "application/json"


class SheetKind(StrEnum):
    """Kinds of files that a list is given as, named like their endings."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES = {
    SheetKind.CSV: "text/csv",
    SheetKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
KINDS = {media_type: kind for kind, media_type in MEDIA_TYPES.items()}
# A spreadsheet reads a cell that begins so as a formula; full-width signs too.
FORMULA = re.compile(r"[=+\-@\t\r\n\0＝＋－＠]")
IN_OPENAPI: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            MEDIA_TYPES[SheetKind.CSV]: {"schema": {"type": "string"}},
            MEDIA_TYPES[SheetKind.XLSX]: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
"""What a door that also answers with files tells in its `responses`."""


def defused(value: str) -> str:
    """Keep a text from being read as a formula: it gets a leading apostrophe (ASVS 1.2.10)."""
    return f"'{value}" if FORMULA.match(value) else value


def json_of(value: Any) -> str:
    """Write what has parts as one text."""
    return orjson.dumps(value).decode()


WRITERS: dict[type, Callable[[Any], Any]] = {
    str: defused,
    datetime: datetime.isoformat,
    bytes: bytes.hex,
    bool: lambda value: "true" if value else "false",
    dict: json_of,
    list: json_of,
}


class Columns:
    """Named columns of a file, and which of them are amounts.

    `*_minor` is an amount and shown without that ending, in the currency of the first column `currency` or
    `*_currency` after it; where none comes after it, in the row's `currency`. `currencies` tells, by the place of each
    amount, the place of its currency.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.heads = [name.removesuffix(MINOR) for name in names]
        amounts = [place for place, name in enumerate(names) if name.endswith(MINOR)]
        self.currencies = {place: _currency_of(place, names) for place in amounts}


class Sheet:
    """Writes rows of `Columns` as CSV; amounts are decimals."""

    def __init__(self, names: Sequence[str]) -> None:
        self._columns = Columns(names)

    def head(self) -> bytes:
        """Give the first line: the names."""
        return _lines([self._columns.heads])

    def body(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """Give the lines of rows."""
        return _lines([self._cells(row) for row in rows])

    def _cells(self, row: Sequence[Any]) -> list[Any]:
        cells = [writer(value) if (writer := WRITERS.get(type(value))) else value for value in row]
        for place, currency in self._columns.currencies.items():
            if (amount_minor := row[place]) is not None:
                cells[place] = to_decimal(Money(amount_minor, row[currency]))
        return cells


def _currency_of(place: int, names: Sequence[str]) -> int:
    after = (later for later in range(place, len(names)) if f"_{names[later]}".endswith("_currency"))
    found = next(after, None)
    return names.index("currency") if found is None else found


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()


class SheetAnswer(StreamingResponse):
    """A file, sent as it is read. Cut short it ends without its last chunk, which clients report."""

    def __init__(self, chunks: AsyncIterator[bytes], *, name: str, kind: SheetKind) -> None:
        media_type = MEDIA_TYPES[kind]
        if kind is SheetKind.CSV:
            media_type += "; charset=utf-8; header=present"
        disposition = f'attachment; filename="{name}.{kind}"'
        super().__init__(chunks, media_type=media_type, headers={"Content-Disposition": disposition})

    async def stream_response(self, send: Send) -> None:
        """Send, and close what is being read even if the client went away."""
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)


def wanted_kind(request: Request, named: SheetKind | None = None) -> SheetKind | None:
    """Tell which kind of file is wanted: the one that `?format=` named, since a link cannot set `Accept`; else the
    one that `Accept` names, unless it names JSON before it; else none."""
    if named is not None:
        return named
    for part in request.headers.get("accept", "").split(","):
        word = part.partition(";")[0].strip().lower()
        if word == JSON:
            return None
        if word in KINDS:
            return KINDS[word]
    return None
