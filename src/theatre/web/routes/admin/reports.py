"""What staff see first, and reports: revenue, plans, refunds, payment systems."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from theatre.kit.errors import NotFound
from theatre.kit.routing import StrictRoute
from theatre.web import admin_reports
from theatre.web.admin_reports import REPORTS, ReadReport, Report, Span
from theatre.web.desk import CurrentDesk, FileAnswer, SheetFormat
from theatre.web.errors import Declined

AnyDay = date | Literal[""]

router = APIRouter(prefix="/admin/reports", route_class=StrictRoute, include_in_schema=False)


def report_of(name: str) -> Report:
    """Give the report of a name (a route dependency).

    Raises:
        NotFound
    """
    if name not in REPORTS:
        raise NotFound
    return REPORTS[name]


def span_of(
    since: Annotated[AnyDay, Query(alias="from")] = "",
    until: Annotated[AnyDay, Query(alias="to")] = "",
    group: Literal["day", "week", "month"] = "day",
) -> Span:
    """Read which days are looked at (a route dependency)."""
    return Span(since or None, until or None, group)


Wanted = Annotated[Report, Depends(report_of)]
Days = Annotated[Span, Depends(span_of)]


@router.get("/{name}")
async def show_report(desk: CurrentDesk, report: Wanted, span: Days) -> Response:
    """Show a report: chart, table, files."""
    given = {"report": report, "span": span, "reports": list(REPORTS), "read": None}
    try:
        given["read"] = await desk.read(f"/reports/{report.name}", ReadReport, span.params())
    except Declined as declined:
        given["fault"] = declined.word
    return desk.show("report.html", {**given, "r": admin_reports})


@router.get("/{name}/sheet")
async def give_report(desk: CurrentDesk, report: Wanted, span: Days, *, kind: SheetFormat) -> Response:
    """Give a report as a file."""
    return FileAnswer(await desk.fetch(f"/reports/{report.name}", span.params(), kind=kind))
