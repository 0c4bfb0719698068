"""Reconciliation: days compared with payment systems, and what each comparison found."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from theatre.billing import reconciliation_runs
from theatre.billing.models import Outcome
from theatre.billing.routes.staff import Reader, Wanted
from theatre.billing.schemas.reconciliation import RowAnswer, RunAnswer
from theatre.kit.db import InTransaction
from theatre.kit.fields import Word
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(
    prefix="/billing/api/v1/admin/reconciliation", tags=["billing: staff"], route_class=StrictRoute
)


@router.get(
    "",
    response_model=PageAnswer[RunAnswer],
    responses=IN_OPENAPI,
    summary="Days compared with payment systems, newest first",
)
async def list_runs(
    staff: Reader,
    wanted: Wanted,
    day: date | None = None,
    provider: Annotated[Word | None, Query()] = None,
) -> Response | PageAnswer[RunAnswer]:
    found = reconciliation_runs.list_runs(provider=provider, day=day)
    return await wanted.give(staff, "reconciliation", found, RunAnswer.model_validate)


@router.get(
    "/{run_id}/rows",
    response_model=PageAnswer[RowAnswer],
    responses=IN_OPENAPI,
    summary="What ledger, payment system and register say of each operation of a day",
)
async def list_rows(
    run_id: UUID, staff: Reader, wanted: Wanted, session: InTransaction, outcome: Outcome | None = None
) -> Response | PageAnswer[RowAnswer]:
    run = await reconciliation_runs.get(session, run_id)
    found = reconciliation_runs.list_rows(run.id, outcome=outcome)
    return await wanted.give(staff, "reconciliation_rows", found, RowAnswer.of)
