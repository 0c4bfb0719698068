"""CSV as doors give it: RFC 4180 in UTF-8, cell by cell made safe for the spreadsheet that will open it."""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Send

from theatre.kit.money import Money, to_decimal

MEDIA_TYPE = "text/csv"
MINOR = "_minor"
# A spreadsheet reads a cell that begins so as a formula; full-width signs too.
FORMULA = re.compile(r"[=+\-@\t\r\n\0＝＋－＠]")
IN_OPENAPI: dict[int | str, dict[str, Any]] = {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}
"""What a door that also answers with CSV tells in its `responses`."""


def defused(value: str) -> str:
    """Keep a text from being read as a formula: it gets a leading apostrophe (ASVS 1.2.10)."""
    return f"'{value}" if FORMULA.match(value) else value


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


WRITERS: dict[type, Callable[[Any], Any]] = {
    str: defused,
    datetime: datetime.isoformat,
    bytes: bytes.hex,
    bool: lambda value: "true" if value else "false",
    dict: _json,
    list: _json,
}


class Sheet:
    """Writes rows of named columns.

    `*_minor` is written as a decimal, without that ending, in the currency of the first column `currency` or
    `*_currency` after it; where none comes after it, in the row's `currency`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._heads = [name.removesuffix(MINOR) for name in names]
        amounts = [place for place, name in enumerate(names) if name.endswith(MINOR)]
        self._currencies = {place: _currency_of(place, names) for place in amounts}

    def head(self) -> bytes:
        """Give the first line: the names."""
        return _lines([self._heads])

    def body(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """Give the lines of rows."""
        return _lines([self._cells(row) for row in rows])

    def _cells(self, row: Sequence[Any]) -> list[Any]:
        cells = [writer(value) if (writer := WRITERS.get(type(value))) else value for value in row]
        for place, currency in self._currencies.items():
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
    """A file of CSV, sent as it is read. Cut short it ends without its last chunk, which clients report."""

    def __init__(self, chunks: AsyncIterator[bytes], *, name: str) -> None:
        disposition = f'attachment; filename="{name}.csv"'
        super().__init__(
            chunks,
            media_type=f"{MEDIA_TYPE}; charset=utf-8; header=present",
            headers={"Content-Disposition": disposition},
        )

    @classmethod
    def of(cls, names: Sequence[str], rows: Sequence[Sequence[Any]], *, name: str) -> "SheetAnswer":
        """Make the file of rows that are read already."""
        sheet = Sheet(names)

        async def whole() -> AsyncIterator[bytes]:
            yield sheet.head() + sheet.body(rows)

        return cls(whole(), name=name)

    async def stream_response(self, send: Send) -> None:
        """Send, and close what is being read even if the client went away."""
        async with aclosing(self.body_iterator):  # type: ignore[type-var]
            await super().stream_response(send)


def wants_csv(request: Request) -> bool:
    """Tell whether `Accept` names CSV, and not JSON before it."""
    kinds = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return MEDIA_TYPE in kinds and "application/json" not in kinds[: kinds.index(MEDIA_TYPE)]
