"""Roles: what each permits, made, changed, deleted."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from theatre.kit.errors import NotFound
from theatre.kit.fields import Storable, Word
from theatre.kit.routing import StrictRoute
from theatre.web.desk import Act, CurrentDesk, Desk, Said, go_to
from theatre.web.errors import Declined
from theatre.web.people_lists import ROLES
from theatre.web.people_schemas import PermissionList
from theatre.web.resources import own_form
from theatre.web.schemas import Nothing
from theatre.web.staff_doors import AUTH

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64), Storable]


class RoleForm(BaseModel):
    """A role as it was typed; the doors say what is wrong with it. A seeded one's name is not sent."""

    model_config = ConfigDict(frozen=True)

    name: Name | None = None
    permissions: Annotated[list[Word], Field(max_length=100)] = []


router = APIRouter(prefix=ROLES.path, route_class=StrictRoute, include_in_schema=False)


@router.get("")
async def show_roles(desk: CurrentDesk, said: Said, request: Request) -> Response:
    """Show all roles with what they permit."""
    return await show(desk, said, request.query_params.get("cursor", ""))


async def show(desk: Desk, given: dict[str, Any], cursor: str = "", *, status: int = 200) -> Response:
    """Show roles, the forms that change them, and what was typed if it was refused."""
    listed, permissions = await asyncio.gather(
        desk.list(ROLES, {"cursor": cursor}), desk.read("/permissions", PermissionList, doors=AUTH)
    )
    shown = {"listed": listed, "permissions": permissions.items, "typed": None, **given}
    return desk.show("roles.html", shown, status=status)


@router.post("", dependencies=[Depends(own_form)])
async def create_role(desk: CurrentDesk, form: Annotated[RoleForm, Form()]) -> Response:
    """Make a role; what was typed stays if it is refused."""
    body = {"name": form.name or "", "permissions": form.permissions}
    try:
        await desk.act(Act(path="/roles", body=body, doors=AUTH), Nothing)
    except Declined as declined:
        given = {"typed": form, "fault": _fault_of(declined)}
        return await show(desk, given, status=400)
    return go_to(ROLES.path, note="role_created")


@router.post("/{role_id}", dependencies=[Depends(own_form)])
async def change_role(desk: CurrentDesk, role_id: UUID, form: Annotated[RoleForm, Form()]) -> Response:
    """Change what a role permits and, if it is not seeded, its name."""
    body = {"permissions": form.permissions, **({} if form.name is None else {"name": form.name})}
    act = Act(method="PATCH", path=f"/roles/{role_id}", body=body, doors=AUTH)
    return await _act(desk, act, note="role_changed")


@router.post("/{role_id}/delete", dependencies=[Depends(own_form)])
async def delete_role(desk: CurrentDesk, role_id: UUID) -> Response:
    """Delete a role; who had it loses what it permitted."""
    return await _act(desk, Act(method="DELETE", path=f"/roles/{role_id}", doors=AUTH), note="role_deleted")


async def _act(desk: Desk, act: Act, *, note: str) -> Response:
    try:
        await desk.act(act, Nothing)
    except Declined as declined:
        return go_to(ROLES.path, fault=_fault_of(declined))
    except NotFound:
        return go_to(ROLES.path, fault="admin.gone")
    return go_to(ROLES.path, note=note)


def _fault_of(declined: Declined) -> str:
    return "admin.role_name" if "name" in declined.fields else declined.word
