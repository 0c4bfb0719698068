"""Cases: what waits for a person, and the note that closes it."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from theatre.billing import cases, refunds
from theatre.billing.models import CaseKind, CaseStatus, Refund
from theatre.billing.routes.doors import Money
from theatre.billing.routes.staff import Manager, Reader, Wanted
from theatre.billing.schemas import CaseAnswer, CaseResolution, StaffRefundAnswer
from theatre.kit.db import InTransaction, Session
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


@router.post(
    "/cases/{case_id}/refunds",
    status_code=201,
    response_model=StaffRefundAnswer,
    summary="Close a case by giving back the money that bought nothing; much of it waits for a second person",
)
async def refund_case(case_id: UUID, body: CaseResolution, staff: Manager, asked: Money) -> Response:
    terms: dict[str, Any] = {"settings": staff.held.settings, "note": body.note, "now": staff.now}

    async def give_back(session: Session) -> Refund:
        refund = await refunds.give_back_unallocated(session, case_id, staff_id=staff.id, **terms)
        after = {"refund_id": refund.id, "status": refund.status, "amount_minor": refund.amount_minor}
        await staff.record(session, "case.refund", case_id, reason=body.note, after=after)
        return refund

    return await asked.once.run(give_back, answer=StaffRefundAnswer.of)
