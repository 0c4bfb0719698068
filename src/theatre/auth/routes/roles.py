"""Doors by which staff keep roles."""

from uuid import UUID

from fastapi import APIRouter

from theatre.auth import permissions, roles, staff
from theatre.auth.models import Role
from theatre.auth.routes.staff import Manager, Paging, Reader, Staff
from theatre.auth.staff_schemas import PermissionAnswer, PermissionsAnswer, RoleAnswer, RoleBody, RoleChange
from theatre.contracts.auth import PUBLIC
from theatre.kit.listing import read_page
from theatre.kit.pagination import PageAnswer
from theatre.kit.routing import StrictRoute

router = APIRouter(prefix=PUBLIC, tags=["staff: roles"], route_class=StrictRoute)


async def show(by: Staff, role: Role) -> RoleAnswer:
    """Show a role with what it permits."""
    return RoleAnswer.of(role, (await roles.read_permissions(by.session, [role.id])).get(role.id, []))


@router.get("/permissions", summary="What can be permitted", description="Needs `auth.read`.")
async def list_permissions(_: Reader) -> PermissionsAnswer:
    items = [PermissionAnswer(name=name, description=said) for name, said in permissions.PERMISSIONS.items()]
    return PermissionsAnswer(items=items)


@router.get("/roles", summary="Roles by name", description="Needs `auth.read`.")
async def list_roles(by: Reader, page: Paging) -> PageAnswer[RoleAnswer]:
    found = await read_page(by.session, roles.find_all(), page)
    permitted = await roles.read_permissions(by.session, [role.id for role in found.items])
    items = [RoleAnswer.of(role, permitted.get(role.id, [])) for role in found.items]
    return PageAnswer(items=items, next_cursor=found.next_cursor)


@router.post(
    "/roles",
    status_code=201,
    summary="Make a role",
    description=(
        "Needs `auth.manage`, and all that the role is to permit: `auth.beyond_your_rights` (403). "
        "`ROLE_ALREADY_EXISTS` (409); `auth.unknown_permission` (422)."
    ),
)
async def create_role(body: RoleBody, by: Manager) -> RoleAnswer:
    role = await staff.create_role(by.session, by.holder, body.name, permissions=body.permissions, now=by.now)
    answer = await show(by, role)
    await by.record("role.create", role.id, after=answer.model_dump(mode="json"))
    return answer


@router.get("/roles/{role_id}", summary="One role", description="Needs `auth.read`.")
async def read_role(role_id: UUID, by: Reader) -> RoleAnswer:
    return await show(by, await roles.get_role(by.session, role_id))


@router.patch(
    "/roles/{role_id}",
    summary="Change a role",
    description=(
        "Needs `auth.manage`, and all that the role permits and is to permit. The sessions end of who loses rights. "
        "`ROLE_ALREADY_EXISTS`, `auth.role_seeded` (409): a seeded role keeps its name."
    ),
)
async def change_role(role_id: UUID, body: RoleChange, by: Manager) -> RoleAnswer:
    before = await show(by, await roles.get_role(by.session, role_id))
    role = await staff.change_role(
        by.session, by.holder, role_id, name=body.name, permissions=body.permissions, now=by.now
    )
    after = await show(by, role)
    was, now = before.model_dump(mode="json"), after.model_dump(mode="json")
    await by.record("role.change", role_id, before=was, after=now)
    return after


@router.delete(
    "/roles/{role_id}",
    status_code=204,
    summary="Delete a role",
    description=(
        "Needs `auth.manage`, and all that the role permits. The sessions end of who had it. "
        "`auth.role_seeded` (409)."
    ),
)
async def delete_role(role_id: UUID, by: Manager) -> None:
    before = await show(by, await roles.get_role(by.session, role_id))
    await staff.delete_role(by.session, by.holder, role_id, now=by.now)
    await by.record("role.delete", role_id, before=before.model_dump(mode="json"))
