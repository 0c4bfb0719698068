"""What the house's front lets through, and to whom."""

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from theatre.embedded.doors import Doors
from theatre.embedded.inside import HouseTransport

ADDRESS = "http://127.0.0.1:8000"


def named(name: str) -> ASGIApp:
    """Make an application that says its name and the path it was asked for."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(f"{name} {scope['path']}")(scope, receive, send)

    return app


CHILDREN = {"billing": named("billing"), "s": named("short_link"), "": named("web")}


async def ask(path: str, *, is_open: bool = True) -> httpx.Response:
    """Ask the front for a path exactly as written."""
    doors = Doors()
    if is_open:
        doors.open(CHILDREN)
    url = httpx.URL(ADDRESS).copy_with(raw_path=path.encode())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(doors)) as client:
        return await client.get(url)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/billing/api/v1/products", "billing /billing/api/v1/products"),
        ("/billing", "billing /billing"),
        ("/s/abc", "short_link /s/abc"),
        ("/%62illing/x", "billing /billing/x"),
        ("/", "web /"),
        ("//billing/x", "web //billing/x"),
        ("/sessions", "web /sessions"),
        ("/internal", "web /internal"),
        ("/billing/api/internal", "billing /billing/api/internal"),
    ],
)
async def test_the_first_segment_names_the_service(path: str, answer: str) -> None:
    assert (await ask(path)).text == answer


@pytest.mark.parametrize(
    "path", ["/billing/internal", "/billing/internal/v1/x", "/billing/%69nternal/", "/x/internal/y"]
)
@pytest.mark.parametrize("is_open", [True, False])
async def test_internal_doors_do_not_exist_outside(path: str, is_open: bool) -> None:
    answer = await ask(path, is_open=is_open)
    assert (answer.status_code, answer.json()["code"]) == (404, "kit.not_found")


async def test_a_starting_house_asks_to_come_again() -> None:
    answer = await ask("/billing/api/v1/products", is_open=False)
    assert (answer.status_code, answer.json()["code"]) == (503, "house.starting")
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-request-id"]


async def test_a_starting_house_is_alive_but_not_ready() -> None:
    alive = await ask("/billing/api/_health", is_open=False)
    assert (alive.status_code, alive.json()) == (200, {})
    assert (await ask("/nosuch/api/_health", is_open=False)).status_code == 503
    assert (await ask("/billing/api/_ready", is_open=False)).status_code == 503


async def test_services_reach_each_others_internal_doors() -> None:
    transport = HouseTransport(ADDRESS)
    transport.open(CHILDREN)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        answer = await client.get("/billing/internal/v1/x")
    assert answer.text == "billing /billing/internal/v1/x"


async def test_closing_one_client_leaves_the_house_open_for_the_others() -> None:
    transport = HouseTransport(ADDRESS)
    transport.open(CHILDREN)
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS):
        pass
    async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
        assert (await client.get("/billing/x")).status_code == 200


async def test_another_address_is_not_taken_for_the_house() -> None:
    transport = HouseTransport(ADDRESS)
    transport.open(CHILDREN)
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("http://127.0.0.1:1/billing/x")
    await transport.close_network()


async def test_a_house_that_is_not_open_refuses_connections_of_its_services() -> None:
    async with httpx.AsyncClient(transport=HouseTransport(ADDRESS)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{ADDRESS}/billing/x")
