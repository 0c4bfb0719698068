"""Doors for our own services, and what they learn."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import jwt
import pytest

from tests.auth.conftest import SERVICE_SECRET, OpenHouse
from tests.auth.people import BASE_URL, INTERNAL, House, Person, code_of, service_headers, signed_in
from theatre.auth.app import open_own_access
from theatre.auth.keys import read_keyring
from theatre.auth.settings import AuthSettings
from theatre.auth.user_sessions import find_revoked
from theatre.contracts.auth import AuthClient, open_access, service_token
from theatre.kit.access import Access
from theatre.kit.clock import MovableClock
from theatre.kit.db import open_engine, sessions_of
from theatre.kit.errors import Transient, Unauthenticated
from theatre.kit.http import Refused, ServiceClient
from theatre.kit.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """A service that asks auth."""

    service = "billing"


def session_of(person: Person) -> UUID:
    return UUID(jwt.decode(person.access_token, options={"verify_signature": False})["sid"])


@pytest.fixture
def billing(house: House) -> BillingSettings:
    return BillingSettings.model_validate({"auth_url": BASE_URL, "service_secret": SERVICE_SECRET})


@pytest.fixture
async def client(house: House, billing: BillingSettings) -> AsyncIterator[AuthClient]:
    transport = httpx.ASGITransport(app=house.app)
    token = service_token(billing, transport)
    auth = AuthClient(ServiceClient(BASE_URL, token=token, transport=transport))
    yield auth
    await auth.close()


async def test_a_service_reads_all_active_users_by_pages(house: House, client: AuthClient) -> None:
    people = [await signed_in(house) for _ in range(3)]
    await house.sql('UPDATE auth."user" SET is_active = false WHERE id = :id', id=people[1].id)
    expected = [row.id for row in await house.sql('SELECT id FROM auth."user" WHERE is_active ORDER BY id')]
    seen: list[UUID] = []
    while page := await client.list_users(after=seen[-1] if seen else None, limit=2):
        seen += [reader.id for reader in page]
        assert {reader.locale for reader in page} <= {"ru", "en"}
    assert seen == expected
    assert {people[0].id, people[2].id} <= set(seen)
    assert people[1].id not in seen
    assert await client.count_users() == len(expected)


@pytest.mark.parametrize("path", ["/users", "/users/count"])
async def test_who_there_is_is_told_to_services_only(house: House, path: str) -> None:
    person = await signed_in(house)
    bearer = {"Authorization": f"Bearer {person.access_token}"}
    assert (await house.client.get(f"{INTERNAL}{path}")).status_code == 401
    assert (await house.client.get(f"{INTERNAL}{path}", headers=bearer)).status_code == 403
    service = await service_headers(house, SERVICE_SECRET)
    assert (
        await house.client.get(f"{INTERNAL}/users", params={"limit": 1_001}, headers=service)
    ).status_code == 422


async def test_a_service_learns_where_to_write_to_a_user(house: House, client: AuthClient) -> None:
    person = await signed_in(house)
    contact = await client.contact(person.id)
    assert (contact.user_id, contact.login, contact.email) == (person.id, person.login, person.email)
    assert (contact.locale, contact.is_active) == ("ru", True)
    with pytest.raises(Refused) as refusal:
        await client.contact(uuid4())
    assert (refusal.value.refused_status, refusal.value.refused_code) == (404, "auth.user_not_found")


async def test_a_service_learns_whose_name_it_was_given(house: House, client: AuthClient) -> None:
    """Whole names only: neither a part of one nor a pattern finds anybody."""
    person, other = await signed_in(house), await signed_in(house)
    for word in (person.login, person.login.upper(), person.email, person.email.upper(), str(person.id)):
        assert await client.find_users(word) == [person.id], word
    assert await client.find_users(other.login) == [other.id]
    for word in (person.login[:-1], "%", f"{person.login}%", "@", str(uuid4()), "nobody"):
        assert await client.find_users(word) == [], word


@pytest.mark.parametrize(
    "path",
    [
        "/revocations",
        "/users?query=x",
        "/users/01900000-0000-7000-8000-000000000000/contact",
    ],
)
async def test_users_and_strangers_do_not_pass_internal_doors(house: House, path: str) -> None:
    person = await signed_in(house)
    await house.sql('UPDATE auth."user" SET is_superuser = true WHERE id = :id', id=person.id)
    person.keep(await person.refresh())
    as_user = await house.client.get(f"{INTERNAL}{path}", headers=person.headers)
    assert (as_user.status_code, code_of(as_user)) == (403, "kit.forbidden")
    assert (await house.client.get(f"{INTERNAL}{path}")).status_code == 401


async def test_an_ended_session_is_on_the_list_while_its_token_could_live(
    house: House, client: AuthClient
) -> None:
    person = await signed_in(house)
    assert session_of(person) not in (await client.revocations(None)).session_ids
    until = (await client.revocations(None)).until
    await person.log_out()
    for since in (None, until):
        assert session_of(person) in (await client.revocations(since)).session_ids
    house.clock.advance(timedelta(seconds=120))
    later = (await client.revocations(None)).until
    assert session_of(person) not in (await client.revocations(later)).session_ids
    assert session_of(person) in (await client.revocations(None)).session_ids
    house.clock.advance(timedelta(seconds=900))
    async with house.resources.sessions.begin() as session:
        long_ago = house.clock.now() - timedelta(days=999)
        listed = await find_revoked(session, long_ago, now=house.clock.now(), access_ttl_seconds=900)
    assert session_of(person) not in listed.session_ids


async def test_what_commits_late_is_still_told(house: House, client: AuthClient) -> None:
    person = await signed_in(house)
    moment = house.clock.now()
    until = (await client.revocations(None)).until
    await house.sql(
        "UPDATE auth.session SET revoked_at = :moment, end_reason = 'logout' WHERE id = :id",
        moment=moment - timedelta(seconds=20),
        id=session_of(person),
    )
    assert session_of(person) in (await client.revocations(until)).session_ids


@pytest.mark.parametrize(
    "since",
    [
        "yesterday",
        "2026-01-01T00:00:00",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
        "9999-12-31T23:59:59Z",
        "\x00",
        "1e400",
    ],
)
async def test_a_moment_that_is_none_is_refused(house: House, since: str) -> None:
    headers = await service_headers(house, SERVICE_SECRET)
    answer = await house.client.get(f"{INTERNAL}/revocations", params={"since": since}, headers=headers)
    assert answer.status_code in (200, 422)


async def test_another_service_refuses_a_token_after_logout(
    house: House, client: AuthClient, billing: BillingSettings
) -> None:
    """The access of other services hears of the end by itself, from the list."""
    person = await signed_in(house)
    access = open_access(billing, client, house.clock)
    assert (await access.verify(person.access_token)).user_id == person.id
    await person.log_out()
    async with access.following():
        await until_refused(access, person.access_token)


async def until_refused(access: Access, token: str) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await access.verify(token)
            except Unauthenticated:
                return
            await asyncio.sleep(0)


async def test_auth_is_ready_and_says_so(house: House) -> None:
    assert (await house.client.get("/auth/api/_health")).json() == {}
    assert (await house.client.get("/auth/api/_ready")).status_code == 200


async def test_internal_doors_are_described_and_all_doors_have_summaries(house: House) -> None:
    document = (await house.client.get("/auth/api/openapi.json")).json()
    doors = [door for path in document["paths"].values() for door in path.values()]
    assert len(doors) >= 15
    assert all(door["summary"] for door in doors)


async def test_a_lost_database_is_transient_to_our_own_access(
    make_settings: Callable[..., AuthSettings], clock: MovableClock
) -> None:
    """The follower of the list catches what is transient and goes on with what it knows."""
    settings = make_settings(database_url="postgresql://postgres@127.0.0.1:1/nothing")
    engine = open_engine(settings.database_url, role="auth")
    access = open_own_access(settings, sessions_of(engine), keyring=read_keyring(settings), clock=clock)
    with pytest.raises(Transient):
        await access._fetch_revocations(None)
    await engine.dispose()


async def test_with_redis_away_people_still_come_in(open_house: OpenHouse) -> None:
    async with open_house(redis_url="redis://127.0.0.1:1/0", login_rate="3/minute") as house:
        person = await signed_in(house)
        assert (await person.me()).status_code == 200
        statuses = [(await Person(house).log_in()).status_code for _ in range(4)]
        assert statuses == [400, 400, 429, 429]
