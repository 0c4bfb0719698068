"""Reports on money, each figure a sum of the ledger's postings: what was sold and earned, given back, and at which
payment system.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from theatre.billing import ledger, ledger_days
from theatre.billing.ledger_days import Posted
from theatre.billing.report_periods import Periods
from theatre.kit.db import Session

REVENUE, DEFERRED = ledger.revenue(""), ledger.deferred("")
CASH, FEES, DISPUTE_FEES = ledger.cash(""), ledger.fees(""), ledger.dispute_fees("")
REFUND_KINDS = ("refund_accepted", "refund_reversed", "refund", "dispute")
PROVIDER_KINDS = ("capture", "fee", "refund", "dispute", "dispute_fee")


class Figures(Protocol):
    """The figures of one line of a report."""

    def add(self, posted: Posted) -> None:
        """Add what was posted."""


T = TypeVar("T")
F = TypeVar("F", bound=Figures)


@dataclass(slots=True)
class Revenue:
    """What was sold and earned in a period, in one currency.

    - `sold`: sales before promo codes (kind `sale`, accounts `revenue:*` and `deferred:*`)
    - `discounts`: what promo codes took off (account `promo`), less what refunds took back of that
    - `refunded`: what refunds took back of sales, before promo codes (every other kind but `recognition`)
    - `net`: sold less discounts and refunded: all postings on `revenue:*`, `deferred:*` and `promo`
    - `earned`: all postings on `revenue:*`: what is sold and not a plan, and of plans the days that have passed
    - `deferred`: all postings on `deferred:*`: by how much more is still to be earned
    """

    sold_minor: int = 0
    discounts_minor: int = 0
    refunded_minor: int = 0
    net_minor: int = 0
    earned_minor: int = 0
    deferred_minor: int = 0

    def add(self, posted: Posted) -> None:
        """Add what was posted; income is credited, so below zero in the books."""
        if posted.account == ledger.PROMO:
            self.discounts_minor += posted.sum_minor
            self.net_minor -= posted.sum_minor
            return
        if posted.account.startswith(REVENUE):
            self.earned_minor -= posted.sum_minor
        elif posted.account.startswith(DEFERRED):
            self.deferred_minor -= posted.sum_minor
        else:
            return
        self.net_minor -= posted.sum_minor
        if posted.kind == "sale":
            self.sold_minor -= posted.sum_minor
        elif posted.kind != "recognition":
            self.refunded_minor += posted.sum_minor


@dataclass(slots=True)
class Returns:
    """What was given back in a period, in one currency.

    - `accepted`: refunds agreed to (kind `refund_accepted`, account `refunds_payable`)
    - `late`: of these, money that had bought nothing (account `unallocated`)
    - `failed`: refunds that a payment system refused for good (kind `refund_reversed`)
    - `paid_out`: refunds that reached their buyers (kind `refund`)
    - `charged_back`: what payers' banks took by disputes, less what they put back (kind `dispute`)
    """

    accepted_count: int = 0
    accepted_minor: int = 0
    late_minor: int = 0
    failed_count: int = 0
    failed_minor: int = 0
    paid_out_count: int = 0
    paid_out_minor: int = 0
    charged_back_minor: int = 0

    def add(self, posted: Posted) -> None:
        """Add what was posted."""
        match posted.kind, posted.account:
            case "refund_accepted", ledger.REFUNDS_PAYABLE:
                self.accepted_count += posted.line_count
                self.accepted_minor -= posted.sum_minor
            case "refund_accepted", ledger.UNALLOCATED:
                self.late_minor += posted.sum_minor
            case "refund_reversed", ledger.REFUNDS_PAYABLE:
                self.failed_count += posted.line_count
                self.failed_minor += posted.sum_minor
            case "refund", ledger.REFUNDS_PAYABLE:
                self.paid_out_count += posted.line_count
                self.paid_out_minor += posted.sum_minor
            case "dispute", account if account.startswith(CASH):
                self.charged_back_minor -= posted.sum_minor


@dataclass(slots=True)
class Turnover:
    """What went through one payment system in a period, in one currency; `cash` is by how much it owes us more.

    - `captured`: money that came (kind `capture`, account `cash:*`)
    - `fees`: what it kept for itself (account `fees:*`)
    - `refunded`: what it paid out for us (kind `refund`)
    - `charged_back`, `dispute_fees`: what disputes took through it, and what it kept for them
    """

    captured_count: int = 0
    captured_minor: int = 0
    fees_minor: int = 0
    refunded_count: int = 0
    refunded_minor: int = 0
    charged_back_minor: int = 0
    dispute_fees_minor: int = 0
    cash_minor: int = 0

    def add(self, posted: Posted) -> None:
        """Add what was posted on an account of the system's."""
        if posted.account.startswith(DISPUTE_FEES):
            self.dispute_fees_minor += posted.sum_minor
        elif posted.account.startswith(FEES):
            self.fees_minor += posted.sum_minor
        else:
            self._add_cash(posted)

    def _add_cash(self, posted: Posted) -> None:
        self.cash_minor += posted.sum_minor
        match posted.kind:
            case "capture":
                self.captured_count += posted.line_count
                self.captured_minor += posted.sum_minor
            case "refund":
                self.refunded_count += posted.line_count
                self.refunded_minor -= posted.sum_minor
            case "dispute":
                self.charged_back_minor -= posted.sum_minor


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """One line of a report: in which period, in which currency, and for which payment system if it is by those."""

    place: int
    currency: str
    figures: T
    provider: str | None = None


async def revenue(session: Session, periods: Periods) -> list[Line[Revenue]]:
    """Report on what was sold and earned: a line for each period and currency, also where nothing was."""
    return sum_revenue(await ledger_days.read(session, periods), periods)


async def returns(session: Session, periods: Periods) -> list[Line[Returns]]:
    """Report on what was given back: a line for each period and currency, also where nothing was."""
    return sum_returns(await ledger_days.read(session, periods, kinds=REFUND_KINDS), periods)


def sum_revenue(found: Sequence[Posted], periods: Periods) -> list[Line[Revenue]]:
    """Sum what was sold and earned of all that was posted."""
    return _lines([one for one in found if _is_income(one.account)], periods, Revenue)


def sum_returns(found: Sequence[Posted], periods: Periods) -> list[Line[Returns]]:
    """Sum what was given back of all that was posted."""
    return _lines([one for one in found if one.kind in REFUND_KINDS], periods, Returns)


async def turnover(session: Session, periods: Periods) -> list[Line[Turnover]]:
    """Report on what went through payment systems: a line for each period, system and currency that had any."""
    sums: dict[tuple[int, str, str], Turnover] = {}
    for one in await ledger_days.read(session, periods, kinds=PROVIDER_KINDS):
        account, _, provider = one.account.partition(":")
        if f"{account}:" in {CASH, FEES, DISPUTE_FEES}:
            sums.setdefault((one.place, provider, one.currency), Turnover()).add(one)
    return [
        Line(place, currency, figures, provider)
        for (place, provider, currency), figures in sorted(sums.items(), key=lambda item: item[0])
    ]


def _is_income(account: str) -> bool:
    return account == ledger.PROMO or account.startswith((REVENUE, DEFERRED))


def _lines(found: Sequence[Posted], periods: Periods, make: Callable[[], F]) -> list[Line[F]]:
    currencies = sorted({one.currency for one in found})
    sums = {(place, currency): make() for place in range(len(periods.days) - 1) for currency in currencies}
    for one in found:
        sums[one.place, one.currency].add(one)
    return [Line(place, currency, figures) for (place, currency), figures in sums.items()]
