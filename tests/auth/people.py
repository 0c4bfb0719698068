"""People who use auth in tests, and what they do."""

from dataclasses import dataclass, field
from typing import Any, cast
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI
from sqlalchemy import CursorResult, text

from theatre.auth import roles
from theatre.auth.jobs import answer_link_requests
from theatre.auth.resources import Resources
from theatre.auth.settings import AuthSettings
from theatre.contracts.auth import NoticeAnswer
from theatre.kit.clock import MovableClock

BASE_URL = "https://theatre.example"
API = "/auth/api/v1"
INTERNAL = "/auth/internal/v1"
NOTIFICATION_SECRET = "notification-" + "n" * 40
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class House:
    """Auth while it runs, and its front door."""

    app: FastAPI
    client: httpx.AsyncClient
    settings: AuthSettings
    clock: MovableClock

    @property
    def resources(self) -> Resources:
        resources: Resources = self.app.state.resources
        return resources

    async def sql(self, statement: str, **values: Any) -> list[Any]:
        """Run a statement in auth's database, as auth."""
        async with self.resources.sessions.begin() as session:
            result = await session.execute(text(statement), values)
            return list(result) if cast(CursorResult[Any], result).returns_rows else []


@dataclass
class Person:
    """Somebody with an account, perhaps signed in."""

    house: House
    login: str = field(default_factory=lambda: f"anna{uuid4().hex[:12]}")
    email: str = ""
    password: str = PASSWORD
    id: UUID = field(default_factory=uuid4)
    access_token: str = ""
    refresh_token: str = ""

    def __post_init__(self) -> None:
        self.email = self.email or f"{self.login}@example.com"

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.access_token)

    async def register(self, **more: Any) -> httpx.Response:
        body = {"login": self.login, "password": self.password, "email": self.email, **more}
        return await self.house.client.post(f"{API}/register", json=body)

    async def log_in(self, **changes: Any) -> httpx.Response:
        form = {"username": self.login, "password": self.password, **changes}
        return await self.house.client.post(f"{API}/jwt/login", data=form)

    async def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """Go through a door of auth, signed in."""
        return await self.house.client.request(method, f"{API}{path}", headers=self.headers, **given)

    async def refresh(self, token: str | None = None) -> httpx.Response:
        return await self.house.client.post(
            f"{API}/jwt/refresh", json={"refresh_token": token or self.refresh_token}
        )

    async def log_out(self) -> httpx.Response:
        return await self.house.client.post(f"{API}/jwt/logout", headers=self.headers)

    async def me(self) -> httpx.Response:
        return await self.house.client.get(f"{API}/users/me", headers=self.headers)

    async def change(self, **body: Any) -> httpx.Response:
        return await self.house.client.patch(f"{API}/users/me", json=body, headers=self.headers)

    def keep(self, answer: httpx.Response) -> None:
        """Keep the tokens of an answer."""
        assert answer.status_code == 200, answer.text
        self.access_token = answer.json()["access_token"]
        self.refresh_token = answer.json()["refresh_token"]


def bearer(token: str) -> dict[str, str]:
    """Write a token as headers."""
    return {"Authorization": f"Bearer {token}"}


async def newcomer(house: House, **changes: Any) -> Person:
    """Register somebody."""
    person = Person(house, **changes)
    answer = await person.register()
    assert answer.status_code == 201, answer.text
    person.id = UUID(answer.json()["id"])
    return person


async def signed_in(house: House, **changes: Any) -> Person:
    """Register somebody and sign in."""
    person = await newcomer(house, **changes)
    person.keep(await person.log_in())
    return person


def code_of(answer: httpx.Response) -> str:
    """Give the machine word of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["code"])


async def service_headers(house: House, secret: str, *, name: str = "billing") -> dict[str, str]:
    """Sign in as one of our services."""
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
    answer = await house.client.post(f"{API}/token", data=form)
    assert answer.status_code == 200, answer.text
    return bearer(answer.json()["access_token"])


async def written_to(person: Person, *kinds: str) -> list[NoticeAnswer]:
    """Read, as notification, what a person is written (of these kinds, or all) that can still be written."""
    headers = await service_headers(person.house, NOTIFICATION_SECRET, name="notification")
    rows = await person.house.sql(
        "SELECT id, kind FROM auth.notice WHERE user_id = :id ORDER BY id", id=person.id
    )
    answers = [
        await person.house.client.get(f"{INTERNAL}/notices/{row.id}", headers=headers)
        for row in rows
        if not kinds or row.kind in kinds
    ]
    return [NoticeAnswer.model_validate_json(answer.content) for answer in answers if answer.is_success]


async def link_of(person: Person, kind: str) -> str:
    """Give the token of the newest link of a kind that a person was sent."""
    path = (await written_to(person, kind))[-1].path
    assert path is not None
    return path.partition("?token=")[2]


async def ask_for_link(house: House, door: str, email: str) -> httpx.Response:
    """Ask for a link, and wait until it was answered."""
    answer = await house.client.post(f"{API}{door}", json={"email": email})
    while await house.sql("SELECT 1 FROM auth.link_request"):
        await answer_link_requests(house.resources)
    return answer


async def staff_member(house: House, *permissions: str, is_superuser: bool = False) -> Person:
    """Let somebody be of our staff, with a role of their own for these permissions."""
    person = await signed_in(house)
    if is_superuser:
        await house.sql('UPDATE auth."user" SET is_superuser = true WHERE id = :id', id=person.id)
    if permissions:
        async with house.resources.sessions.begin() as session:
            role = await roles.create(session, uuid4().hex, permissions, now=house.clock.now())
            await roles.give(session, person.id, role.id)
    person.keep(await person.refresh())
    return person
