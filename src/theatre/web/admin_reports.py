"""Reports as the panel shows them: a table whose columns are known, and a chart of some of them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from theatre.web.admin_schemas import SignedMoney
from theatre.web.schemas import Read

A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of a report: `admin.figure.<name>`."""

    name: str
    kind: Literal["money", "count", "share", "word", "day"] = "money"


@dataclass(frozen=True, slots=True)
class Report:
    """A report: its figures, and which of them are drawn."""

    name: str
    columns: tuple[Column, ...]
    drawn: tuple[str, ...] = ()


def _counts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "count") for name in names)


def _sums(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


REPORTS: Mapping[str, Report] = {
    report.name: report
    for report in (
        Report(
            "revenue",
            _sums("sold", "discounts", "refunded", "net", "earned", "deferred"),
            ("net", "refunded", "earned"),
        ),
        Report("mrr", (Column("mrr"), *_counts("subscription_count")), ("mrr",)),
        Report(
            "churn",
            (
                *_counts("start_count", "gained_count", "lost_count", "end_count"),
                Column("lost_share", "share"),
            ),
            ("gained_count", "lost_count", "end_count"),
        ),
        Report(
            "cohorts",
            (Column("later", "day"), *_counts("size_count", "held_count"), Column("held_share", "share")),
        ),
        Report(
            "refunds",
            (
                *_counts("accepted_count"),
                *_sums("accepted", "late"),
                *_counts("failed_count"),
                *_sums("failed"),
                *_counts("paid_out_count"),
                *_sums("paid_out", "charged_back"),
            ),
            ("accepted", "paid_out", "charged_back"),
        ),
        Report(
            "providers",
            (
                Column("provider", "word"),
                *_counts("attempts_succeeded_count", "attempts_failed_count", "attempts_open_count"),
                *_counts("captured_count"),
                *_sums("captured", "fees"),
                *_counts("refunded_count"),
                *_sums("refunded", "charged_back", "dispute_fees", "cash"),
            ),
            ("captured", "refunded"),
        ),
    )
}


class ReadReport(Read):
    """A report as its door gives it: days are those of `zone`."""

    zone: str
    group: str
    as_of: datetime
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Span:
    """Which days are looked at, both ends included, and by what they are cut; empty: as the door thinks best."""

    since: date | None
    until: date | None
    group: Literal["day", "week", "month"]

    def params(self) -> dict[str, str]:
        """Write it as the door wants it, which leaves its last day out."""
        params: dict[str, str] = {"group": self.group}
        if self.since:
            params["from"] = self.since.isoformat()
        if self.until and self.until < date.max:
            params["to"] = (self.until + A_DAY).isoformat()
        return params


def value_of(line: Mapping[str, Any], column: Column) -> Any:
    """Read a figure of a line."""
    value = line.get(column.name)
    return SignedMoney.model_validate(value) if column.kind == "money" and value is not None else value


def chart_of(lines: Sequence[Mapping[str, Any]], names: Sequence[str], currency: str) -> dict[str, Any]:
    """Give what a chart draws: days, and for each name its figures; of lines of one currency.

    Lines of one day are summed: payment systems have one each.
    """
    mine = [line for line in lines if line["currency"] == currency]
    days = sorted({line["start"] for line in mine})
    series = [[_sum(line[name] for line in mine if line["start"] == day) for day in days] for name in names]
    return {"days": days, "names": list(names), "series": series, "currency": currency}


def _sum(values: Any) -> float:
    """Sum figures for the eye: a chart is drawn, not reckoned with."""
    return float(sum(float(value["amount"] if isinstance(value, dict) else value) for value in values))


def currencies_of(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the currencies of a report."""
    return sorted({line["currency"] for line in lines})


@dataclass(frozen=True, slots=True)
class Triangle:
    """Cohorts of one currency below each other: of those who began then, the share that is there period by period."""

    currency: str
    rows: list[tuple[str, int, list[Any]]]
    width: int


def triangle_of(lines: Sequence[Mapping[str, Any]], currency: str) -> Triangle:
    """Lay cohorts out."""
    mine = [line for line in lines if line["currency"] == currency]
    rows = []
    for start in sorted({line["start"] for line in mine}):
        own = sorted((line for line in mine if line["start"] == start), key=lambda line: line["later"])
        rows.append((start, own[0]["size_count"], [line["held_share"] for line in own]))
    return Triangle(currency, rows, max((len(row[2]) for row in rows), default=0))
