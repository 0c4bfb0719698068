"""Links by mail: who asks learns nothing, who uses one must have read the mail, and each holds once."""

import asyncio
import base64
from collections import Counter
from contextvars import ContextVar
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import event

from tests.auth.conftest import SERVICE_SECRET, OpenHouse
from tests.auth.people import (
    API,
    INTERNAL,
    NOTIFICATION_SECRET,
    PASSWORD,
    House,
    Person,
    ask_for_link,
    code_of,
    link_of,
    newcomer,
    service_headers,
    signed_in,
    written_to,
)
from tests.auth.values import HOSTILE_TEXTS

NEW_PASSWORD = "a quite different one"
# who carries this mark works for the request, and not for the worker beside it
ASKING = ContextVar("asking", default=False)
DOORS = {"/email/verify": "verify_email", "/password/forgot": "reset_password"}


async def verify(house: House, token: str) -> httpx.Response:
    return await house.client.post(f"{API}/email/verify", json={"token": token})


async def reset(house: House, token: str, password: str = NEW_PASSWORD) -> httpx.Response:
    return await house.client.post(f"{API}/password/reset", json={"token": token, "password": password})


async def forgotten(house: House) -> tuple[Person, str]:
    """Let somebody forget the password; gives the token of the link."""
    person = await signed_in(house)
    await ask_for_link(house, "/password/forgot", person.email)
    return person, await link_of(person, "reset_password")


def refused(answer: httpx.Response) -> bool:
    return answer.status_code == 400 and code_of(answer) == "auth.bad_link"


async def test_a_newcomer_verifies_the_address_once(house: House) -> None:
    person = await signed_in(house)
    (notice,) = await written_to(person)
    assert (notice.kind, notice.contact.email, notice.life_minutes) == ("verify_email", person.email, 1440)
    assert notice.path is not None
    assert notice.path.startswith("/verify?token=")
    token = await link_of(person, "verify_email")
    answer = await verify(house, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await person.me()).json()["email_verified"] is True
    assert refused(await verify(house, token))
    assert await written_to(person) == []


async def test_opening_a_link_changes_nothing(house: House) -> None:
    """RELIABILITY S-P4: previews and scanners open every link."""
    person = await signed_in(house)
    token = await link_of(person, "verify_email")
    for method in ("GET", "HEAD"):
        for path in ("/email/verify", "/password/reset", "/password/forgot"):
            answer = await house.client.request(method, f"{API}{path}", params={"token": token})
            assert answer.status_code == 405
    assert (await person.me()).json()["email_verified"] is False
    assert (await verify(house, token)).status_code == 204


@pytest.mark.parametrize("door", DOORS)
async def test_who_asks_for_a_link_learns_nothing(house: House, door: str) -> None:
    """RELIABILITY S-A4: the same answer by the same statements, none of which reads an account."""
    known, verified, disabled = [await signed_in(house) for _ in range(3)]
    await house.sql('UPDATE auth."user" SET email_verified = true WHERE id = :id', id=verified.id)
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=disabled.id)
    statements: list[str] = []
    ASKING.set(True)

    @event.listens_for(house.resources.engine.sync_engine, "before_cursor_execute")
    def note(_: object, __: object, statement: str, *___: object) -> None:
        if ASKING.get():
            statements.append(statement)

    seen = []
    for email in (known.email, f"nobody-{uuid4().hex}@example.com", verified.email, disabled.email):
        statements.clear()
        answer = await house.client.post(f"{API}{door}", json={"email": email})
        headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
        seen.append((answer.status_code, answer.content, headers, tuple(statements)))
    assert all(each == seen[0] for each in seen)
    assert seen[0][:2] == (202, b"{}")
    assert [statement.split()[:3] for statement in seen[0][3]] == [["INSERT", "INTO", "auth.link_request"]]


@pytest.mark.parametrize(("door", "kind"), DOORS.items())
async def test_a_link_goes_to_whom_it_concerns_alone(house: House, door: str, kind: str) -> None:
    known, verified, disabled = [await signed_in(house) for _ in range(3)]
    await house.sql('UPDATE auth."user" SET email_verified = true WHERE id = :id', id=verified.id)
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=disabled.id)
    await house.sql("DELETE FROM auth.notice")
    before = (await house.sql("SELECT count(*) AS number FROM auth.notice"))[0].number
    for person in (known, verified, disabled):
        await ask_for_link(house, door, person.email.upper())
    await ask_for_link(house, door, f"nobody-{uuid4().hex}@example.com")
    rows = await house.sql("SELECT user_id, kind, email FROM auth.notice")
    expected = {known.id} if kind == "verify_email" else {known.id, verified.id}
    assert before == 0
    assert {row.user_id for row in rows} == expected
    assert {row.kind for row in rows} == {kind}
    facts = await house.sql(
        "SELECT data FROM auth.outbox_message WHERE data ->> 'user_id' = :id AND data ->> 'kind' = :kind",
        id=str(known.id),
        kind=kind,
    )
    assert facts[-1].data.keys() == {"notice_id", "user_id", "kind"}


async def test_many_requests_at_once_are_answered_with_one_link(house: House) -> None:
    person = await newcomer(house)
    await house.sql("DELETE FROM auth.notice")
    for _ in range(3):
        await house.sql(
            "INSERT INTO auth.link_request VALUES (gen_random_uuid(), 'reset_password', :key, now())",
            key=person.email,
        )
    await ask_for_link(house, "/email/verify", f"nobody-{uuid4().hex}@example.com")
    # rows put in one by one may be met by the worker of the house one by one
    assert 1 <= len(await written_to(person, "reset_password")) <= 3


async def test_a_reset_sets_the_password_and_ends_every_session(house: House) -> None:
    person, token = await forgotten(house)
    for _ in range(7):
        await person.log_in(password="wrong")
    assert (await person.log_in()).status_code == 429
    answer = await reset(house, token)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await person.me()).status_code == 401
    assert (await person.refresh()).status_code == 401
    assert (await person.log_in()).status_code == 400
    person.keep(await person.log_in(password=NEW_PASSWORD))
    assert (await person.me()).json()["email_verified"] is True
    assert [notice.kind for notice in await written_to(person, "password_changed")] == ["password_changed"]
    assert refused(await reset(house, token, "yet another password"))
    assert (await person.log_in(password=NEW_PASSWORD)).status_code == 200


async def test_a_link_used_many_times_at_once_is_used_once(house: House) -> None:
    person, token = await forgotten(house)
    answers = await asyncio.gather(*(reset(house, token, f"new password {number}") for number in range(8)))
    assert Counter(answer.status_code for answer in answers) == {204: 1, 400: 7}
    winner = [answer.status_code for answer in answers].index(204)
    assert (await person.log_in(password=f"new password {winner}")).status_code == 200


async def test_a_weak_password_does_not_use_up_the_link(house: House) -> None:
    person, token = await forgotten(house)
    for weak in ("short", "password1234567", person.login.upper()):
        answer = await reset(house, token, weak)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "password"
    assert (await reset(house, token)).status_code == 204


async def test_links_end_in_time(house: House) -> None:
    """RELIABILITY S-A14: at most thirty minutes."""
    person, token = await forgotten(house)
    house.clock.advance(timedelta(minutes=30, seconds=1))
    assert refused(await reset(house, token))
    assert await written_to(person, "reset_password") == []
    address = await link_of(person, "verify_email")
    house.clock.advance(timedelta(hours=24))
    assert refused(await verify(house, address))
    assert (await person.log_in()).status_code == 200


async def test_a_link_is_overtaken_by_a_change_of_password_or_address(house: House) -> None:
    person, token = await forgotten(house)
    await person.change(password="changed meanwhile", current_password=PASSWORD)
    assert refused(await reset(house, token))
    person, token = await forgotten(house)
    address = await link_of(person, "verify_email")
    await person.change(email=f"new-{person.email}", current_password=PASSWORD)
    assert refused(await reset(house, token))
    assert refused(await verify(house, address))
    # also when the old address comes back
    await person.change(email=person.email, current_password=PASSWORD)
    assert refused(await reset(house, token))
    assert refused(await verify(house, address))


async def test_a_link_of_a_blocked_account_does_not_hold(house: House) -> None:
    person, token = await forgotten(house)
    address = await link_of(person, "verify_email")
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=person.id)
    assert refused(await reset(house, token))
    assert refused(await verify(house, address))
    assert await written_to(person) == []


async def test_a_link_holds_for_its_purpose_alone(house: House) -> None:
    person, token = await forgotten(house)
    address = await link_of(person, "verify_email")
    assert refused(await verify(house, token))
    assert refused(await reset(house, address))
    assert refused(await reset(house, person.refresh_token))
    assert (await person.refresh(token)).status_code == 401
    assert (await verify(house, address)).status_code == 204
    assert (await reset(house, token)).status_code == 204


async def test_a_token_cannot_be_made_up_and_is_stored_nowhere(house: House) -> None:
    person, token = await forgotten(house)
    raw = bytearray(base64.urlsafe_b64decode(token))
    assert len(raw) >= 16 + 32
    for place in range(len(raw)):
        forged = bytearray(raw)
        forged[place] ^= 1
        assert refused(await reset(house, base64.urlsafe_b64encode(forged).decode()))
    stored = await house.sql(
        "SELECT notice::text AS row FROM auth.notice UNION ALL SELECT outbox_message::text FROM auth.outbox_message"
    )
    seal = base64.urlsafe_b64encode(raw[16:]).decode().rstrip("=")
    assert not any(token in each.row or seal in each.row for each in stored)
    assert (await reset(house, token)).status_code == 204
    assert (await person.log_in(password=NEW_PASSWORD)).status_code == 200


async def test_what_is_no_token_is_refused(house: House) -> None:
    for token in (*HOSTILE_TEXTS, "AAAA", "=" * 70, "A" * 64, "Ж" * 70):
        for answer in (await verify(house, token), await reset(house, token)):
            assert answer.status_code in (400, 422), token


@pytest.mark.parametrize(
    "body",
    [{}, {"email": "a@example.com", "token": "x"}, {"email": None}, {"email": "no address"}, {"login": "a"}],
)
async def test_a_request_is_for_one_thing(house: House, body: dict[str, str | None]) -> None:
    assert (await house.client.post(f"{API}/email/verify", json=body)).status_code == 422


async def test_requests_are_limited_per_mailbox_in_any_spelling(house: House) -> None:
    word = uuid4().hex
    spellings = [f"{word}@example.com", f"{word.upper()}@example.com", f"{word}@EXAMPLE.com"]
    statuses = [
        (await ask_for_link(house, "/password/forgot", spellings[number % 3])).status_code
        for number in range(7)
    ]
    assert statuses == [202] * 5 + [429] * 2
    assert (await ask_for_link(house, "/email/verify", spellings[0])).status_code == 202


async def test_requests_and_uses_are_limited_per_address(open_house: OpenHouse) -> None:
    async with open_house(link_rate="3/minute", link_use_rate="2/minute") as house:
        asked = [
            await ask_for_link(house, "/password/forgot", f"{uuid4().hex}@example.com") for _ in range(5)
        ]
        assert [answer.status_code for answer in asked] == [202] * 3 + [429] * 2
        assert int(asked[-1].headers["retry-after"]) >= 1
        used = [await reset(house, "made up"), *[await verify(house, "made up") for _ in range(2)]]
        assert [answer.status_code for answer in used] == [400, 400, 429]


async def test_a_new_address_is_sent_a_link_and_the_old_one_told(house: House) -> None:
    person = await signed_in(house)
    old, new = person.email, f"new-{person.email}"
    assert (await person.change(email=new, current_password=PASSWORD)).json()["email_verified"] is False
    (told,) = await written_to(person, "email_changed")
    assert (told.contact.email, told.path) == (old, None)
    (link,) = await written_to(person, "verify_email")
    assert link.contact.email == new
    assert (await verify(house, await link_of(person, "verify_email"))).status_code == 204
    assert (await person.me()).json()["email_verified"] is True


async def test_nobody_is_written_to_when_nothing_changed(house: House) -> None:
    person = await signed_in(house)
    await person.change(email=person.email, login=person.login, current_password=PASSWORD)
    await person.change(password="other", current_password=PASSWORD)
    await person.change(email="taken@example.com", current_password="wrong password")
    assert [notice.kind for notice in await written_to(person)] == ["verify_email"]


async def test_only_notification_reads_what_is_written(house: House) -> None:
    person = await signed_in(house)
    (row,) = await house.sql("SELECT id FROM auth.notice WHERE user_id = :id", id=person.id)
    path = f"{INTERNAL}/notices/{row.id}"
    billing = await service_headers(house, SERVICE_SECRET)
    for headers in (billing, person.headers):
        answer = await house.client.get(path, headers=headers)
        assert (answer.status_code, code_of(answer)) == (403, "kit.forbidden")
    assert (await house.client.get(path)).status_code == 401
    notification = await service_headers(house, NOTIFICATION_SECRET, name="notification")
    unknown = await house.client.get(f"{INTERNAL}/notices/{UUID(int=0)}", headers=notification)
    assert (unknown.status_code, code_of(unknown)) == (404, "auth.notice_not_found")
