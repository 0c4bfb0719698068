"""Cases and disputes: what waits for a person."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response

from theatre.kit.fields import Word
from theatre.kit.routing import StrictRoute
from theatre.web.admin_customer_schemas import Case
from theatre.web.admin_lists import CASES, DISPUTES
from theatre.web.desk import Act, CurrentDesk, Said
from theatre.web.resources import own_form

Note = Annotated[str, Form(max_length=2_000)]

router = APIRouter(prefix="/admin", route_class=StrictRoute, include_in_schema=False)


@router.get("/cases")
async def show_cases(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show what a person must look at."""
    return desk.show("cases.html", {"listed": await desk.list(CASES, request.query_params), **said})


@router.get("/cases/{case_id}")
async def show_case(desk: CurrentDesk, said: Said, case_id: UUID) -> Response:
    """Show one case, and how it may be closed."""
    return desk.show("case.html", {"case": await desk.read(f"/cases/{case_id}", Case), **said})


@router.post("/cases/{case_id}/resolve", dependencies=[Depends(own_form)])
async def resolve(desk: CurrentDesk, case_id: UUID, *, note: Note) -> Response:
    """Close a case with a note."""
    act = Act(path=f"/cases/{case_id}/resolve", body={"note": note})
    return await desk.act_and_return(act, back=f"/admin/cases/{case_id}", note="case_resolved")


@router.post("/cases/{case_id}/refund", dependencies=[Depends(own_form)])
async def give_back(
    desk: CurrentDesk, case_id: UUID, *, key: Annotated[Word, Form()], note: Note
) -> Response:
    """Close a case by giving back the money that bought nothing."""
    act = Act(path=f"/cases/{case_id}/refunds", key=f"{key}-case", body={"note": note})
    return await desk.act_and_return(act, back=f"/admin/cases/{case_id}", note="refund_asked")


@router.get("/disputes")
async def show_disputes(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show what payers' banks want back."""
    return desk.show("disputes.html", {"listed": await desk.list(DISPUTES, request.query_params), **said})
