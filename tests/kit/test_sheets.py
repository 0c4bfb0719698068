"""CSV that a spreadsheet may open: what it may not run, how money and moments look."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from theatre.kit.sheets import MEDIA_TYPES, Sheet, SheetKind, defused, wanted_kind


def read(sheet: Sheet, *rows: list[Any]) -> list[list[str]]:
    return list(csv.reader(io.StringIO((sheet.head() + sheet.body(rows)).decode(), newline="")))


@pytest.mark.parametrize(
    "text",
    [
        '=HYPERLINK("https://evil.example","pay")',
        "+7 999 000 00 00",
        "-1+cmd|' /C calc'!A0",
        "@SUM(1,1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "\0=1",
        "＝1",
        "＠x",
    ],
)
def test_a_text_that_a_spreadsheet_would_run_is_defused(text: str) -> None:
    """S-B16"""
    [_, [cell]] = read(Sheet(["name"]), [text])
    assert cell == f"'{text}"


@pytest.mark.parametrize("text", ["Фильм", "a=b", "5 - 3", "", 'says "hi", twice', "two\nlines"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert read(Sheet(["name", "x"]), [text, 1])[1] == [text, "1"]


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_any_text_comes_back_from_a_reader(texts: list[str]) -> None:
    readable = [text.encode("utf-8", "replace").decode() for text in texts]
    assert read(Sheet(["a", "b"]), readable)[1] == [defused(text) for text in readable]


def test_amounts_are_decimals_of_their_rows_currency() -> None:
    """S-B16: an amount below zero is ours, and stays a number that can be summed."""
    sheet = Sheet(["total_minor", "currency", "refunded_minor"])
    rows = read(sheet, [39900, "RUB", -5], [500, "JPY", None])
    assert rows == [["total", "currency", "refunded"], ["399.00", "RUB", "-0.05"], ["500", "JPY", ""]]


def test_values_look_as_they_do_in_json() -> None:
    id, moment = UUID(int=1), datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
    row = read(Sheet(list("abcdef")), [id, moment, True, None, {"k": ["=1"]}, b"\x01\xff"])[1]
    assert row == [str(id), "2027-01-02T03:04:05+00:00", "true", "", '{"k":["=1"]}', "01ff"]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("text/csv", SheetKind.CSV),
        ("Text/CSV; charset=utf-8", SheetKind.CSV),
        ("text/csv, application/json", SheetKind.CSV),
        ("application/json, text/csv", None),
        (MEDIA_TYPES[SheetKind.XLSX], SheetKind.XLSX),
        (f"text/html, {MEDIA_TYPES[SheetKind.XLSX]};q=0.9, text/csv", SheetKind.XLSX),
        (f"application/json, {MEDIA_TYPES[SheetKind.XLSX]}", None),
        ("*/*", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_who_names_a_file_first_gets_it(accept: str, wanted: SheetKind | None) -> None:
    request = Request({"type": "http", "headers": [(b"accept", accept.encode())]})
    assert wanted_kind(request) is wanted
    assert wanted_kind(request, SheetKind.XLSX) is SheetKind.XLSX


def test_amounts_of_several_currencies_are_each_written_in_the_one_after_them() -> None:
    sheet = Sheet(["ledger_minor", "fee_minor", "ledger_currency", "api_minor", "api_currency"])
    assert sheet.head() == b"ledger,fee,ledger_currency,api,api_currency\r\n"
    assert sheet.body([[100, 5, "RUB", 100, "JPY"], [None, None, None, 1, "RUB"]]) == (
        b"1.00,0.05,RUB,100,JPY\r\n,,,0.01,RUB\r\n"
    )
