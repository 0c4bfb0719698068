"""Roles: kept by staff, never handed out beyond one's own rights, and gone within seconds when taken."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from tests.auth.people import House, Person, code_of, signed_in, staff_member
from tests.auth.test_staff import acts_on, revoked


def a_name() -> str:
    return f"role-{uuid4().hex[:12]}"


def rights_of(person: Person) -> list[str]:
    claims = jwt.decode(person.access_token, options={"verify_signature": False})
    permissions: list[str] = claims["permissions"]
    return permissions


@pytest.fixture
async def boss(seeded: House) -> Person:
    return await staff_member(seeded, is_superuser=True)


async def make(by: Person, *permissions: str) -> dict[str, Any]:
    answer = await by.ask("POST", "/roles", json={"name": a_name(), "permissions": permissions})
    assert answer.status_code == 201, answer.text
    role: dict[str, Any] = answer.json()
    return role


async def seeded_role(by: Person, name: str) -> dict[str, Any]:
    roles = (await by.ask("GET", "/roles", params={"limit": 100})).json()["items"]
    (role,) = [role for role in roles if role["name"] == name]
    found: dict[str, Any] = role
    return found


async def test_a_role_is_made_read_changed_and_deleted(boss: Person) -> None:
    role = await make(boss, "billing.read", "auth.read", "billing.read")
    assert role["permissions"] == ["auth.read", "billing.read"]
    assert role["is_seeded"] is False
    assert (await boss.ask("GET", f"/roles/{role['id']}")).json() == role
    name = a_name()
    changed = await boss.ask("PATCH", f"/roles/{role['id']}", json={"name": name, "permissions": []})
    assert changed.json() == {**role, "name": name, "permissions": []}
    assert (await boss.ask("PATCH", f"/roles/{role['id']}", json={})).json() == changed.json()
    assert (await boss.ask("DELETE", f"/roles/{role['id']}")).status_code == 204
    for method in ("GET", "DELETE"):
        answer = await boss.ask(method, f"/roles/{role['id']}")
        assert (answer.status_code, code_of(answer)) == (404, "auth.role_not_found")
    acts = await acts_on(boss, role["id"])
    assert [act["action"] for act in acts] == ["role.delete", "role.change", "role.change", "role.create"]
    assert acts[2]["before"]["permissions"] == ["auth.read", "billing.read"]


async def test_a_name_is_had_once(boss: Person) -> None:
    name = a_name()
    answers = await asyncio.gather(
        *(boss.ask("POST", "/roles", json={"name": name, "permissions": []}) for _ in range(6))
    )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 5}
    assert {code_of(answer) for answer in answers if answer.is_error} == {"ROLE_ALREADY_EXISTS"}
    other = await make(boss)
    taken = await boss.ask("PATCH", f"/roles/{other['id']}", json={"name": name})
    assert (taken.status_code, code_of(taken)) == (409, "ROLE_ALREADY_EXISTS")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "ok"},
        {"permissions": []},
        {"name": "", "permissions": []},
        {"name": "Two Words", "permissions": []},
        {"name": "x" * 64, "permissions": []},
        {"name": "nul\x00", "permissions": []},
        {"name": "ok", "permissions": "billing.read"},
        {"name": "ok", "permissions": ["billing.everything"]},
        {"name": "ok", "permissions": ["*"]},
        {"name": "ok", "permissions": [], "is_seeded": True},
    ],
)
async def test_what_is_no_role_is_refused(boss: Person, body: dict[str, Any]) -> None:
    assert (await boss.ask("POST", "/roles", json=body)).status_code == 422


async def test_seeded_roles_keep_their_names_and_stay(boss: Person) -> None:
    role = await seeded_role(boss, "content")
    assert role["is_seeded"] is True
    for method, body in (("DELETE", None), ("PATCH", {"name": a_name()})):
        answer = await boss.ask(method, f"/roles/{role['id']}", json=body)
        assert (answer.status_code, code_of(answer)) == (409, "auth.role_seeded")
    wanted = {"name": "content", "permissions": ["ugc.moderate"]}
    assert (await boss.ask("PATCH", f"/roles/{role['id']}", json=wanted)).json()["permissions"] == [
        "ugc.moderate"
    ]
    await boss.ask("PATCH", f"/roles/{role['id']}", json={"permissions": role["permissions"]})


async def test_every_permission_of_a_seeded_role_is_listed_and_described(boss: Person) -> None:
    listed = (await boss.ask("GET", "/permissions")).json()["items"]
    assert all(item["description"].keys() == {"ru", "en"} for item in listed)
    names = {item["name"] for item in listed}
    for name in ("support", "finance", "content", "marketing"):
        assert set((await seeded_role(boss, name))["permissions"]) <= names


async def test_a_given_role_is_in_the_next_token_and_a_taken_one_ends_the_sessions(
    seeded: House, boss: Person
) -> None:
    person = await signed_in(seeded)
    role = await make(boss, "billing.read")
    path = f"/users/{person.id}/roles/{role['id']}"
    for _ in range(2):
        assert (await boss.ask("PUT", path)).status_code == 204
    person.keep(await person.refresh())
    assert rights_of(person) == ["billing.read"]
    session_id = UUID(jwt.decode(person.access_token, options={"verify_signature": False})["sid"])
    assert session_id not in await revoked(seeded)
    assert (await boss.ask("DELETE", path)).status_code == 204
    assert session_id in await revoked(seeded)
    assert (await person.refresh()).status_code == 401
    person.keep(await person.log_in())
    assert rights_of(person) == []
    assert (await boss.ask("DELETE", path)).status_code == 204
    assert (await person.me()).status_code == 200
    acts = [act["action"] for act in await acts_on(boss, person.id)]
    assert acts == ["user.take_role", "user.take_role", "user.give_role", "user.give_role"]


async def test_sessions_go_on_where_no_right_is_lost(seeded: House, boss: Person) -> None:
    person = await signed_in(seeded)
    both = [await make(boss, "billing.read") for _ in range(2)]
    for role in both:
        await boss.ask("PUT", f"/users/{person.id}/roles/{role['id']}")
    assert (await boss.ask("DELETE", f"/users/{person.id}/roles/{both[0]['id']}")).status_code == 204
    more = {"permissions": ["billing.read", "billing.refund"], "name": a_name()}
    assert (await boss.ask("PATCH", f"/roles/{both[1]['id']}", json=more)).status_code == 200
    assert (await person.me()).status_code == 200
    person.keep(await person.refresh())
    assert rights_of(person) == ["billing.read", "billing.refund"]


@pytest.mark.parametrize("how", ["change", "delete"])
async def test_who_loses_rights_with_a_role_loses_the_sessions(seeded: House, boss: Person, how: str) -> None:
    people, stranger = [await signed_in(seeded) for _ in range(3)], await signed_in(seeded)
    role = await make(boss, "billing.read", "billing.refund")
    for person in people:
        await boss.ask("PUT", f"/users/{person.id}/roles/{role['id']}")
        person.keep(await person.refresh())
    if how == "change":
        await boss.ask("PATCH", f"/roles/{role['id']}", json={"permissions": ["billing.read"]})
    else:
        await boss.ask("DELETE", f"/roles/{role['id']}")
    for person in people:
        assert (await person.me()).status_code == 401
        assert (await person.refresh()).status_code == 401
    assert (await stranger.me()).status_code == 200


async def test_nobody_gives_what_they_do_not_hold(seeded: House, boss: Person) -> None:
    manager = await staff_member(seeded, "auth.read", "auth.manage", "billing.read")
    person = await signed_in(seeded)
    above, below = await make(boss, "billing.read", "billing.manage"), await make(boss, "billing.read")
    refused = [
        await manager.ask("PUT", f"/users/{person.id}/roles/{above['id']}"),
        await manager.ask("PUT", f"/users/{manager.id}/roles/{above['id']}"),
        await manager.ask("POST", "/roles", json={"name": a_name(), "permissions": ["movies.manage"]}),
        await manager.ask("PATCH", f"/roles/{below['id']}", json={"permissions": ["billing.manage"]}),
        await manager.ask("PATCH", f"/roles/{above['id']}", json={"permissions": ["billing.read"]}),
        await manager.ask("DELETE", f"/roles/{above['id']}"),
    ]
    assert {(answer.status_code, code_of(answer)) for answer in refused} == {(403, "auth.beyond_your_rights")}
    assert (await boss.ask("GET", f"/roles/{above['id']}")).json() == above
    assert (await boss.ask("GET", f"/roles/{below['id']}")).json() == below
    assert (await manager.ask("PUT", f"/users/{person.id}/roles/{below['id']}")).status_code == 204
    assert (await manager.ask("DELETE", f"/users/{person.id}/roles/{below['id']}")).status_code == 204
    person.keep(await person.log_in())
    assert rights_of(person) == []


async def test_unknown_users_and_roles_are_not_found(seeded: House, boss: Person) -> None:
    person = await signed_in(seeded)
    role = await make(boss)
    for method in ("PUT", "DELETE"):
        unknown_user = await boss.ask(method, f"/users/{uuid4()}/roles/{role['id']}")
        unknown_role = await boss.ask(method, f"/users/{person.id}/roles/{uuid4()}")
        assert code_of(unknown_user) == "auth.user_not_found"
        assert code_of(unknown_role) == "auth.role_not_found"


async def test_who_signs_in_while_a_role_is_taken_does_not_keep_it(seeded: House, boss: Person) -> None:
    person = await signed_in(seeded)
    role = await make(boss, "billing.read")
    path = f"/users/{person.id}/roles/{role['id']}"
    for _ in range(3):
        await boss.ask("PUT", path)
        login, refreshed, taken = await asyncio.gather(
            person.log_in(), person.refresh(), boss.ask("DELETE", path)
        )
        assert taken.status_code == 204
        gone = await revoked(seeded)
        for answer in (login, refreshed):
            if answer.is_success:
                person.keep(answer)
                claims = jwt.decode(person.access_token, options={"verify_signature": False})
                assert claims["permissions"] == [] or UUID(claims["sid"]) in gone
        person.keep(await person.log_in())
