"""XLSX that a spreadsheet opens: what is text, what is a number or a date, and that nothing is left behind."""

import io
import os
import re
import tempfile
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.kit import workbooks
from theatre.kit.workbooks import SheetTooLong, Workbook

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ESCAPED = re.compile(r"_x([0-9A-F]{4})_")


def cells_of(written: bytes) -> list[list[tuple[str, str]]]:
    """Read the kind and content of every cell, row by row: what a spreadsheet would see."""
    with zipfile.ZipFile(io.BytesIO(written)) as book:
        assert book.testzip() is None
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{MAIN}c")]
        for row in sheet.iter(f"{MAIN}row")
    ]


def written(names: list[str], *rows: list[Any]) -> list[list[tuple[str, str]]]:
    with Workbook(names) as book:
        book.add(rows)
        return cells_of(b"".join(book.pieces()))


@pytest.mark.parametrize(
    "text",
    ["=1+1", "{=1}", "+7 999", "-1", "@SUM(1)", "http://evil.example", "007", "1e5", "<b>&\"'", "Фильм"],
)
def test_a_text_is_a_text(text: str) -> None:
    """S-B16: neither a formula, nor a number, nor a link."""
    assert written(["name"], [text])[1] == [("inlineStr", text)]


@pytest.mark.parametrize("text", ["<r></r>", "<r><t>x</t></r>", "<r></c></row></r>"])
def test_markup_of_the_library_is_a_text_too(text: str) -> None:
    [(kind, content)] = written(["name"], [text])[1]
    assert (kind, content) == ("inlineStr", f"'{text}")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=50))
def test_any_text_comes_back_from_a_reader(text: str) -> None:
    """A line feed's companion is the one character that readers of XML drop."""
    [[(_, content)]] = written(["name"], [f"a{text}z"])[1:]
    read = ESCAPED.sub(lambda found: chr(int(found[1], 16)), content)
    assert read == re.sub("[\ufffe\uffff]", "\ufffd", f"a{text}z")


def test_characters_that_xml_has_no_place_for_do_not_spoil_the_file() -> None:
    assert written(["name"], ["\ufffe\uffff\x01"])[1] == [("inlineStr", "\ufffd\ufffd_x0001_")]


def test_a_text_too_long_for_a_cell_is_cut() -> None:
    [[(_, content)]] = written(["name"], ["x" * 40_000])[1:]
    assert len(content) == 32_767


def test_amounts_are_numbers_of_their_rows_currency() -> None:
    names = ["total_minor", "currency", "refunded_minor"]
    head, *rows = written(names, [39900, "RUB", -5], [500, "JPY", None], [2**53, "RUB", 0])
    assert [content for _, content in head] == ["total", "currency", "refunded"]
    assert rows[0] == [("n", "399.00"), ("inlineStr", "RUB"), ("n", "-0.05")]
    assert rows[1] == [("n", "500"), ("inlineStr", "JPY")]
    # more digits than the format's numbers have
    assert rows[2][0] == ("inlineStr", "90071992547409.92")


def test_moments_are_dates_in_utc_and_days_are_days() -> None:
    """The format counts days from the end of 1899."""
    moment = datetime(2027, 1, 2, 18, 0, tzinfo=UTC)
    [row] = written(["at", "on", "old"], [moment, date(2027, 1, 2), datetime(1, 1, 1, tzinfo=UTC)])[1:]
    assert row == [("n", "46389.75"), ("n", "46389"), ("inlineStr", "0001-01-01T00:00:00+00:00")]


def test_other_values_look_as_they_do_in_csv() -> None:
    row = [UUID(int=1), True, {"k": ["=1"]}, b"\x01\xff", 7, Decimal("0.5"), 10**18]
    [found] = written(list("abcdefg"), row)[1:]
    assert [content for _, content in found] == [
        str(UUID(int=1)),
        "1",
        '{"k":["=1"]}',
        "01ff",
        "7",
        "0.5",
        "1000000000000000000",
    ]


def test_more_rows_than_a_workbook_is_given_with_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_ROWS", 3)
    assert len(written(["n"], [1], [2], [3])) == 4
    with pytest.raises(SheetTooLong):
        written(["n"], [1], [2], [3], [4])


@pytest.mark.parametrize("is_given_up", [True, False])
def test_nothing_is_left_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, is_given_up: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Workbook(["n"]) as book:
        book.add([[1]])
        assert os.listdir(tmp_path)
        if not is_given_up:
            assert b"".join(book.pieces()).startswith(b"PK")
    assert os.listdir(tmp_path) == []
