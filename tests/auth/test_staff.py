"""What staff see of users and do to them, and what is written down of it."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.auth.people import API, House, Person, code_of, newcomer, signed_in, staff_member
from tests.auth.values import HOSTILE_TEXTS
from theatre.auth.user_sessions import find_revoked
from theatre.kit.db import transaction


async def acts_on(manager: Person, subject_id: UUID | str) -> list[dict[str, Any]]:
    answer = await manager.ask("GET", "/audit", params={"subject_id": str(subject_id)})
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def found(by: Person, **params: Any) -> list[str]:
    """Give the ids of all users that are found, page by page."""
    ids: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": 2, **params, **({"cursor": cursor} if cursor else {})}
        answer = await by.ask("GET", "/users", params=asked)
        assert answer.status_code == 200, answer.text
        ids += [item["id"] for item in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
    assert len(set(ids)) == len(ids)
    return ids


async def revoked(house: House) -> frozenset[UUID]:
    async with transaction(house.resources.sessions) as session:
        return (await find_revoked(session, None, now=house.clock.now(), access_ttl_seconds=900)).session_ids


@pytest.fixture
async def boss(house: House) -> Person:
    return await staff_member(house, is_superuser=True)


async def test_users_are_found_by_the_beginning_of_a_name_in_any_case(house: House, boss: Person) -> None:
    word = uuid4().hex[:10]
    people = [
        await newcomer(house, login=f"{word}-{letter}", email=f"{mail}@example.com")
        for letter, mail in (("b", f"{word}-b"), ("a", f"other-{word}-1"), ("d", f"other-{word}-2"))
    ]
    by_mail = await newcomer(house, login=f"zz-{word}", email=f"{word}-c@example.com")
    b, a, d = (str(person.id) for person in people)
    assert await found(boss, q=word) == [a, b, str(by_mail.id), d]
    assert await found(boss, q=word.upper()) == [a, b, str(by_mail.id), d]
    assert await found(boss, q=f"{word}-c@") == [str(by_mail.id)]
    assert await found(boss, q=by_mail.email) == [str(by_mail.id)]
    assert await found(boss, q=a) == [a]
    assert await found(boss, q=str(uuid4())) == []
    assert await found(boss, q=f"{word}%") == await found(boss, q=f"{word}_") == []


async def test_users_are_filtered_and_paged_from_the_newest_on(house: House, boss: Person) -> None:
    role = uuid4().hex
    made = await boss.ask("POST", "/roles", json={"name": f"a{role}", "permissions": []})
    people = [await newcomer(house) for _ in range(5)]
    for person in people[1:]:
        await boss.ask("PUT", f"/users/{person.id}/roles/{made.json()['id']}")
    await boss.ask("PATCH", f"/users/{people[4].id}", json={"is_active": False})
    expected = [str(person.id) for person in reversed(people[1:4])]
    assert await found(boss, role=f"a{role}", is_active=True) == expected
    assert await found(boss, role=f"a{role}", is_active=False) == [str(people[4].id)]
    assert await found(boss, role=f"a{role}", q=people[4].login) == [str(people[4].id)]
    assert await found(boss, role="nobody-has-it") == []
    everybody = await found(boss, limit=100)
    assert everybody == sorted(everybody, reverse=True)
    (line,) = (await boss.ask("GET", "/users", params={"q": people[1].login})).json()["items"]
    assert line == {
        "id": str(people[1].id),
        "login": people[1].login,
        "email": people[1].email,
        "email_verified": False,
        "locale": "ru",
        "is_superuser": False,
        "is_active": True,
        "created_at": line["created_at"],
        "roles": [{"id": made.json()["id"], "name": f"a{role}"}],
    }


async def test_hostile_words_find_nobody_or_are_refused(house: House, boss: Person) -> None:
    for value in HOSTILE_TEXTS:
        for name in ("q", "role", "is_active", "cursor"):
            answer = await boss.ask("GET", "/users", params={name: value})
            assert answer.status_code in (200, 400, 422), (name, value)
    foreign = (await boss.ask("GET", "/users", params={"limit": 1})).json()["next_cursor"]
    answer = await boss.ask("GET", "/users", params={"q": "a", "cursor": foreign})
    assert (answer.status_code, code_of(answer)) == (400, "kit.bad_cursor")


async def test_a_search_reads_by_the_indexes_of_names(house: House, boss: Person) -> None:
    """However many users there are, a page costs what a page costs."""
    await house.sql(
        "INSERT INTO auth.\"user\" SELECT gen_random_uuid(), 'crowd' || n, 'crowd' || n, 'crowd' || n || '@x.example',"
        " 'crowd' || n || '@x.example', false, 'x', 'en', false, true, now(), now() FROM generate_series(1, 5000) n"
    )
    try:
        await as_owner(house, 'ANALYZE auth."user"')
        plan = await house.sql(
            "EXPLAIN SELECT id, login_key FROM auth.\"user\" WHERE login_key >= 'crowd1' AND login_key < 'crowd2'"
            " ORDER BY login_key LIMIT 51"
        )
        assert "uq_user_login_key" in str(plan)
        assert "Sort" not in str(plan)
        assert (
            len((await boss.ask("GET", "/users", params={"q": "CROWD4", "limit": 100})).json()["items"])
            == 100
        )
    finally:
        await house.sql("DELETE FROM auth.\"user\" WHERE login LIKE 'crowd%'")


async def as_owner(house: House, statement: str) -> None:
    connection = await asyncpg.connect(house.settings.database_url)
    await connection.execute(statement)
    await connection.close()


async def test_a_user_is_shown_with_roles_sessions_and_the_last_sign_in(house: House, boss: Person) -> None:
    person = await staff_member(house, "billing.read")
    for _ in range(6):
        await person.log_in(username=person.email, password="wrong")
    answer = await boss.ask("GET", f"/users/{person.id}")
    card = answer.json()
    assert answer.status_code == 200
    assert (card["login"], card["email"], card["permissions"]) == (
        person.login,
        person.email,
        ["billing.read"],
    )
    assert len(card["roles"]) == 1
    assert [session["address"] for session in card["sessions"]] == ["192.0.2.1"]
    assert card["last_sign_in"]["succeeded"] is True
    assert card["waits_until"] is not None
    assert "argon2" not in answer.text
    (act,) = await acts_on(boss, person.id)
    assert (act["action"], act["actor_id"]) == ("user.read", str(boss.id))
    history = (await boss.ask("GET", f"/users/{person.id}/login_history")).json()["items"]
    assert [item["succeeded"] for item in history].count(True) == 1


async def test_a_blocked_user_is_out_everywhere_and_comes_back(house: House, boss: Person) -> None:
    person = await signed_in(house)
    body = {"is_active": False, "reason": "chargebacks"}
    for _ in range(2):
        answer = await boss.ask("PATCH", f"/users/{person.id}", json=body)
        assert (answer.status_code, answer.json()["is_active"]) == (200, False)
        assert answer.json()["sessions"] == []
    assert (await person.me()).status_code == 401
    assert (await person.refresh()).status_code == 401
    assert code_of(await person.log_in()) == "LOGIN_BAD_CREDENTIALS"
    assert (await boss.ask("PATCH", f"/users/{person.id}", json={"is_active": True})).json()[
        "is_active"
    ] is True
    assert (await person.log_in()).status_code == 200
    acts = await acts_on(boss, person.id)
    assert [(act["action"], act["reason"]) for act in acts] == [
        ("user.unblock", None),
        ("user.block", "chargebacks"),
    ]
    assert (acts[1]["before"], acts[1]["after"]) == ({"is_active": True}, {"is_active": False})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"is_active": None},
        {"is_active": "false"},
        {"is_active": 0},
        {"is_superuser": True, "is_active": True},
    ],
)
async def test_nothing_else_of_a_user_is_changed(house: House, boss: Person, body: dict[str, Any]) -> None:
    person = await signed_in(house)
    assert (await boss.ask("PATCH", f"/users/{person.id}", json=body)).status_code == 422
    assert await acts_on(boss, person.id) == []


async def test_nobody_blocks_themselves(house: House, boss: Person) -> None:
    answer = await boss.ask("PATCH", f"/users/{boss.id}", json={"is_active": False})
    assert (answer.status_code, code_of(answer)) == (409, "auth.own_account")


async def test_superusers_who_block_each_other_at_once_leave_one(house: House) -> None:
    await house.sql('UPDATE auth."user" SET is_superuser = false')
    people = [await staff_member(house, is_superuser=True) for _ in range(2)]
    for _ in range(3):
        answers = await asyncio.gather(
            people[0].ask("PATCH", f"/users/{people[1].id}", json={"is_active": False}),
            people[1].ask("PATCH", f"/users/{people[0].id}", json={"is_active": False}),
        )
        assert sorted(answer.status_code for answer in answers)[0] == 200
        assert {answer.status_code for answer in answers} <= {200, 401, 409}
        rows = await house.sql('SELECT id FROM auth."user" WHERE is_superuser AND is_active')
        assert len(rows) == 1
        await house.sql('UPDATE auth."user" SET is_active = true WHERE is_superuser')
        for person in people:
            person.keep(await person.log_in())


async def test_a_user_who_waits_is_let_try_again(house: House, boss: Person) -> None:
    person = await signed_in(house)
    for username in (person.login, person.email):
        for _ in range(6):
            await person.log_in(username=username, password="wrong")
        assert (await person.log_in(username=username)).status_code == 429
    assert (await boss.ask("DELETE", f"/users/{person.id}/throttle")).status_code == 204
    for username in (person.login, person.email):
        assert (await person.log_in(username=username)).status_code == 200
    assert [act["action"] for act in await acts_on(boss, person.id)] == ["user.unlock"]


async def test_staff_end_sessions_one_or_all(house: House, boss: Person) -> None:
    person, stranger = await signed_in(house), await signed_in(house)
    other = Person(house, login=person.login)
    other.keep(await other.log_in())
    newest, oldest = (await boss.ask("GET", f"/users/{person.id}")).json()["sessions"]
    foreign = await boss.ask("DELETE", f"/users/{stranger.id}/sessions/{newest['id']}")
    assert (foreign.status_code, code_of(foreign)) == (404, "auth.session_not_found")
    assert (await boss.ask("DELETE", f"/users/{person.id}/sessions/{newest['id']}")).status_code == 204
    assert (await other.me()).status_code == 401
    assert (await person.me()).status_code == 200
    assert (await boss.ask("DELETE", f"/users/{person.id}/sessions")).status_code == 204
    assert (await person.me()).status_code == 401
    assert {UUID(newest["id"]), UUID(oldest["id"])} <= await revoked(house)


async def test_a_manager_acts_on_nobody_who_may_do_more(house: House, boss: Person) -> None:
    manager = await staff_member(house, "auth.read", "auth.manage", "billing.read")
    equal, above = await staff_member(house, "billing.read"), await staff_member(house, "billing.manage")
    for target in (above, boss):
        for method, path, body in (
            ("PATCH", f"/users/{target.id}", {"is_active": False}),
            ("DELETE", f"/users/{target.id}/sessions", None),
            ("DELETE", f"/users/{target.id}/throttle", None),
            ("DELETE", f"/users/{target.id}/roles/{uuid4()}", None),
        ):
            answer = await manager.ask(method, path, json=body)
            assert (answer.status_code, code_of(answer)) == (403, "auth.beyond_your_rights")
        assert (await target.me()).status_code == 200
    assert (await manager.ask("PATCH", f"/users/{equal.id}", json={"is_active": False})).status_code == 200


async def test_the_audit_is_a_chain_that_cannot_be_changed(house: House, boss: Person) -> None:
    for _ in range(3):
        await boss.ask("GET", f"/users/{boss.id}")
    chain = (await boss.ask("GET", "/audit/verify")).json()
    assert chain["broken_number"] is None
    assert chain["length"] >= 3
    by_actor = (await boss.ask("GET", "/audit", params={"actor_id": str(boss.id)})).json()["items"]
    assert [item["action"] for item in by_actor] == ["user.read"] * 3
    assert by_actor[0].keys() >= {"number", "occurred_at", "reason", "before", "after", "request_id"}
    for statement in ("UPDATE auth.audit_record SET number = 0", "DELETE FROM auth.audit_record"):
        with pytest.raises(Exception, match="permission denied"):
            await house.sql(statement)


async def test_a_user_may_sign_out_everywhere_else(house: House) -> None:
    person = await signed_in(house)
    other = Person(house, login=person.login)
    other.keep(await other.log_in())
    answer = await house.client.delete(
        f"{API}/users/me/sessions", params={"keep_current": "true"}, headers=person.headers
    )
    assert answer.status_code == 204
    assert (await person.me()).status_code == 200
    assert (await other.me()).status_code == 401
