"""Calls between services: a token that ended is replaced by itself, and nothing is lost for want of one."""

from types import SimpleNamespace

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from theatre.kit.http import TOKEN_MARGIN_SECONDS, HttpClient, ServiceClient, ServiceToken, Unknown

TOKENS = "http://auth/auth/api/v1/token"


class Said(BaseModel):
    """What the other service answers, and what we send it."""

    word: str = ""


class Neighbours:
    """auth, which gives tokens that differ by number, and a service that takes those that have not ended."""

    def __init__(self) -> None:
        self.given = 0
        self.ended = 0
        self.life_seconds = 300
        self.transport = httpx.MockTransport(self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "auth":
            self.given += 1
            return httpx.Response(
                200, json={"access_token": str(self.given), "expires_in": self.life_seconds}
            )
        number = int(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(200, json={"word": "yes"}) if number > self.ended else httpx.Response(401)


@pytest.fixture
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.fixture
def client(neighbours: Neighbours) -> ServiceClient:
    http = HttpClient(transport=neighbours.transport)
    token = ServiceToken(http, url=TOKENS, client_id="billing", secret=SecretStr("x"))
    return ServiceClient("http://payment", token=token, transport=neighbours.transport)


async def test_a_question_whose_token_ended_is_asked_again_with_a_new_one(
    client: ServiceClient, neighbours: Neighbours
) -> None:
    """F-A6: nobody has to restart anything."""
    assert (await client.get("/x", Said)).word == "yes"
    neighbours.ended = 1
    assert (await client.get("/x", Said)).word == "yes"
    assert neighbours.given == 2


async def test_what_was_to_be_done_with_a_token_that_ended_is_left_to_who_asked(
    client: ServiceClient, neighbours: Neighbours
) -> None:
    """F-A6: for a worker it is a thing to be tried again, so its message goes back; the next try has a new token."""
    await client.post("/x", Said(), Said)
    neighbours.ended = 1
    with pytest.raises(Unknown):
        await client.post("/x", Said(), Said)
    assert (await client.post("/x", Said(), Said)).word == "yes"


async def test_a_token_is_renewed_shortly_before_it_ends(
    client: ServiceClient, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F-A6"""
    now = 1000.0
    monkeypatch.setattr("theatre.kit.http.time", SimpleNamespace(monotonic=lambda: now))
    await client.get("/x", Said)
    now += neighbours.life_seconds - TOKEN_MARGIN_SECONDS - 1
    await client.get("/x", Said)
    assert neighbours.given == 1
    now += 1
    await client.get("/x", Said)
    assert neighbours.given == 2
