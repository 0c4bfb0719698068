"""Registers: the daily files in which a provider lists what it took and gave back.

A file is CSV in UTF-8 with a header line; comma, semicolon or tab divides its fields. No description of YooKassa's own
columns is public as far as we know, so their names are a setting (`register_columns`); the default names are those of
`COLUMNS`. Amounts are decimal strings with exactly the currency's digits.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from theatre.billing.errors import RegisterRejected
from theatre.billing.models import RegisterLine
from theatre.contracts.payment import OperationKind
from theatre.kit.db import Session
from theatre.kit.money import Money, MoneyError, from_decimal

COLUMNS: Mapping[str, str] = {
    "kind": "operation",
    "reference": "operation_id",
    "payment_reference": "payment_id",
    "amount": "amount",
    "currency": "currency",
    "fee": "commission",
    "happened_at": "happened_at",
}
# others list what they did, but send no file of it
ISSUERS = frozenset({"yookassa"})
OPTIONAL = frozenset({"fee", "happened_at"})
KINDS: Mapping[str, OperationKind] = {"payment": OperationKind.CAPTURE, "refund": OperationKind.REFUND}
REFERENCE = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
DELIMITERS = (",", ";", "\t")
MAX_LINES = 1_000_000
MAX_LINE_CHARACTERS = 4_096
SHOWN_FAULTS = 100
BATCH = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a register that makes sense."""

    kind: OperationKind
    reference: str
    payment_reference: str
    money: Money
    fee_minor: int | None
    happened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of a register that makes none, by its number in the file."""

    number: int
    message: str

    def __str__(self) -> str:
        return f"line {self.number}: {self.message}"


@dataclass(frozen=True, slots=True)
class Form:
    """How the lines of one file are to be read: what divides them, and where what stands."""

    delimiter: str
    positions: Mapping[str, int]


def read_lines(file: Iterable[str], columns: Mapping[str, str]) -> Iterator[Line | Fault]:
    """Read a register line by line; what makes no sense is given as a fault and reading goes on.

    `columns` names the file's columns where they differ from `COLUMNS`.

    Raises:
        RegisterRejected: it is no such file at all: no header, missing columns, not UTF-8, lines without end.
    """
    numbered = enumerate(_bounded(file), start=1)
    try:
        _, header = next(numbered, (0, ""))
        form = _form_of(header, {**COLUMNS, **columns})
        yield from (_read(line, form, number=number) for number, line in numbered if line.strip())
    except UnicodeDecodeError as error:
        raise RegisterRejected("The register is not in UTF-8; nothing was imported.") from error


def _bounded(file: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(file, start=1):
        if number > MAX_LINES + 1 or len(line) > MAX_LINE_CHARACTERS:
            raise RegisterRejected(
                f"The register is too long at line {number}: at most {MAX_LINES} lines of "
                f"{MAX_LINE_CHARACTERS} characters; nothing was imported."
            )
        yield line


def _form_of(header: str, names: Mapping[str, str]) -> Form:
    wanted = {name for key, name in names.items() if key not in OPTIONAL}
    for delimiter in DELIMITERS:
        titles = [title.strip() for title in next(csv.reader([header], delimiter=delimiter), [])]
        if wanted <= set(titles):
            return Form(delimiter, {key: titles.index(name) for key, name in names.items() if name in titles})
    raise RegisterRejected(
        f"The register's first line must name {', '.join(sorted(wanted))}; nothing was imported."
    )


def _read(line: str, form: Form, *, number: int) -> Line | Fault:
    try:
        (row,) = csv.reader([line], delimiter=form.delimiter, strict=True)
        return _line({key: row[position].strip() for key, position in form.positions.items()})
    except IndexError:
        return Fault(number, "some fields are missing")
    except (csv.Error, ValueError, OverflowError) as error:
        return Fault(number, str(error))


def _line(field: Mapping[str, str]) -> Line:
    kind = KINDS.get(field["kind"])
    if kind is None:
        raise ValueError(f"unknown kind of operation {field['kind'][:40]!r}")
    for key in ("reference", "payment_reference"):
        if not REFERENCE.fullmatch(field[key]):
            raise ValueError(f"not a reference: {field[key][:40]!r}")
    money = _money(field["amount"], field["currency"])
    if money.amount_minor == 0:
        raise ValueError("the amount is zero")
    fee = _money(field["fee"], money.currency).amount_minor if field.get("fee") else None
    moment = _moment(field["happened_at"]) if field.get("happened_at") else None
    return Line(kind, field["reference"], field["payment_reference"], money, fee, moment)


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError("the moment has no zone")
    return moment.astimezone(UTC)


def _money(amount: str, currency: str) -> Money:
    try:
        return from_decimal(amount, currency)
    except MoneyError as error:
        raise ValueError(f"{amount[:40]!r} {currency[:10]!r}: {error}") from error


async def store(session: Session, provider: str, day: date, *, lines: Iterable[Line | Fault]) -> int:
    """Make these lines the register of a provider's day, in place of what was imported before; gives how many.

    All of them or none. An operation that the file holds twice is kept once with the number of its copies.

    Raises:
        RegisterRejected: some lines make no sense; names the first hundred.
    """
    await session.execute(
        delete(RegisterLine).where(RegisterLine.provider == provider, RegisterLine.day == day)
    )
    faults: list[Fault] = []
    fault_count = stored = 0
    waiting = iter(lines)
    while batch := list(islice(waiting, BATCH)):
        good = [line for line in batch if isinstance(line, Line)]
        bad = [line for line in batch if isinstance(line, Fault)]
        fault_count += len(bad)
        faults += bad[: SHOWN_FAULTS - len(faults)]
        if good and not faults:
            await _insert(session, provider, day, lines=good)
        stored += len(good)
    if faults:
        raise RegisterRejected.of(faults, fault_count)
    return stored


async def _insert(session: Session, provider: str, day: date, *, lines: Iterable[Line]) -> None:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for line in lines:
        copies = rows.get((line.kind, line.reference), {"copies": 0})["copies"] + 1
        rows[line.kind, line.reference] = {
            "provider": provider,
            "day": day,
            "kind": line.kind,
            "reference": line.reference,
            "payment_reference": line.payment_reference,
            "amount_minor": line.money.amount_minor,
            "currency": line.money.currency,
            "fee_minor": line.fee_minor,
            "happened_at": line.happened_at,
            "copies": copies,
        }
    statement = insert(RegisterLine)
    counted = statement.on_conflict_do_update(
        index_elements=["provider", "day", "kind", "reference"],
        set_={"copies": RegisterLine.copies + statement.excluded.copies},
    )
    await session.execute(counted, list(rows.values()))
