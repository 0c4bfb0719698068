"""The books: ledger, reconciliation, fiscal receipts."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from theatre.kit.fields import Line
from theatre.kit.routing import StrictRoute
from theatre.web.admin_book_schemas import ReceiptDay
from theatre.web.admin_lists import ACCOUNTS, ENTRIES, RECEIPTS, RUNS, rows_of
from theatre.web.desk import Act, CurrentDesk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.resources import own_form

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/ledger/accounts")
async def show_accounts(desk: CurrentDesk, said: Said) -> Response:
    """Show what every account holds."""
    return desk.show("accounts.html", {"listed": await desk.list(ACCOUNTS, {}), **said})


@router.get("/ledger")
async def show_entries(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show entries with their postings."""
    return desk.show("ledger.html", {"listed": await desk.list(ENTRIES, request.query_params), **said})


@router.get("/reconciliation")
async def show_runs(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show the days that were compared with payment systems."""
    listed = await desk.list(RUNS, request.query_params)
    return desk.show("reconciliation.html", {"listed": listed, **said})


@router.get("/reconciliation/{run_id}")
async def show_rows(desk: CurrentDesk, said: Said, request: Request, run_id: UUID) -> Response:
    """Show what three sources say of each operation of a day."""
    listed = await desk.list(rows_of(run_id), request.query_params)
    return desk.show("reconciliation_rows.html", {"listed": listed, **said})


@router.get("/receipts")
async def show_receipts(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show fiscal receipts of all payments."""
    return desk.show("receipts.html", {"listed": await desk.list(RECEIPTS, request.query_params), **said})


@router.get("/receipts/day")
async def compare_day(desk: CurrentDesk, said: Said, on: Annotated[date | None, Query()] = None) -> Response:
    """Show a day's money against its fiscal receipts."""
    if on is None:
        return go_to(RECEIPTS.path)
    try:
        compared = await desk.read(f"/receipts/days/{on}", ReceiptDay)
    except Declined as declined:
        return go_to(RECEIPTS.path, fault=declined.word)
    return desk.show("receipt_day.html", {"compared": compared, **said})


@router.post("/receipts/{receipt_id}/retry", dependencies=[Depends(own_form)])
async def retry_receipt(
    desk: CurrentDesk, receipt_id: UUID, *, back: Annotated[Line, Form(alias="next")] = RECEIPTS.path
) -> Response:
    """Hand a fiscal receipt in again."""
    act = Act(path=f"/receipts/{receipt_id}/retry")
    return await desk.act_and_return(act, back=back, note="receipt_retried")
