"""Logging in: by login or address, alike for known and unknown, slowed down for guessers."""

import asyncio
import threading
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from argon2 import PasswordHasher

from tests.auth.conftest import OpenHouse
from tests.auth.people import API, BASE_URL, House, Person, code_of, newcomer, signed_in
from tests.auth.values import HOSTILE_TEXTS
from theatre.auth.hashing import THREAD_NAME
from theatre.auth.throttle import pause_after


async def test_one_logs_in_by_login_or_address_in_any_letter_case(house: House) -> None:
    person = await newcomer(house)
    for username in (person.login, person.login.upper(), person.email, person.email.upper()):
        assert (await person.log_in(username=username)).status_code == 200


async def test_unknown_wrong_and_disabled_are_answered_alike(house: House) -> None:
    """The answers differ in nothing but the request id."""
    person, disabled = await newcomer(house), await newcomer(house)
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=disabled.id)
    answers = [
        await person.log_in(password="wrong password"),
        await Person(house).log_in(),
        await disabled.log_in(),
        await disabled.log_in(password="wrong password"),
    ]
    for answer in answers:
        assert (answer.status_code, code_of(answer)) == (400, "LOGIN_BAD_CREDENTIALS")
    assert len({seen_by_client(answer) for answer in answers}) == 1


def seen_by_client(answer: httpx.Response) -> str:
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return f"{body} {headers}".replace(str(len(answer.content)), "")


class Witness:
    """Sees how argon2 is asked to verify, and on which thread."""

    def __init__(self, argon2: PasswordHasher) -> None:
        self._argon2 = argon2
        self.parameters: list[str] = []
        self.threads: set[str] = set()

    def verify(self, stored: str, password: str) -> bool:
        self.parameters.append(stored.rsplit("$", 2)[0])
        self.threads.add(threading.current_thread().name)
        return self._argon2.verify(stored, password)


async def test_for_an_unknown_user_the_same_hash_is_computed(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every try costs one verification with the same parameters, on a thread made for it."""
    person = await newcomer(house)
    witness = Witness(house.resources.hasher._argon2)
    monkeypatch.setattr(house.resources.hasher, "_argon2", witness)
    assert (await person.log_in(password="wrong password")).status_code == 400
    assert (await Person(house).log_in()).status_code == 400
    assert witness.parameters == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2
    assert all(thread.startswith(THREAD_NAME) for thread in witness.threads)


async def test_the_event_loop_goes_on_while_passwords_are_hashed(house: House) -> None:
    person = await newcomer(house)
    hashing = threading.Event()
    beats = 0

    def blocked() -> str:
        assert hashing.wait(30)
        return "done"

    with house.resources.hasher.place():
        works = [asyncio.ensure_future(house.resources.hasher._run(blocked)) for _ in range(2)]
        login = asyncio.ensure_future(person.log_in())
        while beats < 20:
            assert (await house.client.get("/auth/api/_health")).status_code == 200
            beats += 1
        assert not login.done()
        hashing.set()
        assert await asyncio.gather(*works) == ["done", "done"]
    assert (await login).status_code == 200


async def test_more_waiting_passwords_than_allowed_are_turned_away(open_house: OpenHouse) -> None:
    async with open_house(password_queue=1) as house:
        person = await newcomer(house)
        hasher = house.resources.hasher
        with hasher.place(), hasher.place(), hasher.place():
            answers = [await person.log_in() for _ in range(10)]
            answers.append(await Person(house).register())
        assert {(answer.status_code, code_of(answer)) for answer in answers} == {(503, "auth.busy")}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        assert (await person.log_in()).status_code == 200


async def test_a_hash_is_renewed_at_login_when_parameters_grow(open_house: OpenHouse) -> None:
    async with open_house() as before:
        person = await newcomer(before)
    async with open_house(password_time_cost=3) as house:
        person.house = house
        assert (await person.log_in(password="wrong password")).status_code == 400
        assert (await hash_of(person)).startswith("$argon2id$v=19$m=19456,t=2,")
        logins = await asyncio.gather(*(person.log_in() for _ in range(4)))
        assert {login.status_code for login in logins} == {200}
        assert (await hash_of(person)).startswith("$argon2id$v=19$m=19456,t=3,")
        assert (await person.log_in()).status_code == 200


async def hash_of(person: Person) -> str:
    (row,) = await person.house.sql('SELECT password_hash FROM auth."user" WHERE id = :id', id=person.id)
    return str(row.password_hash)


def test_pauses_double_and_leave_ten_tries_in_the_first_hour() -> None:
    pauses = [pause_after(count).total_seconds() for count in range(1, 14)]
    assert pauses == [0, 0, 0, 0, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert pause_after(2_000_000_000) == timedelta(hours=1)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_guesser_is_slowed_down_alike_for_known_and_unknown_names(
    house: House, is_known: bool
) -> None:
    person = await newcomer(house) if is_known else Person(house)
    guesses = [await person.log_in(password=f"wrong {number}") for number in range(8)]
    assert [guess.status_code for guess in guesses] == [400] * 5 + [429] * 3
    assert 1 <= int(guesses[-1].headers["retry-after"]) <= 60
    house.clock.advance(timedelta(seconds=61))
    assert [(await person.log_in(password="wrong")).status_code for _ in range(2)] == [400, 429]


async def test_many_parallel_guesses_check_five(house: House) -> None:
    person = await newcomer(house)
    guesses = await asyncio.gather(*(person.log_in(password=f"wrong {number}") for number in range(60)))
    assert Counter(guess.status_code for guess in guesses) == {400: 5, 429: 55}


async def test_the_right_password_forgets_wrong_tries(house: House) -> None:
    person = await newcomer(house)
    for _ in range(3):
        for _ in range(4):
            assert (await person.log_in(password="wrong")).status_code == 400
        assert (await person.log_in()).status_code == 200


async def test_parallel_right_logins_do_not_count_against_each_other(house: House) -> None:
    person = await newcomer(house)
    logins = await asyncio.gather(*(person.log_in() for _ in range(20)))
    assert {login.status_code for login in logins} == {200}
    assert len({login.json()["refresh_token"] for login in logins}) == 20


async def test_strangers_cannot_keep_the_owner_out_of_a_known_address(house: House) -> None:
    person = await signed_in(house)
    transport = httpx.ASGITransport(app=house.app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        stranger = Person(House(house.app, client, house.settings, house.clock), login=person.login)
        guesses = [await stranger.log_in(password="wrong") for _ in range(7)]
        assert [guess.status_code for guess in guesses] == [400] * 5 + [429] * 2
    assert (await person.log_in()).status_code == 200


async def test_logins_and_registrations_are_limited_per_address(open_house: OpenHouse) -> None:
    async with open_house(login_rate="3/minute", register_rate="2/minute") as house:
        logins = [await Person(house).log_in() for _ in range(5)]
        assert [answer.status_code for answer in logins] == [400] * 3 + [429] * 2
        newcomers = [await Person(house).register() for _ in range(4)]
        assert [answer.status_code for answer in newcomers] == [201] * 2 + [429] * 2
        assert int(newcomers[-1].headers["retry-after"]) >= 1


async def test_a_forged_forwarding_header_does_not_move_the_limit(open_house: OpenHouse) -> None:
    async with open_house(login_rate="3/minute") as house:
        house.client.headers["X-Forwarded-For"] = ""
        statuses = []
        for number in range(5):
            house.client.headers["X-Forwarded-For"] = f"203.0.113.{number}"
            statuses.append((await Person(house).log_in()).status_code)
        assert statuses == [400] * 3 + [429] * 2


async def test_a_trusted_proxy_names_the_client(open_house: OpenHouse) -> None:
    async with open_house(login_rate="1/minute", trusted_proxies=["192.0.2.0/24", "10.0.0.0/8"]) as house:
        statuses = []
        for forwarded in (
            "203.0.113.1, 10.0.0.1",
            "6.6.6.6, 203.0.113.1",
            "203.0.113.2",
            "garbage, 203.0.113.2",
        ):
            house.client.headers["X-Forwarded-For"] = forwarded
            statuses.append((await Person(house).log_in()).status_code)
        assert statuses == [400, 429, 400, 429]


@pytest.mark.parametrize("field", ["username", "password", "grant_type"])
async def test_hostile_text_in_the_form_is_a_plain_refusal(house: House, field: str) -> None:
    for value in HOSTILE_TEXTS:
        form = {"username": f"nobody-{uuid4().hex}", "password": "wrong password", field: value}
        answer = await house.client.post(f"{API}/jwt/login", data=form)
        assert answer.status_code in (400, 422), value
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"username=%ff%fe&password=%80abc", "application/x-www-form-urlencoded"),
        (b"username=%ed%a0%80&password=%ed%a0%80", "application/x-www-form-urlencoded"),
        (b"username=a&username=b&password=c&password=d", "application/x-www-form-urlencoded"),
        (b'{"username": "a", "password": "b"}', "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"&&&===;;;", "application/x-www-form-urlencoded"),
        (b"no boundary", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (
            b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n\xff\r\n'
            b'--x\r\nContent-Disposition: form-data; name="password"; filename="p"\r\n\r\nfile\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\na\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=undefined",
        ),
        (
            b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\na\r\n--x--\r\n',
            "multipart/form-data; boundary=x; charset=base64",
        ),
    ],
)
async def test_a_form_that_is_none_is_a_plain_refusal(house: House, content: bytes, kind: str) -> None:
    answer = await house.client.post(f"{API}/jwt/login", content=content, headers={"Content-Type": kind})
    assert answer.status_code in (400, 415, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_other_fields_of_an_oauth_form_may_come_along(house: House) -> None:
    person = await newcomer(house)
    assert (await person.log_in(grant_type="password", scope="", client_id="browser")).status_code == 200
    assert (await person.log_in(grant_type="authorization_code")).status_code == 422


async def test_a_login_survives_the_loss_of_its_history(house: House) -> None:
    person = await newcomer(house)
    await break_history(house)
    try:
        assert (await person.log_in()).status_code == 200
        assert (await person.log_in(password="wrong")).status_code == 400
    finally:
        await mend_history(house)


async def break_history(house: House) -> None:
    await as_owner(house, "ALTER TABLE auth.login_attempt RENAME TO login_attempt_away")


async def mend_history(house: House) -> None:
    await as_owner(house, "ALTER TABLE auth.login_attempt_away RENAME TO login_attempt")


async def as_owner(house: House, statement: str) -> Any:

    connection = await asyncpg.connect(house.settings.database_url)
    await connection.execute(statement)
    await connection.close()
