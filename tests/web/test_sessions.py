"""Joining, signing in, staying signed in and signing out."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx
import pytest
from fastapi import FastAPI

from tests.factories.house import OpenHouse
from tests.web.visitor import PASSWORD, Page, Visitor
from theatre.kit.clock import MovableClock
from theatre.web.app import create_app
from theatre.web.settings import WebSettings

NEARLY_A_TOKENS_LIFE = timedelta(minutes=14, seconds=30)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[FastAPI]:
    async with app.router.lifespan_context(app):
        yield app


def cookies_of(answer: httpx.Response) -> SimpleCookie:
    jar: SimpleCookie = SimpleCookie()
    for header in answer.headers.get_list("set-cookie"):
        jar.load(header)
    return jar


async def test_who_joins_is_signed_in_and_led_to_the_plans(visitor: Visitor) -> None:
    fields = {"login": visitor.login, "email": f"{visitor.login}@example.com", "password": PASSWORD}
    answer = await visitor.submit("/signup", "/signup", **fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/plans")
    assert f"Hello, {visitor.login}" in (await visitor.open("/account")).text


async def test_tokens_are_kept_where_no_script_can_read_them(member: Visitor) -> None:
    await member.submit("/account", "/signout")
    answer = await member.submit("/signin", "/signin", login=member.login, password=PASSWORD)
    jar = cookies_of(answer)
    for name in ("theatre_access", "theatre_refresh"):
        assert (jar[name]["httponly"], jar[name]["samesite"], jar[name]["path"]) == (True, "Lax", "/")
        assert not jar[name]["secure"]


async def test_over_tls_cookies_are_secure_and_belong_to_this_host_alone() -> None:
    secure = create_app(WebSettings(public_url="https://theatre.example"))
    async with (
        running(secure),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(secure),
            base_url="https://theatre.example",
            headers={"Accept": "text/html"},
        ) as http,
    ):
        answer = await http.get("/signin")
    jar = cookies_of(answer)
    assert jar["__Host-visitor"]["secure"] is True
    assert jar["__Host-visitor"]["path"] == "/"
    assert not jar["__Host-visitor"]["domain"]
    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_a_taken_name_is_told_and_the_password_is_not_sent_back(
    member: Visitor, make_visitor: Callable[[], Visitor]
) -> None:
    fields = {"login": member.login, "email": "other@example.com", "password": "a secret of mine"}
    answer = await make_visitor().submit("/signup", "/signup", **fields)
    assert answer.status_code == 400
    assert "is taken" in Page(answer).text
    assert "a secret of mine" not in answer.text
    assert Page(answer).form("/signup").fields["login"] == member.login


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("password", "password", "too easy to guess"),
        ("password", "short", "too short"),
        ("email", "nowhere", "e-mail address"),
        ("login", "two words", "spaces"),
    ],
)
async def test_an_unacceptable_field_is_explained(
    visitor: Visitor, field: str, value: str, told: str
) -> None:
    fields = {
        "login": visitor.login,
        "email": f"{visitor.login}@example.com",
        "password": PASSWORD,
        field: value,
    }
    answer = await visitor.submit("/signup", "/signup", **fields)
    assert answer.status_code == 400
    assert told in Page(answer).text
    assert not visitor.cookie("access")


async def test_wrong_credentials_say_the_same_of_known_and_unknown(member: Visitor, visitor: Visitor) -> None:
    wrong = await visitor.submit("/signin", "/signin", login=member.login, password="wrong password")
    unknown = await visitor.submit("/signin", "/signin", login="nobody-at-all", password="wrong password")
    assert wrong.status_code == unknown.status_code == 400
    notices = [Page(answer).text.replace(member.login, "") for answer in (wrong, unknown)]
    assert notices[0] == notices[1]


async def test_an_own_page_asks_strangers_to_sign_in_and_leads_them_back(
    member: Visitor, make_visitor: Callable[[], Visitor]
) -> None:
    stranger = make_visitor()
    answer = await stranger.http.get("/account/payments?note=canceled")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/signin?next=/account/payments%3Fnote%3Dcanceled"
    answer = await stranger.submit(
        answer.headers["location"], "/signin", login=member.login, password=PASSWORD
    )
    assert answer.headers["location"] == "/account/payments?note=canceled"


@pytest.mark.parametrize(
    "address", ["https://evil.example", "//evil.example", "/\\evil.example", "/%0d%0aSet-Cookie:x"]
)
async def test_signing_in_never_leads_to_another_site(member: Visitor, address: str) -> None:
    answer = await member.http.get("/signin", params={"next": address})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/")
    assert "evil" not in answer.headers["location"]


async def test_a_name_that_is_markup_is_shown_as_text(visitor: Visitor) -> None:
    email = f"{visitor.login}@example.com"
    visitor.login = f'"><img/src=x/onerror=alert({visitor.login[-6:]})>'
    fields = {"login": visitor.login, "email": email, "password": PASSWORD}
    assert (await visitor.submit("/signup", "/signup", **fields)).status_code == 303
    page = await visitor.open("/account")
    assert f"Hello, {visitor.login}" in page.text
    assert list(page.all("img")) == []


async def test_who_signs_out_is_signed_out_everywhere(member: Visitor) -> None:
    kept = dict(member.http.cookies)
    answer = await member.submit("/account", "/signout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert not member.cookie("access")
    assert not member.cookie("refresh")
    refused = await member.http.post(
        "/auth/api/v1/jwt/refresh", json={"refresh_token": kept["theatre_refresh"]}
    )
    assert refused.status_code == 401


async def test_a_session_ended_elsewhere_is_forgotten_here(member: Visitor) -> None:
    token = {"Authorization": f"Bearer {member.cookie('access')}"}
    assert (await member.http.post("/auth/api/v1/jwt/logout", headers=token)).status_code == 204
    answer = await member.http.get("/account")
    assert answer.headers["location"] == "/signin?next=/account"
    assert not member.cookie("access")
    assert not member.cookie("refresh")


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "eyJhbGciOiJub25lIn0.eyJleHAiOjk5OTk5OTk5OTl9."])
async def test_a_forged_token_opens_nothing(member: Visitor, token: str) -> None:
    member.http.cookies.set("theatre_access", token, domain="127.0.0.1")
    member.http.cookies.set("theatre_refresh", "nonsense", domain="127.0.0.1")
    answer = await member.http.get("/account")
    assert answer.headers["location"].startswith("/signin")


@pytest.mark.parametrize(
    "claims",
    [
        b'{"permissions": 5, "exp": 1}',
        b'{"permissions": {"billing.read": []}, "exp": "x"}',
        b'{"exp": 1' + b"0" * 400 + b"}",
        b'{"exp": 1' + b"0" * 5_000 + b"}",
        b'{"exp": NaN, "is_superuser": []}',
        b"[" * 2_900,
        b"5",
    ],
)
async def test_a_token_with_hostile_claims_breaks_no_page(visitor: Visitor, claims: bytes) -> None:
    payload = urlsafe_b64encode(claims).decode().rstrip("=")
    visitor.http.cookies.set("theatre_access", f"eyJhbGciOiJIUzI1NiJ9.{payload}.AAAA", domain="127.0.0.1")
    visitor.http.cookies.set("theatre_refresh", "nonsense", domain="127.0.0.1")
    assert (await visitor.open("/")).status == 200
    answer = await visitor.http.get("/account")
    assert answer.headers["location"].startswith("/signin")


@pytest.fixture
async def late_app(house: OpenHouse, late: MovableClock) -> AsyncIterator[FastAPI]:
    """Another storefront of the same house, whose clock may be moved."""
    settings = WebSettings(public_url=house.url, auth_url=house.url, billing_url=house.url)
    async with running(create_app(settings, clock=late)) as app:
        yield app


@pytest.fixture
def late() -> MovableClock:
    return MovableClock()


async def test_a_token_near_its_end_is_renewed_unnoticed(
    late_app: FastAPI, late: MovableClock, house: OpenHouse
) -> None:
    member = await Visitor(late_app, house.url).join()
    before = member.cookie("access"), member.cookie("refresh")
    assert (await member.open("/account")).status == 200
    assert (member.cookie("access"), member.cookie("refresh")) == before
    late.advance(NEARLY_A_TOKENS_LIFE)
    assert (await member.open("/account")).status == 200
    assert member.cookie("access") != before[0]
    assert member.cookie("refresh") != before[1]


async def test_parallel_requests_with_an_old_token_do_not_end_the_session(
    late_app: FastAPI, late: MovableClock, house: OpenHouse
) -> None:
    member = await Visitor(late_app, house.url).join()
    late.advance(NEARLY_A_TOKENS_LIFE)
    old = {name: member.cookie(name) for name in ("access", "refresh")}
    cookies = "; ".join(f"theatre_{name}={value}" for name, value in old.items())
    answers = await asyncio.gather(
        *(
            httpx.AsyncClient(transport=httpx.ASGITransport(late_app), base_url=house.url).get(
                "/account", headers={"Cookie": cookies, "Accept": "text/html"}
            )
            for _ in range(6)
        )
    )
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({cookies_of(answer)["theatre_refresh"].value for answer in answers}) == 1
    assert (await member.open("/account")).status == 200
