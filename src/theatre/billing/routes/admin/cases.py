"""Cases: what waits for a person, and the note that closes it."""

from uuid import UUID

from fastapi import APIRouter, Response

from theatre.billing import cases
from theatre.billing.models import CaseKind, CaseStatus
from theatre.billing.routes.staff import Manager, Reader, Wanted
from theatre.billing.schemas import CaseAnswer, CaseResolution
from theatre.kit.db import InTransaction
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute
from theatre.kit.sheets import IN_OPENAPI

router = APIRouter(prefix="/billing/api/v1/admin", tags=["billing: staff"], route_class=StrictRoute)


@router.get(
    "/cases",
    response_model=PageAnswer[CaseAnswer],
    responses=IN_OPENAPI,
    summary="What a person must look at, newest first",
)
async def list_cases(
    staff: Reader, wanted: Wanted, status: CaseStatus | None = None, kind: CaseKind | None = None
) -> Response | PageAnswer[CaseAnswer]:
    return await wanted.give(staff, "cases", cases.find(status=status, kind=kind), CaseAnswer.of)


@router.get("/cases/{case_id}", summary="One case")
async def get_case(case_id: UUID, _: Reader, session: InTransaction) -> CaseAnswer:
    return CaseAnswer.of(await cases.get(session, case_id))


@router.post("/cases/{case_id}/resolve", summary="Close a case with a note")
async def resolve_case(
    case_id: UUID, body: CaseResolution, staff: Manager, session: InTransaction
) -> CaseAnswer:
    case = await cases.resolve(session, case_id, staff_id=staff.id, note=body.note, now=staff.now)
    await staff.record(session, "case.resolve", case.id, reason=body.note)
    return CaseAnswer.of(case)
