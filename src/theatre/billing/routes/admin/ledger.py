"""The ledger: what every account holds, and the entries that made it so."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from theatre.billing import ledger
from theatre.billing.ledger import EntryFilter
from theatre.billing.routes.staff import Reader, Wanted
from theatre.billing.schemas import AccountAnswer, EntryAnswer
from theatre.kit.fields import Moment, Word
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


async def filter_of(
    account: Annotated[Word | None, Query()] = None,
    payment_id: UUID | None = None,
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
) -> EntryFilter:
    """Read the filters of the list."""
    return EntryFilter(account=account, payment_id=payment_id, since=since, until=until)


@router.get(
    "/ledger/accounts",
    response_model=PageAnswer[AccountAnswer],
    responses=IN_OPENAPI,
    summary="What every account holds, all on one page",
)
async def list_accounts(staff: Reader, wanted: Wanted) -> Response | PageAnswer[AccountAnswer]:
    balances = await ledger.list_balances(wanted.session)
    items = [AccountAnswer.model_validate(balance) for balance in balances]
    return await wanted.give_short(staff, "accounts", items, kind=AccountAnswer)


@router.get(
    "/ledger/entries",
    response_model=PageAnswer[EntryAnswer],
    responses=IN_OPENAPI,
    summary="Entries with their postings, newest first",
)
async def list_entries(
    staff: Reader, wanted: Wanted, filters: Annotated[EntryFilter, Depends(filter_of)]
) -> Response | PageAnswer[EntryAnswer]:
    return await wanted.give(staff, "ledger_entries", ledger.find(filters), EntryAnswer.of)
