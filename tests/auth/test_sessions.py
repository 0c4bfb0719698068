"""Sessions: refresh tokens that hold once, ends that are final, devices that are one's own."""

import asyncio
import base64
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from tests.auth.people import API, PASSWORD, House, Person, code_of, signed_in, written_to
from tests.auth.values import HOSTILE_TEXTS


async def is_dead(person: Person) -> bool:
    """Tell whether neither the kept refresh token nor the access token holds any more."""
    refused = await person.refresh()
    me = await person.me()
    return {refused.status_code, me.status_code} == {401}


async def reason_of(house: House, person: Person) -> list[Any]:
    rows = await house.sql(
        "SELECT data ->> 'reason' AS reason FROM auth.outbox_message"
        " WHERE type = 'auth.session.revoked' AND data ->> 'user_id' = :id",
        id=str(person.id),
    )
    return [row.reason for row in rows]


async def test_a_refresh_gives_a_new_pair_of_the_same_session(house: House) -> None:
    person = await signed_in(house)
    first = person.access_token, person.refresh_token
    answer = await person.refresh()
    assert answer.json().keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    person.keep(answer)
    assert person.access_token != first[0]
    assert person.refresh_token != first[1]
    assert claims_of(person)["sid"] == claims_of_token(first[0])["sid"]
    assert claims_of(person)["jti"] != claims_of_token(first[0])["jti"]
    assert (await person.me()).status_code == 200


def claims_of(person: Person) -> dict[str, Any]:
    return claims_of_token(person.access_token)


def claims_of_token(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def test_whoever_lost_the_answer_gets_the_same_again(house: House) -> None:
    person = await signed_in(house)
    first = await person.refresh()
    house.clock.advance(timedelta(seconds=8))
    assert (await person.refresh()).content == first.content
    person.keep(first)
    assert (await person.refresh()).status_code == 200


async def test_a_used_token_ends_the_session_after_ten_seconds(house: House) -> None:
    person = await signed_in(house)
    used = person.refresh_token
    person.keep(await person.refresh())
    house.clock.advance(timedelta(seconds=11))
    answer = await person.refresh(used)
    assert (answer.status_code, code_of(answer)) == (401, "auth.bad_refresh_token")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert await is_dead(person)
    assert await reason_of(house, person) == ["token_reused"]
    (told,) = await written_to(person, "session_stolen")
    assert (told.contact.email, told.address, told.path) == (person.email, "192.0.2.1", None)


async def test_a_token_before_the_last_ends_the_session_at_once(house: House) -> None:
    person = await signed_in(house)
    used = person.refresh_token
    person.keep(await person.refresh())
    person.keep(await person.refresh())
    assert (await person.refresh(used)).status_code == 401
    assert await is_dead(person)


async def test_a_thief_who_was_first_loses_the_session_too(house: House) -> None:
    owner = await signed_in(house)
    thief = Person(house, login=owner.login, refresh_token=owner.refresh_token)
    thief.keep(await thief.refresh())
    house.clock.advance(timedelta(seconds=30))
    assert (await owner.refresh()).status_code == 401
    assert await is_dead(thief)


async def test_reuse_ends_one_session_and_spares_the_others(house: House) -> None:
    person = await signed_in(house)
    other = Person(house, login=person.login)
    other.keep(await other.log_in())
    used = person.refresh_token
    for _ in range(2):
        person.keep(await person.refresh())
    assert (await person.refresh(used)).status_code == 401
    assert (await other.refresh()).status_code == 200


async def test_twenty_parallel_refreshes_end_in_one_live_token(house: House) -> None:
    person = await signed_in(house)
    answers = await asyncio.gather(*(person.refresh() for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    person.keep(answers[0])
    assert (await person.refresh()).status_code == 200


async def test_a_refresh_token_ends_with_its_session(house: House) -> None:
    person = await signed_in(house)
    house.clock.advance(timedelta(days=29))
    person.keep(await person.refresh())
    house.clock.advance(timedelta(days=29))
    person.keep(await person.refresh())
    house.clock.advance(timedelta(days=31))
    assert (await person.refresh()).status_code == 401


async def test_a_disabled_user_is_out_at_once(house: House) -> None:
    person = await signed_in(house)
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=person.id)
    assert await is_dead(person)


async def test_what_is_no_refresh_token_is_refused(house: House) -> None:
    for token in (*HOSTILE_TEXTS, "AAAA", "=" * 70, "A" * 70, "Ж" * 70):
        answer = await house.client.post(f"{API}/jwt/refresh", json={"refresh_token": token})
        assert answer.status_code in (401, 422), token


async def test_a_refresh_token_cannot_be_made_up(house: House) -> None:
    person = await signed_in(house)
    raw = bytearray(base64.urlsafe_b64decode(person.refresh_token + "=="))
    for place in range(len(raw)):
        forged = bytearray(raw)
        forged[place] ^= 1
        answer = await person.refresh(base64.urlsafe_b64encode(forged).decode().rstrip("="))
        assert answer.status_code == 401
    assert (await person.refresh(person.access_token)).status_code == 401
    assert (await person.refresh()).status_code == 200


async def test_a_logout_ends_the_session_for_good(house: House) -> None:
    person = await signed_in(house)
    answer = await person.log_out()
    assert (answer.status_code, answer.content) == (204, b"")
    assert await is_dead(person)
    assert await reason_of(house, person) == ["logout"]
    assert (await person.log_out()).status_code in (204, 401)
    assert await reason_of(house, person) == ["logout"]


async def test_a_logout_spares_other_sessions(house: House) -> None:
    person = await signed_in(house)
    other = Person(house, login=person.login)
    other.keep(await other.log_in())
    assert (await person.log_out()).status_code == 204
    assert (await other.me()).status_code == 200


async def test_a_new_password_ends_all_other_sessions(house: House) -> None:
    person = await signed_in(house)
    other = Person(house, login=person.login)
    other.keep(await other.log_in())
    changed = await person.change(password="another good password", current_password=PASSWORD)
    assert changed.status_code == 200
    assert await is_dead(other)
    assert (await person.me()).status_code == 200
    assert (await person.refresh()).status_code == 200
    assert await reason_of(house, person) == ["password_changed"]
    assert (await person.log_in()).status_code == 400
    assert (await person.log_in(password="another good password")).status_code == 200


async def test_a_user_sees_and_ends_own_devices(house: House) -> None:
    person = await signed_in(house)
    other = Person(house, login=person.login)
    house.client.headers["User-Agent"] = "Phone\x7f/1.0 " + "x" * 1000
    other.keep(await other.log_in())
    listed = (await house.client.get(f"{API}/users/me/sessions", headers=person.headers)).json()
    assert listed["next_cursor"] is None
    newest, oldest = listed["items"]
    assert (newest["is_current"], oldest["is_current"]) == (False, True)
    assert newest["user_agent"].startswith("Phone/1.0 xxx")
    assert len(newest["user_agent"]) == 300
    assert newest["address"] == "192.0.2.1"
    path = f"{API}/users/me/sessions/{newest['id']}"
    assert (await house.client.delete(path, headers=person.headers)).status_code == 204
    assert await is_dead(other)
    assert (await house.client.delete(path, headers=person.headers)).status_code == 404
    assert (await person.me()).status_code == 200
    assert await reason_of(house, person) == ["ended"]


async def test_the_list_of_devices_is_paged(house: House) -> None:
    person = await signed_in(house)
    for _ in range(4):
        assert (await person.log_in()).status_code == 200
    cursor, seen, pages = "", [], 0
    while cursor is not None:
        path = f"{API}/users/me/sessions?limit=2{cursor and f'&cursor={cursor}'}"
        page = (await house.client.get(path, headers=person.headers)).json()
        seen += [item["id"] for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert pages == 3
    assert len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("list_name", ["sessions", "login_history"])
async def test_a_foreign_cursor_is_refused(house: House, list_name: str) -> None:
    person = await signed_in(house)
    for parts in (b'["x"]', b'["1", "2"]', b"[]", b"{}"):
        cursor = base64.urlsafe_b64encode(parts).decode().rstrip("=")
        path = f"{API}/users/me/{list_name}?cursor={cursor}"
        answer = await house.client.get(path, headers=person.headers)
        assert (answer.status_code, code_of(answer)) == (400, "kit.bad_cursor")


async def test_signing_out_everywhere_ends_this_session_too(house: House) -> None:
    person = await signed_in(house)
    other = Person(house, login=person.login)
    other.keep(await other.log_in())
    stranger = await signed_in(house)
    answer = await house.client.delete(f"{API}/users/me/sessions", headers=person.headers)
    assert answer.status_code == 204
    assert await is_dead(person)
    assert await is_dead(other)
    assert (await stranger.me()).status_code == 200


async def test_a_foreign_session_is_as_absent_as_an_unknown_one(house: House) -> None:
    person, stranger = await signed_in(house), await signed_in(house)
    foreign = UUID(claims_of(stranger)["sid"])
    answers = [
        await house.client.delete(f"{API}/users/me/sessions/{id}", headers=person.headers)
        for id in (foreign, uuid4())
    ]
    assert [(answer.status_code, code_of(answer)) for answer in answers] == [
        (404, "auth.session_not_found")
    ] * 2
    assert answers[0].json()["detail"] == answers[1].json()["detail"]
    assert (await stranger.me()).status_code == 200


@pytest.mark.parametrize("id", ["x", "1", "%00", "..%2f", "0" * 5000])
async def test_what_is_no_id_is_refused(house: House, id: str) -> None:
    person = await signed_in(house)
    answer = await house.client.delete(f"{API}/users/me/sessions/{id}", headers=person.headers)
    assert answer.status_code in (404, 422)


async def test_a_user_sees_the_own_history_alone(house: House) -> None:
    person, stranger = await signed_in(house), await signed_in(house)
    await person.log_in(password="wrong")
    await stranger.log_in(password="wrong")
    history = await house.client.get(f"{API}/users/me/login_history", headers=person.headers)
    items = history.json()["items"]
    assert [item["succeeded"] for item in items] == [False, True]
    assert {item["address"] for item in items} == {"192.0.2.1"}
    assert items[0].keys() == {
        *("id", "succeeded", "method", "result", "device", "address", "user_agent", "occurred_at"),
    }
