"""Reports as staff see them; `docs/reports.md` tells what each figure means and from what it is reckoned."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import Field, SkipValidation

from theatre.billing.money_reports import Line, Returns, Revenue
from theatre.billing.plan_reports import Churn, Cohort, Recurring
from theatre.billing.provider_report import ProviderLine
from theatre.billing.report_periods import Group, Periods
from theatre.billing.schemas.money import money
from theatre.kit.fields import Answer, MoneyField

MINOR = "_minor"
Row = Mapping[str, Any]
"""The columns of one line of a report, by the names that they have in files: amounts end in `_minor`."""
Amount = SkipValidation[MoneyField]
"""It may be below zero."""


class LineAnswer(Answer):
    """One line of a report: from day `start` until before day `end`, in one currency."""

    start: date
    end: date
    currency: str


class RevenueLine(LineAnswer):
    """What was sold and earned: `net` = `sold` - `discounts` - `refunded` = `earned` + `deferred` - `discounts`."""

    sold: Amount
    discounts: Amount
    refunded: Amount
    net: Amount
    earned: Amount
    deferred: Amount


class ReturnsLine(LineAnswer):
    """What was given back: agreed to, refused by payment systems, paid out; and what payers' banks took."""

    accepted_count: int
    accepted: Amount
    late: Amount
    failed_count: int
    failed: Amount
    paid_out_count: int
    paid_out: Amount
    charged_back: Amount


class ProviderLineAnswer(LineAnswer):
    """What went through a payment system, and how attempts begun there came out; counts of attempts are null while
    payment-service does not answer."""

    provider: str
    attempts_succeeded_count: int | None
    attempts_failed_count: int | None
    attempts_open_count: int | None
    captured_count: int
    captured: Amount
    fees: Amount
    refunded_count: int
    refunded: Amount
    charged_back: Amount
    dispute_fees: Amount
    cash: Amount


class RecurringLine(LineAnswer):
    """What plans bring in a month at the end of the period, and how many are held."""

    mrr: Amount
    subscription_count: int


class ChurnLine(LineAnswer):
    """Subscribers at the start, gained, lost, at the end; `lost_share`: of those at the start, if there were any."""

    start_count: int
    gained_count: int
    lost_count: int
    end_count: int
    lost_share: Decimal | None


class CohortLine(LineAnswer):
    """Of those who began in a period, how many are subscribers at the end of that which begins at `later`."""

    later: date
    size_count: int
    held_count: int
    held_share: Decimal | None


L = TypeVar("L", bound=LineAnswer)


class ReportAnswer(Answer, Generic[L]):
    """A report: days are those of `zone`, and `to` is not in it any more. What has not begun by `as_of` is left out of
    reports on plans."""

    zone: str
    group: Group
    since: date = Field(serialization_alias="from")
    until: date = Field(serialization_alias="to")
    as_of: datetime
    items: list[L]


def answer_of(kind: type[L], row: Row) -> L:
    """Show a line of a report."""
    shown = {
        name.removesuffix(MINOR): money(value, row["currency"]) if name.endswith(MINOR) else value
        for name, value in row.items()
    }
    return kind(**shown)


def money_row(periods: Periods, line: Line[Revenue] | Line[Returns]) -> Row:
    """Give the columns of a line about money."""
    return {**_head(periods, line.place), "currency": line.currency, **asdict(line.figures)}


def provider_row(periods: Periods, line: ProviderLine) -> Row:
    """Give the columns of a line about a payment system."""
    outcomes = line.outcomes
    return {
        **_head(periods, line.place),
        "provider": line.provider,
        "currency": line.currency,
        "attempts_succeeded_count": outcomes.succeeded_count if outcomes else None,
        "attempts_failed_count": outcomes.failed_count if outcomes else None,
        "attempts_open_count": outcomes.open_count if outcomes else None,
        **asdict(line.turnover),
    }


def recurring_row(periods: Periods, line: Recurring) -> Row:
    """Give the columns of a line about what plans bring in."""
    return {**_head(periods, line.place), **_figures(line)}


def churn_row(periods: Periods, line: Churn) -> Row:
    """Give the columns of a line about subscribers gained and lost."""
    return {**_head(periods, line.place), **_figures(line), "lost_share": line.lost_share}


def cohort_row(periods: Periods, line: Cohort) -> Row:
    """Give the columns of a line about a cohort."""
    figures = {**_figures(line), "later": periods.days[line.later]}
    return {**_head(periods, line.place), **figures, "held_share": line.held_share}


def _head(periods: Periods, place: int) -> dict[str, date]:
    return {"start": periods.days[place], "end": periods.days[place + 1]}


def _figures(line: Recurring | Churn | Cohort) -> dict[str, Any]:
    return {name: value for name, value in asdict(line).items() if name != "place"}
