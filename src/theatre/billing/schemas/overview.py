"""The first page as staff see it."""

from datetime import datetime

from theatre.billing.overview import Overview
from theatre.billing.report_periods import Periods
from theatre.billing.schemas import reports
from theatre.billing.schemas.money import money
from theatre.billing.schemas.reports import Amount, ReturnsLine, RevenueLine
from theatre.kit.fields import Answer


class OutcomeAnswer(Answer):
    """How many payments begun in these days are in one state."""

    status: str
    count: int


class HeldPlansAnswer(Answer):
    """What plans that run bring in a month, in one currency."""

    currency: str
    mrr: Amount
    subscription_count: int


class WaitingAnswer(Answer):
    """What waits for a person; a count of 1,000 means that many or more. `dead_messages` are facts and messages put
    aside, `next_answer_due_at` is when the first of the disputes must be answered."""

    dead_messages: int
    failed_receipts: int
    open_cases: int
    disputes: int
    refunds: int
    next_answer_due_at: datetime | None


class OverviewAnswer(Answer):
    """The last thirty days, today included, in days of `zone`; what plans bring in; what waits for a person."""

    zone: str
    as_of: datetime
    revenue: list[RevenueLine]
    refunds: list[ReturnsLine]
    payments: list[OutcomeAnswer]
    plans: list[HeldPlansAnswer]
    waiting: WaitingAnswer

    @classmethod
    def of(cls, seen: Overview, *, now: datetime) -> "OverviewAnswer":
        whole = Periods([seen.periods.days[0], seen.periods.days[-1]], seen.periods.zone)
        return cls(
            zone=seen.periods.zone.key,
            as_of=now,
            revenue=[
                reports.answer_of(RevenueLine, reports.money_row(seen.periods, line)) for line in seen.revenue
            ],
            refunds=[reports.answer_of(ReturnsLine, reports.money_row(whole, line)) for line in seen.returns],
            payments=[OutcomeAnswer(status=status, count=count) for status, count in seen.payments],
            plans=[
                HeldPlansAnswer(
                    currency=held.currency,
                    mrr=money(held.mrr_minor, held.currency),
                    subscription_count=held.subscription_count,
                )
                for held in seen.recurring
            ],
            waiting=WaitingAnswer.model_validate(seen.waiting),
        )
