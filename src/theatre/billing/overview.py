"""What staff see first: the last thirty days, what plans bring in, and all that waits for a person."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ScalarSelect, Select, func, literal, select, union_all

from theatre.billing import ledger_days, money_reports, plan_reports
from theatre.billing.models import (
    Case,
    CaseStatus,
    Dispute,
    InboxMessage,
    OutboxMessage,
    Payment,
    PaymentStatus,
    Receipt,
    ReceiptStatus,
    Refund,
    RefundStatus,
)
from theatre.billing.money_reports import Line, Returns, Revenue
from theatre.billing.plan_reports import Recurring
from theatre.billing.report_periods import DAY, Group, Periods, cut, day_of
from theatre.contracts.payment_disputes import DisputeStatus
from theatre.kit.db import Session

DAYS = 30
MAX_COUNTED = 1_000
"""What waits is counted no further: so many are not worked off by looking at their number."""
TO_ANSWER = (DisputeStatus.INQUIRY, DisputeStatus.OPEN)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for a person, each counted up to `MAX_COUNTED`."""

    dead_messages: int
    failed_receipts: int
    open_cases: int
    disputes: int
    refunds: int
    next_answer_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The first page; `payments` counts those begun in `periods`, by state."""

    periods: Periods
    revenue: Sequence[Line[Revenue]]
    returns: Sequence[Line[Returns]]
    payments: Sequence[tuple[str, int]]
    recurring: Sequence[Recurring]
    waiting: Waiting


async def look(session: Session, zone: ZoneInfo, *, now: datetime) -> Overview:
    """Gather what the first page shows, by a fixed number of statements."""
    tomorrow = day_of(now, zone) + DAY
    periods = cut(tomorrow - DAYS * DAY, tomorrow, Group.DAY, zone=zone)
    posted = await ledger_days.read(session, periods)
    whole = Periods([periods.days[0], periods.days[-1]], zone)
    return Overview(
        periods,
        revenue=money_reports.sum_revenue(posted, periods),
        returns=money_reports.sum_returns([replace(one, place=0) for one in posted], whole),
        payments=await _count_payments(session, since=periods.moments[0]),
        recurring=await plan_reports.recurring_now(session, now=now),
        waiting=await _count_waiting(session),
    )


async def _count_payments(session: Session, *, since: datetime) -> list[tuple[str, int]]:
    # state by state, for so the index alone tells
    counts = [
        select(
            literal(status.value),
            select(func.count())
            .where(Payment.status == status, Payment.created_at >= since)
            .scalar_subquery(),
        )
        for status in PaymentStatus
    ]
    return [(status, count) for status, count in await session.execute(union_all(*counts))]


async def _count_waiting(session: Session) -> Waiting:
    disputed = Dispute.status.in_(TO_ANSWER)
    dead_facts, dead_messages, failed_receipts, open_cases, disputes, refunds, due_at = (
        await session.execute(
            select(
                _count(select(OutboxMessage.id).where(OutboxMessage.dead_at.is_not(None))),
                _count(select(InboxMessage.message_id).where(InboxMessage.dead_at.is_not(None))),
                _count(select(Receipt.id).where(Receipt.status == ReceiptStatus.FAILED)),
                _count(select(Case.id).where(Case.status == CaseStatus.OPEN)),
                _count(select(Dispute.id).where(disputed)),
                _count(select(Refund.id).where(Refund.status == RefundStatus.REQUESTED)),
                select(func.min(Dispute.answer_due_at)).where(disputed).scalar_subquery(),
            )
        )
    ).one()
    return Waiting(
        dead_messages=dead_facts + dead_messages,
        failed_receipts=failed_receipts,
        open_cases=open_cases,
        disputes=disputes,
        refunds=refunds,
        next_answer_due_at=due_at,
    )


def _count(found: Select[UUID]) -> ScalarSelect[int]:
    return select(func.count()).select_from(found.limit(MAX_COUNTED).subquery()).scalar_subquery()
