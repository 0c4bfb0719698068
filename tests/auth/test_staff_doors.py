"""Who may go through which door for staff: every one of them, for everybody."""

import pytest

from tests.auth.conftest import SERVICE_SECRET
from tests.auth.people import API, House, Person, code_of, service_headers, signed_in, staff_member
from theatre.auth.app import ROUTERS

ID = "01a21425-6812-75b2-9f71-ce4545c4587f"

# what each door needs, and what it answers to who may pass: nothing of these ids exists
DOORS: list[tuple[str, str, str, object, int]] = [
    ("GET", "/users", "auth.read", None, 200),
    ("GET", "/users/{user_id}", "auth.read", None, 404),
    ("GET", "/users/{user_id}/login_history", "auth.read", None, 404),
    ("PATCH", "/users/{user_id}", "auth.manage", {"is_active": False}, 404),
    ("DELETE", "/users/{user_id}/throttle", "auth.manage", None, 404),
    ("DELETE", "/users/{user_id}/sessions", "auth.manage", None, 404),
    ("DELETE", "/users/{user_id}/sessions/{session_id}", "auth.manage", None, 404),
    ("PUT", "/users/{user_id}/roles/{role_id}", "auth.manage", None, 404),
    ("DELETE", "/users/{user_id}/roles/{role_id}", "auth.manage", None, 404),
    ("GET", "/permissions", "auth.read", None, 200),
    ("GET", "/roles", "auth.read", None, 200),
    ("POST", "/roles", "auth.manage", {"name": "x y", "permissions": []}, 422),
    ("GET", "/roles/{role_id}", "auth.read", None, 404),
    ("PATCH", "/roles/{role_id}", "auth.manage", {}, 404),
    ("DELETE", "/roles/{role_id}", "auth.manage", None, 404),
    ("GET", "/audit", "auth.manage", None, 200),
    ("GET", "/audit/verify", "auth.manage", None, 200),
]


def test_every_staff_door_is_listed() -> None:
    found = {
        (method, path.removeprefix(API))
        for router in ROUTERS
        if any(str(tag).startswith("staff") for tag in router.tags)
        for route in router.routes
        for method in getattr(route, "methods", ())
        for path in [getattr(route, "path", "")]
    }
    assert found == {(method, path) for method, path, *_ in DOORS}


async def test_nobody_passes_a_staff_door_without_its_permission(house: House) -> None:
    people = {
        "anonymous": Person(house),
        "user": await signed_in(house),
        "other trades": await staff_member(house, "billing.manage", "movies.manage"),
        "reader": await staff_member(house, "auth.read"),
        "manager": await staff_member(house, "auth.read", "auth.manage"),
        "superuser": await staff_member(house, is_superuser=True),
    }
    held = {"reader": ["auth.read"], "manager": ["auth.read", "auth.manage"]}
    for method, template, permission, body, passed in DOORS:
        path = template.format(user_id=ID, role_id=ID, session_id=ID)
        for who, person in people.items():
            headers = person.headers if person.access_token else {}
            answer = await house.client.request(method, f"{API}{path}", json=body, headers=headers)
            may = who == "superuser" or permission in held.get(who, [])
            expected = 401 if who == "anonymous" else passed if may else 403
            assert answer.status_code == expected, (who, method, path, answer.text)


async def test_services_do_not_pass_staff_doors(house: House) -> None:
    headers = await service_headers(house, SERVICE_SECRET)
    answer = await house.client.get(f"{API}/users", headers=headers)
    assert (answer.status_code, code_of(answer)) == (403, "kit.forbidden")


@pytest.mark.parametrize(
    ("name", "may"), [("support", True), ("finance", True), ("content", False), ("marketing", False)]
)
async def test_support_and_finance_find_users_and_other_trades_do_not(
    seeded: House, name: str, may: bool
) -> None:
    person = await staff_member(seeded, is_superuser=True)
    (role,) = await seeded.sql("SELECT id FROM auth.role WHERE name = :name", name=name)
    clerk = await signed_in(seeded)
    assert (await person.ask("PUT", f"/users/{clerk.id}/roles/{role.id}")).status_code == 204
    clerk.keep(await clerk.refresh())
    assert (await clerk.ask("GET", "/users")).status_code == (200 if may else 403)
    assert (await clerk.ask("PATCH", f"/users/{person.id}", json={"is_active": False})).status_code == 403


async def test_a_permission_that_was_taken_away_does_not_outlive_it_in_the_token(house: House) -> None:
    """RELIABILITY S-A6: what the token says is not enough."""
    person = await staff_member(house, "auth.read")
    superuser = await staff_member(house, is_superuser=True)
    await house.sql("DELETE FROM auth.user_role WHERE user_id = :id", id=person.id)
    await house.sql('UPDATE auth."user" SET is_superuser = false WHERE id = :id', id=superuser.id)
    for each in (person, superuser):
        assert (await each.ask("GET", "/users")).status_code == 403
