"""The report on payment systems: what went through each by our books, and how attempts came out there."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from theatre.billing.money_reports import Line, Turnover
from theatre.billing.report_periods import Periods
from theatre.contracts.payment import PaymentClient
from theatre.contracts.payment_records import OutcomeCount, OutcomeQuestion
from theatre.kit.http import Refused, Unknown
from theatre.kit.logging import get_logger

log = get_logger(__name__)

OPEN = ("created", "pending")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """How attempts came out that were begun in a period: succeeded, failed, or not known yet."""

    succeeded_count: int
    failed_count: int
    open_count: int


@dataclass(frozen=True, slots=True)
class ProviderLine:
    """One payment system in one period and currency; without `outcomes` payment-service did not answer."""

    place: int
    provider: str
    currency: str
    turnover: Turnover
    outcomes: Outcomes | None


async def ask_outcomes(client: PaymentClient, periods: Periods) -> list[OutcomeCount] | None:
    """Ask payment-service how attempts came out; None if it does not answer."""
    try:
        return await client.count_outcomes(OutcomeQuestion(moments=periods.moments))
    except (Unknown, Refused) as error:
        log.info("outcomes of attempts not shown", error=repr(error))
        return None


def join(lines: Sequence[Line[Turnover]], counted: Sequence[OutcomeCount] | None) -> list[ProviderLine]:
    """Put what the books say beside how attempts came out: a line for whatever either knows of."""
    turnovers = {(line.place, line.provider or "", line.currency): line.figures for line in lines}
    counts: Counter[tuple[int, str, str, str]] = Counter()
    for one in counted or ():
        counts[one.place, one.provider, one.currency, "open" if one.status in OPEN else one.status] += (
            one.count
        )
    known = sorted({*turnovers, *((place, provider, currency) for place, provider, currency, _ in counts)})
    return [
        ProviderLine(
            *key,
            turnover=turnovers.get(key) or Turnover(),
            outcomes=None if counted is None else _outcomes(counts, key),
        )
        for key in known
    ]


def _outcomes(counts: Mapping[tuple[int, str, str, str], int], key: tuple[int, str, str]) -> Outcomes:
    succeeded, failed, open_ = (counts[*key, word] for word in ("succeeded", "failed", "open"))
    return Outcomes(succeeded, failed, open_)
