"""XLSX as doors give it: money as numbers beside their currency, moments as dates, texts that are never formulas.

A workbook is a zip whose parts are known only at its end: it is written to the disk row by row and sent when it is
whole, so that it costs no more memory than a chunk of its rows.
"""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import TracebackType
from typing import IO, Any

import xlsxwriter

from theatre.kit.errors import Invalid
from theatre.kit.money import Money, digits, to_decimal
from theatre.kit.sheets import Columns, json_of

MAX_ROWS = 100_000
"""The format ends at 1,048,576 rows; ours at what can be waited for, since nothing is sent before it is whole."""
MAX_TEXT_CHARACTERS = 32_767
"""Longest text that the format has room for in a cell."""
MAX_EXACT = 10**15
"""The format's numbers have fifteen digits; what has more is written as text."""
FIRST_YEAR = 1900
# what XML has no place for and the library would write all the same
NO_CHARACTER = re.compile("[\ufffe\uffff]")
PIECE_BYTES = 64 * 1024
COLUMN_CHARACTERS = 20
OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}


class SheetTooLong(Invalid):
    """The list has more rows than a workbook is given with."""

    code = "kit.sheet_too_long"
    title = f"A workbook holds {MAX_ROWS:,} rows at most; narrow the list by its filters, or take it as CSV"


class Workbook:
    """Writes rows of `Columns` into a workbook on the disk; use it as a context, whose end deletes it.

    Its methods work, and so block: call them in a thread.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._columns = Columns(names)
        self._count = 0

    def __enter__(self) -> "Workbook":
        self._folder = tempfile.mkdtemp(prefix="theatre-sheet-")
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=self._folder)
        self._book = xlsxwriter.Workbook(self._file, {**OPTIONS, "tmpdir": self._folder})
        self._sheet = self._book.add_worksheet()
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._date = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._amounts: dict[int, Any] = {}
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(self._columns.heads) - 1, COLUMN_CHARACTERS)
        bold = self._book.add_format({"bold": True})
        for place, head in enumerate(self._columns.heads):
            self._sheet.write_string(0, place, head, bold)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # a book that was given up leaves the open files of its sheets
        if not self._book.fileclosed:
            self._sheet.row_data_fh.close()
            self._book.fileclosed = True
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Write rows.

        Raises:
            SheetTooLong
        """
        currencies = self._columns.currencies
        for row in rows:
            self._count += 1
            if self._count > MAX_ROWS:
                raise SheetTooLong
            for place, value in enumerate(row):
                if value is None:
                    continue
                if place in currencies:
                    self._write_amount(place, Money(value, row[currencies[place]]))
                else:
                    self._write(place, value)

    def pieces(self) -> Iterator[bytes]:
        """End the workbook and give it piece by piece."""
        self._book.close()
        self._file.seek(0)
        while piece := self._file.read(PIECE_BYTES):
            yield piece

    def _write_amount(self, place: int, money: Money) -> None:
        places = digits(money.currency)
        if places not in self._amounts:
            pattern = f"0.{'0' * places}" if places else "0"
            self._amounts[places] = self._book.add_format({"num_format": pattern})
        written = to_decimal(money)
        if abs(money.amount_minor) >= MAX_EXACT:
            self._text(place, written)
        else:
            self._sheet.write_number(self._count, place, Decimal(written), self._amounts[places])

    def _write(self, place: int, value: Any) -> None:
        WRITERS.get(type(value), Workbook._words)(self, place, value)

    def _text(self, place: int, value: str) -> None:
        # the library takes what stands between these for markup of its own and would put it in as it is
        if value.startswith("<r>"):
            value = f"'{value}"
        readable = NO_CHARACTER.sub("\ufffd", value[:MAX_TEXT_CHARACTERS])
        self._sheet.write_string(self._count, place, readable)

    def _words(self, place: int, value: object) -> None:
        self._text(place, str(value))

    def _number(self, place: int, value: int | Decimal) -> None:
        if -MAX_EXACT < value < MAX_EXACT:
            self._sheet.write_number(self._count, place, value)
        else:
            self._text(place, str(value))

    def _truth(self, place: int, value: bool) -> None:
        self._sheet.write_boolean(self._count, place, value)

    def _in_utc(self, place: int, value: datetime) -> None:
        # the format knows neither zones nor moments before its own calendar
        moment = value.astimezone(UTC).replace(tzinfo=None)
        if moment.year < FIRST_YEAR:
            self._text(place, value.isoformat())
        else:
            self._sheet.write_datetime(self._count, place, moment, self._moment)

    def _day(self, place: int, value: date) -> None:
        if value.year < FIRST_YEAR:
            self._text(place, value.isoformat())
        else:
            self._sheet.write_datetime(self._count, place, value, self._date)


WRITERS: Mapping[type, Callable[[Workbook, int, Any], None]] = {
    str: Workbook._text,
    int: Workbook._number,
    Decimal: Workbook._number,
    bool: Workbook._truth,
    datetime: Workbook._in_utc,
    date: Workbook._day,
    bytes: lambda book, place, value: book._text(place, value.hex()),
    dict: lambda book, place, value: book._text(place, json_of(value)),
    list: lambda book, place, value: book._text(place, json_of(value)),
}
