"""The user's own account: what may be changed, by whom, and what never."""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.auth.people import API, PASSWORD, House, Person, code_of, newcomer, signed_in
from tests.auth.values import HOSTILE_TEXTS


async def row_of(person: Person) -> Any:
    (row,) = await person.house.sql('SELECT * FROM auth."user" WHERE id = :id', id=person.id)
    return tuple(row)


async def test_an_account_is_read_by_its_owner(house: House) -> None:
    person = await signed_in(house)
    me = (await person.me()).json()
    assert me == {
        "id": str(person.id),
        "login": person.login,
        "email": person.email,
        "is_superuser": False,
        "email_verified": False,
        "locale": "ru",
        "created_at": me["created_at"],
    }


@pytest.mark.parametrize(
    "body",
    [
        {"is_superuser": True},
        {"roles": ["finance"]},
        {"id": "01900000-0000-7000-8000-000000000000"},
        {"email_verified": True},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"isSuperuser": True},
        {"password_hash": "x"},
        {"user": {"is_superuser": True}},
        {"locale": "en", "is_superuser": True, "current_password": PASSWORD},
    ],
)
async def test_other_fields_are_refused_and_change_nothing(house: House, body: dict[str, Any]) -> None:
    person = await signed_in(house)
    before = await row_of(person)
    answer = await person.change(**body)
    assert answer.status_code == 422
    assert {error["code"] for error in answer.json()["errors"]} == {"extra_forbidden"}
    assert await row_of(person) == before


@pytest.mark.parametrize("field", ["login", "email", "password"])
async def test_names_and_password_need_the_current_password(house: House, field: str) -> None:
    person = await signed_in(house)
    before = await row_of(person)
    wanted = {
        "login": "other" + uuid4().hex[:8],
        "email": "other@example.com",
        "password": "another password 1",
    }
    for more in ({}, {"current_password": "wrong password"}, {"current_password": None}):
        answer = await person.change(**{field: wanted[field]}, **more)
        assert (answer.status_code, code_of(answer)) == (403, "auth.wrong_password")
    assert await row_of(person) == before


async def test_guessing_the_current_password_is_slowed_down(house: House) -> None:
    person = await signed_in(house)
    guesses = await asyncio.gather(
        *(person.change(login="other", current_password=f"wrong {number}") for number in range(12))
    )
    assert Counter(guess.status_code for guess in guesses) == {403: 5, 429: 7}
    assert (await person.log_in()).status_code == 200


async def test_login_and_address_are_changed_and_old_ones_are_free(house: House) -> None:
    person = await signed_in(house)
    await house.sql('UPDATE auth."user" SET email_verified = true WHERE id = :id', id=person.id)
    word = f"Renamed{uuid4().hex[:8]}"
    renamed = await person.change(login=word, current_password=PASSWORD)
    assert (renamed.json()["login"], renamed.json()["email_verified"]) == (word, True)
    moved = await person.change(email=f"{word}@example.com", current_password=PASSWORD)
    assert (moved.json()["email"], moved.json()["email_verified"]) == (f"{word}@example.com", False)
    assert (await person.log_in()).status_code == 400
    assert (await person.log_in(username=word.lower())).status_code == 200
    assert (await person.log_in(username=f"{word}@EXAMPLE.com")).status_code == 200
    assert (await Person(house, login=person.login, email=person.email).register()).status_code == 201


async def test_the_same_address_again_stays_verified(house: House) -> None:
    person = await signed_in(house)
    await house.sql('UPDATE auth."user" SET email_verified = true WHERE id = :id', id=person.id)
    same = await person.change(email=person.email, login=person.login, current_password=PASSWORD)
    assert (same.status_code, same.json()["email_verified"]) == (200, True)


async def test_a_taken_name_cannot_be_had(house: House) -> None:
    person, owner = await signed_in(house), await newcomer(house)
    before = await row_of(person)
    for body in ({"login": owner.login.upper()}, {"email": owner.email.upper()}):
        answer = await person.change(**body, current_password=PASSWORD)
        assert (answer.status_code, code_of(answer)) == (409, "auth.name_taken")
    assert await row_of(person) == before


async def test_twenty_people_want_one_login_and_one_gets_it(house: House) -> None:
    people = await asyncio.gather(*(signed_in(house) for _ in range(10)))
    word = f"wanted{uuid4().hex[:8]}"
    answers = await asyncio.gather(
        *(person.change(login=word, current_password=PASSWORD) for person in people)
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}


async def test_two_changes_at_once_do_not_mix(house: House) -> None:
    person = await signed_in(house)
    answers = await asyncio.gather(
        person.change(password="first new password", current_password=PASSWORD),
        person.change(password="second new password", current_password=PASSWORD),
    )
    assert Counter(answer.status_code for answer in answers)[200] == 1
    winner = "first" if answers[0].status_code == 200 else "second"
    assert (await person.log_in(password=f"{winner} new password")).status_code == 200


async def test_a_weak_new_password_is_refused(house: House) -> None:
    person = await signed_in(house)
    for password in ("short", "password1234567", person.login.upper(), "x" * 129):
        answer = await person.change(password=password, current_password=PASSWORD)
        assert answer.status_code == 422
    both = await person.change(login="Brand-new-name", password="brand-new-name", current_password=PASSWORD)
    assert (both.status_code, code_of(both)) == (422, "auth.weak_password")
    assert (await person.me()).status_code == 200


async def test_the_language_is_changed_without_a_password(house: House) -> None:
    person = await signed_in(house)
    assert (await person.change(locale="en")).json()["locale"] == "en"
    assert (await person.change(locale="de")).status_code == 422
    assert (await person.change()).json()["locale"] == "en"


@pytest.mark.parametrize("field", ["login", "email", "password", "locale", "current_password"])
async def test_hostile_text_is_kept_exactly_or_refused(house: House, field: str) -> None:
    person = await signed_in(house)
    for value in HOSTILE_TEXTS:
        answer = await person.change(**{"current_password": PASSWORD, field: value})
        assert answer.status_code in (200, 422), value
        if answer.status_code == 200 and field in ("login", "email"):
            assert answer.json()[field] == value
        if answer.status_code == 200:
            await house.sql('DELETE FROM auth."user" WHERE id = :id', id=person.id)
            person = await signed_in(house)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users/me"),
        ("PATCH", "/users/me"),
        ("GET", "/users/me/sessions"),
        ("DELETE", "/users/me/sessions"),
        ("DELETE", "/users/me/sessions/01900000-0000-7000-8000-000000000000"),
        ("GET", "/users/me/login_history"),
        ("POST", "/jwt/logout"),
    ],
)
async def test_nobody_passes_without_a_token(house: House, method: str, path: str) -> None:
    answer = await house.client.request(method, f"{API}{path}", json={} if method == "PATCH" else None)
    assert (answer.status_code, code_of(answer)) == (401, "kit.unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["cache-control"] == "no-store"
