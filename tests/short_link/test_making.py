"""Making short links: by services only, to allowed addresses only, under codes that nobody has."""

from datetime import datetime, timedelta
from itertools import cycle
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from tests.factories.auth_door import AuthDoor
from tests.short_link.conftest import PUBLIC_URL
from theatre.contracts.short_link import Link as LinkContract
from theatre.contracts.short_link import LinkStart, ShortLinkClient
from theatre.kit.clock import MovableClock
from theatre.kit.db import transaction
from theatre.kit.http import Refused, ServiceClient
from theatre.short_link import codes, links
from theatre.short_link.errors import NoFreeCode

DOOR = "/short_link/internal/v1/links"
GOOD = "https://pay.example/checkout?orderId=1#top"


def start(**changes: Any) -> dict[str, Any]:
    return {"url": GOOD, "purpose": "payment", **changes}


async def test_a_service_makes_a_link_that_leads_there(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    made = await client.post(DOOR, json=start(ttl_seconds=60), headers=auth.service())
    assert made.status_code == 201
    body = made.json()
    assert body["short_url"] == f"{PUBLIC_URL}/s/{body['code']}"
    followed = await client.get(body["short_url"])
    assert (followed.status_code, followed.headers["location"]) == (302, GOOD)


async def test_the_contract_client_and_the_door_agree(
    app: FastAPI, auth: AuthDoor, clock: MovableClock
) -> None:
    client = ShortLinkClient(ServiceClient(PUBLIC_URL, transport=httpx.ASGITransport(app=app)))
    client._client.http.headers.update(auth.service())
    link = await client.make(LinkStart(url=GOOD, purpose="payment", user_id=uuid4()))
    assert isinstance(link, LinkContract)
    assert timedelta(seconds=590) < link.expires_at - clock.now() <= timedelta(seconds=600)
    with pytest.raises(Refused) as refused:
        await client.make(LinkStart(url="https://evil.example/", purpose="payment"))
    assert (refused.value.refused_status, refused.value.refused_code) == (422, "short_link.address_refused")
    await client.close()


async def test_only_services_make_links(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    assert (await client.post(DOOR, json=start())).status_code == 401
    as_user = await client.post(DOOR, json=start(), headers=auth.user(uuid4(), is_superuser=True))
    assert as_user.status_code == 403


REFUSED = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://pay.example/",
    "//evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:/pay.example",
    "https:///pay.example",
    "https://good@evil.example/",
    "https://pay.example@evil.example/",
    "https://pay.example:443@evil.example/",
    "https://pay.example\\@evil.example/",
    "https://evil.example\\.pay.example/",
    "https://evil.example#.pay.example/",
    "https://evil.example/?https://pay.example",
    "https://sub.pay.example/",
    "https://pay.example.evil.example/",
    "https://pay.example./",
    "https://pay.example:8443/",
    "https://pay.example:99999/",
    "https://pay.example:/",
    "https://pаy.example/",
    "https://pay。example/",
    "https://xn--py-7kc.example/",
    "https://%70ay.example/",
    "http://pay.example/",
    "https://pay.example/a\r\nSet-Cookie: a=b",
    "https://pay.example/\u0000",
    "https://pay.example/ ",
    " https://pay.example/",
    "https://pay.example/%",
    "https://pay.example/%zz",
    "https://pay.example/\u202etxt",
    "https://pay.example/\u2028",
    "https://pay.example/" + "a" * 10_000,
    "https://127.0.0.1/",
    "http://127.0.0.1/",
    "http://127.0.0.1:9001/",
    "https://0x7f.1/",
    "https://2130706433/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://169.254.169.254/latest/meta-data",
    "https://localhost/",
    "https://",
    "https://./",
    "",
    " ",
    "{{7*7}}",
    f"{PUBLIC_URL}/s/abc",
    f"{PUBLIC_URL}/s/",
    f"{PUBLIC_URL}/s",
    f"{PUBLIC_URL}//s/abc",
    f"{PUBLIC_URL}/./s/abc",
    f"{PUBLIC_URL}/a/../s/abc",
    f"{PUBLIC_URL}/a/%2e%2e/s/abc",
    f"{PUBLIC_URL}/%73/abc",
    f"{PUBLIC_URL}%2fs/abc",
    f"{PUBLIC_URL.upper()}/s/abc",
    f"{PUBLIC_URL}:443/s/abc",
]


@pytest.mark.parametrize("url", REFUSED)
async def test_a_link_leads_only_where_links_may_lead(
    client: httpx.AsyncClient, auth: AuthDoor, url: str
) -> None:
    """RELIABILITY S-L1."""
    answer = await client.post(DOOR, json=start(url=url), headers=auth.service())
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "url"


ALLOWED = [
    "https://pay.example",
    "https://PAY.example:443/a%20b/;v=1?q=a+b&c=[1]@x#f?/",
    "http://127.0.0.1:9000/confirm",
    f"{PUBLIC_URL}/sandbox/confirm/1",
    f"{PUBLIC_URL}/subscribe?next=/s/abc",
    f"{PUBLIC_URL}/a/s/abc",
]


@pytest.mark.parametrize("url", ALLOWED)
async def test_the_address_comes_back_exactly_as_it_was_given(
    client: httpx.AsyncClient, auth: AuthDoor, url: str
) -> None:
    """RELIABILITY S-L5."""
    made = (await client.post(DOOR, json=start(url=url), headers=auth.service())).json()
    followed = await client.get(f"/s/{made['code']}")
    assert dict(followed.headers.multi_items())["location"] == url


@pytest.mark.parametrize(
    "changes",
    [
        {"ttl_seconds": 0},
        {"ttl_seconds": -1},
        {"ttl_seconds": 31_536_001},
        {"ttl_seconds": 2**63},
        {"ttl_seconds": "60"},
        {"ttl_seconds": 1.5},
        {"ttl_seconds": True},
        {"purpose": ""},
        {"purpose": "a b"},
        {"purpose": "x" * 65},
        {"purpose": None},
        {"user_id": "me"},
        {"url": 1},
        {"url": None},
        {"code": "mine"},
    ],
)
async def test_other_fields_are_checked_too(
    client: httpx.AsyncClient, auth: AuthDoor, changes: dict[str, Any]
) -> None:
    answer = await client.post(DOOR, json=start(**changes), headers=auth.service())
    assert answer.status_code == 422


async def test_half_a_surrogate_pair_is_refused(client: httpx.AsyncClient, auth: AuthDoor) -> None:
    body = b'{"url": "https://pay.example/\\ud800", "purpose": "payment"}'
    headers = {**auth.service(), "Content-Type": "application/json"}
    assert (await client.post(DOOR, content=body, headers=headers)).status_code == 422


async def test_a_taken_code_is_drawn_again_and_never_overwritten(app: FastAPI, clock: MovableClock) -> None:
    """RELIABILITY F-X6."""
    sessions, now = app.state.resources.sessions, clock.now()
    first, second = codes.new_code(), codes.new_code()
    draws = cycle([first, second])
    for url in ("https://pay.example/1", "https://pay.example/2"):
        async with transaction(sessions) as session:
            await links.make(session, new_link(url, now), now=now, draw_code=lambda: next(draws))
        next(draws)
    with pytest.raises(NoFreeCode):
        async with transaction(sessions) as session:
            await links.make(session, new_link(GOOD, now), now=now, draw_code=lambda: next(draws))
    async with transaction(sessions) as session:
        stored = {code: (await links.get(session, code)).url for code in (first, second)}
    assert stored == {first: "https://pay.example/1", second: "https://pay.example/2"}


def new_link(url: str, now: datetime) -> links.NewLink:
    return links.NewLink(url=url, purpose="payment", user_id=None, ttl=timedelta(hours=1))


def test_codes_hold_128_bits_and_no_look_alikes() -> None:
    """RELIABILITY S-L3."""
    assert len(codes.ALPHABET) == len(set(codes.ALPHABET))
    assert not set("0O1lIo") & set(codes.ALPHABET)
    assert len(codes.ALPHABET) ** codes.LENGTH >= 2**128
    drawn = {codes.new_code() for _ in range(1000)}
    assert len(drawn) == 1000
    assert all(codes.is_code(code) for code in drawn)
