"""The shop window: what anybody sees, in which language, and what goes along with every answer."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from tests.factories.house import OpenHouse
from tests.web.visitor import Page, Visitor

PUBLIC_PAGES = ("/", "/plans", "/films", "/signup", "/signin", "/no/such/page")
OWN_PAGES = ("/account", "/account/payments")


async def test_the_front_page_shows_what_is_sold_at_our_prices(visitor: Visitor) -> None:
    page = await visitor.open("/")
    assert page.status == 200
    for shown in (
        "Standard plan",
        "₽399",
        "₽3,990",
        "Save 16 %",
        "7 days on us",
        "Metropolis",
        "Rent for ₽99",
    ):
        assert shown in page.text


async def test_the_language_is_the_browsers_until_one_is_chosen(visitor: Visitor) -> None:
    visitor.http.headers["Accept-Language"] = "ru-RU,ru;q=0.9"
    page = await visitor.open("/plans")
    assert "Подписка «Стандарт»" in page.text
    answer = await visitor.send(page.form("/language"), lang="en")
    assert (answer.status_code, answer.headers["location"]) == (303, "/plans")
    assert "Standard plan" in (await visitor.open("/plans")).text


async def test_a_language_that_we_do_not_speak_cannot_be_chosen(visitor: Visitor) -> None:
    page = await visitor.open("/")
    assert (await visitor.send(page.form("/language"), lang="tlh")).status_code == 422


async def test_pages_are_light_or_dark_as_the_visitor_chose(visitor: Visitor) -> None:
    page = await visitor.open("/plans")
    assert "data-bs-theme" not in next(page.all("html"))
    answer = await visitor.send(page.form("/theme"), theme="dark")
    assert (answer.status_code, answer.headers["location"]) == (303, "/plans")
    dark = await visitor.open("/plans")
    assert next(dark.all("html"))["data-bs-theme"] == "dark"
    assert (await visitor.send(dark.form("/theme"), theme="pink")).status_code == 422
    await visitor.send(dark.form("/theme"), theme="auto")
    assert "data-bs-theme" not in next((await visitor.open("/plans")).all("html"))


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:1", ""]
)
async def test_no_form_leads_away_from_our_pages(visitor: Visitor, address: str) -> None:
    page = await visitor.open("/")
    answer = await visitor.send(page.form("/language"), lang="en", next=address)
    assert answer.headers["location"] == "/"


async def test_an_unknown_path_is_a_page_for_people_and_a_problem_for_programs(visitor: Visitor) -> None:
    page = await visitor.open("/no/such/page")
    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "No such seat" in page.text
    problem = await visitor.http.get("/no/such/page", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")
    assert problem.json()["code"] == "kit.not_found"


async def test_error_pages_speak_russian_too(visitor: Visitor) -> None:
    visitor.http.headers["Accept-Language"] = "ru"
    assert "Такого места в зале нет" in (await visitor.open("/no/such/page")).text


async def test_a_wrong_method_is_refused_with_a_page(visitor: Visitor) -> None:
    answer = await visitor.http.get("/signout")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert "<h1>" in answer.text


async def test_files_of_pages_may_be_kept_for_ever_because_their_names_change(visitor: Visitor) -> None:
    page = await visitor.open("/")
    links = [given["href"] for given in page.all("link")] + [given["src"] for given in page.all("script")]
    assert len(links) == 7
    for link in links:
        file = await visitor.http.get(str(link))
        assert file.status_code == 200
        assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (await visitor.http.get("/static/theatre.css")).status_code == 404
    assert (await visitor.http.get("/static/..%2fapp.py")).status_code == 404


@pytest.mark.parametrize("path", [*PUBLIC_PAGES, *OWN_PAGES])
async def test_no_page_runs_frames_or_loads_what_is_not_ours(member: Visitor, path: str) -> None:
    page = await member.open(path)
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in page.headers
    for tag, given in page.tags:
        assert "style" not in given, tag
        assert not [name for name in given if name.startswith("on")]
        if given.get("rel") != "canonical":
            assert not [value for value in (given.get("src"), given.get("href")) if "//" in (value or "")]


@pytest.mark.parametrize("path", PUBLIC_PAGES)
async def test_every_field_has_a_label_and_every_page_one_heading(visitor: Visitor, path: str) -> None:
    page = await visitor.open(path)
    labelled = {given.get("for") for given in page.all("label")}
    visible = [given for given in page.all("input") if given.get("type") != "hidden"]
    assert [given for given in visible if given.get("id") not in labelled] == []
    assert len(list(page.all("h1"))) == 1


async def test_foreign_origins_are_not_let_in(visitor: Visitor) -> None:
    for origin in ("https://evil.example", "null"):
        answer = await visitor.http.get("/account", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers


async def test_health_and_readiness_answer_for_the_storefront(visitor: Visitor) -> None:
    assert (await visitor.http.get("/web/api/_health")).json() == {}
    async with asyncio.timeout(30):  # the house is ready once its films can be searched
        while (await visitor.http.get("/web/api/_ready")).status_code != 200:
            await asyncio.sleep(0.05)


async def test_a_form_too_large_is_refused_with_a_page(visitor: Visitor) -> None:
    answer = await visitor.http.post("/signin", data={"login": "x" * 2_000_000, "password": "x"})
    assert answer.status_code == 413
    assert "too much at once" in Page(answer).text


async def test_two_visitors_never_share_the_seal_of_their_forms(make_visitor: Callable[[], Visitor]) -> None:
    seals = {(await make_visitor().open("/signin")).form("/signin").fields["form_token"] for _ in range(2)}
    assert len(seals) == 2


async def test_the_house_serves_its_front_page_over_the_network(house: OpenHouse) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.get(house.url, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert "<h1>" in answer.text
