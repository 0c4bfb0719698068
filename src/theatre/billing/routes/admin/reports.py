"""The first page, and reports: revenue, refunds, payment systems, plans; by day, week or month, also as files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response

from theatre.billing import money_reports, overview, plan_reports, provider_report
from theatre.billing.report_periods import DAY, MAX_PERIODS, Group, Periods, cut, day_of
from theatre.billing.routes.staff import FileRequest, FileWanted, Reader, Staff
from theatre.billing.schemas import reports as shown
from theatre.billing.schemas.overview import OverviewAnswer
from theatre.billing.schemas.reports import (
    ChurnLine,
    CohortLine,
    L,
    ProviderLineAnswer,
    RecurringLine,
    ReportAnswer,
    ReturnsLine,
    RevenueLine,
    Row,
)
from theatre.kit.db import InTransaction, transaction
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)

DEFAULT_DAYS = {Group.DAY: 30, Group.WEEK: 84, Group.MONTH: 365}
# no money moved before, and a calendar has an end
Day = Annotated[date, Query(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


@dataclass(frozen=True)
class ReportRequest:
    """Who wants a report on which days, cut how, and as what."""

    staff: Staff
    file: FileRequest
    since: date
    until: date
    group: Group

    def periods(self, limit: int = MAX_PERIODS) -> Periods:
        """Cut the days.

        Raises:
            ReportBackward, ReportTooLong
        """
        return cut(self.since, self.until, self.group, zone=zone_of(self.staff), limit=limit)

    async def give(self, name: str, rows: Sequence[Row], *, kind: type[L]) -> Response | ReportAnswer[L]:
        """Answer with the report, or with its file."""
        if self.file.kind is not None:
            names = list(rows[0]) if rows else list(kind.model_fields)
            values = [list(row.values()) for row in rows]
            return await self.file.give_rows(self.staff, f"report_{name}", names=names, rows=values)
        return ReportAnswer(
            zone=zone_of(self.staff).key,
            group=self.group,
            since=self.since,
            until=self.until,
            as_of=self.staff.now,
            items=[shown.answer_of(kind, row) for row in rows],
        )


def zone_of(staff: Staff) -> ZoneInfo:
    """Give the zone of money's days."""
    return ZoneInfo(staff.held.settings.reconciliation_zone)


async def report_request(
    staff: Reader,
    file: FileWanted,
    since: Annotated[
        Day | None, Query(alias="from", description="first day; a month before `to`, if not said")
    ] = None,
    until: Annotated[
        Day | None, Query(alias="to", description="day after the last; tomorrow, if not said")
    ] = None,
    group: Group = Group.DAY,
) -> ReportRequest:
    """Read what a report is wanted on."""
    until = until or day_of(staff.now, zone_of(staff)) + DAY
    since = since or until - timedelta(days=DEFAULT_DAYS[group])
    return ReportRequest(staff, file, since, until, group)


Asked = Annotated[ReportRequest, Depends(report_request)]


@router.get("/overview", summary="The last thirty days, what plans bring in, and what waits for a person")
async def look(staff: Reader, session: InTransaction) -> OverviewAnswer:
    seen = await overview.look(session, zone_of(staff), now=staff.now)
    return OverviewAnswer.of(seen, now=staff.now)


@router.get(
    "/reports/revenue",
    response_model=ReportAnswer[RevenueLine],
    responses=IN_OPENAPI,
    summary="What was sold and earned, by the ledger",
)
async def report_revenue(asked: Asked) -> Any:
    periods = asked.periods()
    async with transaction(asked.staff.held.exports) as session:
        lines = await money_reports.revenue(session, periods)
    return await asked.give("revenue", [shown.money_row(periods, line) for line in lines], kind=RevenueLine)


@router.get(
    "/reports/refunds",
    response_model=ReportAnswer[ReturnsLine],
    responses=IN_OPENAPI,
    summary="What was given back, by the ledger",
)
async def report_refunds(asked: Asked) -> Any:
    periods = asked.periods()
    async with transaction(asked.staff.held.exports) as session:
        lines = await money_reports.returns(session, periods)
    return await asked.give("refunds", [shown.money_row(periods, line) for line in lines], kind=ReturnsLine)


@router.get(
    "/reports/providers",
    response_model=ReportAnswer[ProviderLineAnswer],
    responses=IN_OPENAPI,
    summary="What went through payment systems, by the ledger, and how attempts came out there",
)
async def report_providers(asked: Asked) -> Any:
    periods = asked.periods()
    counted = await provider_report.ask_outcomes(asked.staff.held.payment, periods)
    async with transaction(asked.staff.held.exports) as session:
        turnover = await money_reports.turnover(session, periods)
    rows = [shown.provider_row(periods, line) for line in provider_report.join(turnover, counted)]
    return await asked.give("providers", rows, kind=ProviderLineAnswer)


@router.get(
    "/reports/mrr",
    response_model=ReportAnswer[RecurringLine],
    responses=IN_OPENAPI,
    summary="What plans bring in a month, at the end of each period",
)
async def report_mrr(asked: Asked) -> Any:
    periods = asked.periods()
    async with transaction(asked.staff.held.exports) as session:
        lines = await plan_reports.recurring(session, periods, now=asked.staff.now)
    return await asked.give("mrr", [shown.recurring_row(periods, line) for line in lines], kind=RecurringLine)


@router.get(
    "/reports/churn",
    response_model=ReportAnswer[ChurnLine],
    responses=IN_OPENAPI,
    summary="Subscribers gained and lost in each period",
)
async def report_churn(asked: Asked) -> Any:
    periods = asked.periods()
    async with transaction(asked.staff.held.exports) as session:
        lines = await plan_reports.churn(session, periods, now=asked.staff.now)
    return await asked.give("churn", [shown.churn_row(periods, line) for line in lines], kind=ChurnLine)


@router.get(
    "/reports/cohorts",
    response_model=ReportAnswer[CohortLine],
    responses=IN_OPENAPI,
    summary="How many of those who began in each period are still subscribers at the end of each after it",
)
async def report_cohorts(asked: Asked) -> Any:
    periods = asked.periods(limit=plan_reports.MAX_COHORTS)
    async with transaction(asked.staff.held.exports) as session:
        lines = await plan_reports.cohorts(session, periods, now=asked.staff.now)
    return await asked.give("cohorts", [shown.cohort_row(periods, line) for line in lines], kind=CohortLine)
