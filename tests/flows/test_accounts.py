"""Accounts through the whole house: letters arrive with links that work, and taken rights end everywhere."""

import re
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.factories.house import OpenHouse
from tests.flows.programs import until

API = "/auth/api/v1"
PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def client(house: OpenHouse) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=house.url, timeout=20) as client:
        yield client


async def newcomer(client: httpx.AsyncClient) -> tuple[str, str]:
    """Register somebody; gives the id and the login."""
    login = f"flow{uuid4().hex[:12]}"
    body = {"login": login, "email": f"{login}@example.com", "password": PASSWORD}
    answer = await client.post(f"{API}/register", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], login


async def sign_in(client: httpx.AsyncClient, login: str, password: str = PASSWORD) -> dict[str, str]:
    answer = await client.post(f"{API}/jwt/login", data={"username": login, "password": password})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def token_from_mail(client: httpx.AsyncClient, login: str, page: str) -> str:
    """Wait for a letter with a link to a page, and take the token out of the link."""
    found: list[str] = []

    async def has_come() -> bool:
        asked = {"to": f"{login}@example.com"}
        mails: list[dict[str, Any]] = (await client.get("/mail/api/v1/messages", params=asked)).json()[
            "items"
        ]
        links = re.findall(rf"{re.escape(str(client.base_url))}{page}\?token=([\w-]+)", str(mails))
        found[:] = sorted(set(links))
        return bool(found)

    await until(has_come)
    (token,) = found
    return token


async def test_an_address_is_verified_and_a_forgotten_password_replaced_by_mail(
    client: httpx.AsyncClient,
) -> None:
    _, login = await newcomer(client)
    headers = await sign_in(client, login)
    token = await token_from_mail(client, login, "/verify")
    assert (await client.post(f"{API}/email/verify", json={"token": token})).status_code == 204
    assert (await client.get(f"{API}/users/me", headers=headers)).json()["email_verified"] is True
    asked = await client.post(f"{API}/password/forgot", json={"email": f"{login}@example.com"})
    assert asked.status_code == 202
    token = await token_from_mail(client, login, "/reset")
    body = {"token": token, "password": "something else entirely"}
    assert (await client.post(f"{API}/password/reset", json=body)).status_code == 204
    assert (await client.get(f"{API}/users/me", headers=headers)).status_code == 401
    await sign_in(client, login, "something else entirely")


async def test_a_right_that_is_taken_is_gone_at_other_services_within_five_seconds(
    client: httpx.AsyncClient,
) -> None:
    admin = await sign_in(client, "admin", "admin")
    user_id, login = await newcomer(client)
    roles = (await client.get(f"{API}/roles", headers=admin)).json()["items"]
    (support,) = [role["id"] for role in roles if role["name"] == "support"]
    path = f"{API}/users/{user_id}/roles/{support}"
    assert (await client.put(path, headers=admin)).status_code == 204
    clerk = await sign_in(client, login)

    async def is_out() -> bool:
        answer = await client.get("/billing/api/v1/admin/payments", headers=clerk)
        assert answer.status_code in (200, 401)
        return answer.status_code == 401

    assert not await is_out()
    assert (await client.delete(path, headers=admin)).status_code == 204
    taken_at = time.monotonic()
    await until(is_out)
    assert time.monotonic() - taken_at < 5
