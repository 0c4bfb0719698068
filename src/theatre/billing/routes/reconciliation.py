"""Billing's doors for staff on reconciliation: its runs, and what each found."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from theatre.billing import reconciliation_runs
from theatre.billing.models import Outcome
from theatre.billing.reconciliation_answers import RowAnswer, RunAnswer
from theatre.kit.access import Principal, having
from theatre.kit.db import InTransaction
from theatre.kit.fields import Word
from theatre.kit.pagination import PageAnswer, PageRequest, page_request
from theatre.kit.routing import StrictRoute

router = APIRouter(
    prefix="/billing/api/v1/admin/reconciliation", tags=["billing: staff"], route_class=StrictRoute
)

Reader = Annotated[Principal, Depends(having("billing.read"))]
PageWanted = Annotated[PageRequest, Depends(page_request)]


@router.get("", summary="Days compared with payment systems, newest first")
async def list_runs(
    _: Reader,
    session: InTransaction,
    page: PageWanted,
    day: date | None = None,
    provider: Annotated[Word | None, Query()] = None,
) -> PageAnswer[RunAnswer]:
    found = await reconciliation_runs.list_runs(session, page, provider=provider, day=day)
    items = [RunAnswer.model_validate(run) for run in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.get(
    "/{run_id}/rows", summary="What ledger, payment system and register say of each operation of a day"
)
async def list_rows(
    run_id: UUID, _: Reader, session: InTransaction, page: PageWanted, outcome: Outcome | None = None
) -> PageAnswer[RowAnswer]:
    found = await reconciliation_runs.list_rows(session, run_id, page, outcome=outcome)
    items = [RowAnswer.of(row) for row in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)
