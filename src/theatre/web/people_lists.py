"""The lists of the admin panel that auth gives: none is a file, and nothing of a person stands in an address."""

from uuid import UUID

from theatre.web.admin_book_schemas import AuditRecord
from theatre.web.admin_schemas import ReadPage
from theatre.web.listings import Filter, Listing, View
from theatre.web.people_schemas import PersonLine, Role, StaffLoginAttempt
from theatre.web.staff_doors import AUTH

PEOPLE = Listing(
    name="people",
    path="/admin/users",
    door="/users",
    page=ReadPage[PersonLine],
    filters=(
        Filter("is_active", "choice", ("true", "false"), "people.may_sign_in.", label="may_sign_in"),
        Filter("role"),
    ),
    views=(View("all"), View("blocked", {"is_active": "false"})),
    has_sheet=False,
    doors=AUTH,
)

ROLES = Listing(
    name="roles", path="/admin/roles", door="/roles", page=ReadPage[Role], has_sheet=False, doors=AUTH
)

ACCOUNT_AUDIT = Listing(
    name="account_audit",
    path="/admin/audit/accounts",
    door="/audit",
    page=ReadPage[AuditRecord],
    filters=(Filter("actor_id"), Filter("subject_kind"), Filter("subject_id")),
    has_sheet=False,
    doors=AUTH,
)


def logins_of(user_id: UUID) -> Listing[StaffLoginAttempt]:
    """Give the list of tries to sign in as somebody."""
    return Listing(
        name="logins",
        path=f"/admin/users/{user_id}/logins",
        door=f"/users/{user_id}/login_history",
        page=ReadPage[StaffLoginAttempt],
        has_sheet=False,
        doors=AUTH,
    )
