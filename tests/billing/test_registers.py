"""Registers as files: read line by line, strictly, and every bad line named by its number."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from theatre.billing import registers
from theatre.billing.errors import RegisterRejected
from theatre.billing.registers import Fault, Line, read_lines
from theatre.contracts.payment import OperationKind
from theatre.kit.money import Money

HEADER = "operation,operation_id,payment_id,amount,currency,commission,happened_at\r\n"
GOOD = "payment,p1,p1,399.00,RUB,13.97,2026-11-24T09:00:00.000Z\r\n"


def read(text: str, **columns: str) -> list[Line | Fault]:
    return list(read_lines(io.StringIO(text, newline=""), columns))


def test_a_register_is_read() -> None:
    capture, refund = read(HEADER + GOOD + "refund,r1,p1,49.90,RUB,0.00,2026-11-24T12:00:00+03:00\r\n")
    assert isinstance(capture, Line)
    assert isinstance(refund, Line)
    assert (capture.kind, capture.reference, capture.money) == (
        OperationKind.CAPTURE,
        "p1",
        Money(39900, "RUB"),
    )
    assert (capture.fee_minor, refund.fee_minor) == (1397, 0)
    assert (refund.kind, refund.payment_reference) == (OperationKind.REFUND, "p1")
    assert capture.happened_at == refund.happened_at


def test_columns_have_the_names_and_the_order_that_the_setting_says() -> None:
    text = "Дата;Сумма;Валюта;Тип;Номер;Платёж\n;399.00;RUB;payment;p1;p1\n\n"
    names = {
        "kind": "Тип",
        "reference": "Номер",
        "payment_reference": "Платёж",
        "amount": "Сумма",
        "currency": "Валюта",
        "happened_at": "Дата",
    }
    (line,) = read(text, **names)
    assert isinstance(line, Line)
    assert (line.money, line.fee_minor, line.happened_at) == (Money(39900, "RUB"), None, None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("payment,p1,p1,399.0,RUB,,", "2 digits"),
        ("payment,p1,p1,399,RUB,,", "2 digits"),
        ('payment,p1,p1,"399,00",RUB,,', "2 digits"),
        ("payment,p1,p1,3.99e2,RUB,,", "2 digits"),
        ("payment,p1,p1,-399.00,RUB,,", "2 digits"),
        ("payment,p1,p1,NaN,RUB,,", "2 digits"),
        ("payment,p1,p1,٣٩٩.00,RUB,,", "2 digits"),
        ("payment,p1,p1,0.00,RUB,,", "zero"),
        ("payment,p1,p1,99999999999999999.00,RUB,,", "too large"),
        ("payment,p1,p1,399.00,XXX,,", "ISO 4217"),
        ("payment,p1,p1,399.00,RUB,13.9,", "2 digits"),
        ("payout,p1,p1,399.00,RUB,,", "unknown kind"),
        ("payment,,p1,399.00,RUB,,", "not a reference"),
        ("payment,p 1,p1,399.00,RUB,,", "not a reference"),
        ("payment,p1,p1,399.00,RUB,,yesterday", "isoformat"),
        ("payment,p1,p1,399.00,RUB,,2026-11-24T09:00:00", "no zone"),
        ("payment,p1,p1,399.00,RUB,,0001-01-01T00:00:00+03:00", "out of range"),
        ("payment,p1", "missing"),
        ('payment,"p1,p1,399.00,RUB,,', "unexpected end"),
        ("payment,p1,p1,399.00,RUB,,\x00", "isoformat"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_is_read(line: str, message: str) -> None:
    """M1: no binary fraction, no guess."""
    first, bad, last = read(HEADER + GOOD + line + "\r\n" + GOOD)
    assert isinstance(first, Line)
    assert isinstance(last, Line)
    assert isinstance(bad, Fault)
    assert bad.number == 3
    assert message in bad.message


@pytest.mark.parametrize("text", ["", "\n", "operation,amount\n", GOOD, "\x00\n", '"operation'])
def test_a_file_without_our_columns_is_refused(text: str) -> None:
    with pytest.raises(RegisterRejected, match="first line must name amount, currency, operation"):
        read(text)


def test_a_file_in_another_encoding_is_refused() -> None:
    file = io.TextIOWrapper(io.BytesIO(HEADER.encode() + "платёж".encode("cp1251")), encoding="utf-8")
    with pytest.raises(RegisterRejected, match="UTF-8"):
        list(read_lines(file, {}))


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registers, "MAX_LINES", 3)
    assert len(read(HEADER + GOOD * 3)) == 3
    with pytest.raises(RegisterRejected, match="line 5"):
        read(HEADER + GOOD * 4)
    with pytest.raises(RegisterRejected, match="line 2"):
        read(HEADER + "x" * 5000)


def test_many_lines_take_no_more_memory_than_few() -> None:
    def endless(number: int) -> Iterator[str]:
        yield HEADER
        for index in range(number):
            yield GOOD.replace("p1", f"p{index}")

    def peak(number: int) -> int:
        tracemalloc.start()
        assert sum(isinstance(line, Line) for line in read_lines(endless(number), {})) == number
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    few = peak(200)
    assert peak(20_000) < few + 200_000


def test_a_report_of_bad_lines_is_bounded() -> None:
    faults = [Fault(number, "nonsense") for number in range(3)]
    assert str(RegisterRejected.of(faults, 500)).splitlines() == [
        "The register cannot be read; nothing was imported:",
        "line 0: nonsense",
        "line 1: nonsense",
        "line 2: nonsense",
        "and 497 more",
    ]
