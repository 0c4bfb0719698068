"""The gateway alone: what nginx, on the files of the deployment, lets through to whom, and what it adds."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.conftest import MISSING
from tests.flows.echo import Echo, open_echo
from tests.flows.gateway import find_nginx, gateway
from tests.flows.programs import Program, until, until_ready
from tests.rabbitmq import free_ports
from tests.services import temporary_folder
from theatre.registry import BY_NAME, SERVICES

pytestmark = [pytest.mark.timeout(60), pytest.mark.xdist_group("gateway")]

PROBLEM = "application/problem+json"
OK, NOT_FOUND, BAD_REQUEST, TOO_MANY, UNAVAILABLE = 200, 404, 400, 429, 503
BURST = {"login": 30, "callback": 100}
LARGE = 3 * 1024 * 1024
SECURITY = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}


class Gateway:
    """nginx before services that say what they were asked; one of them is away."""

    def __init__(self, program: Program, port: int, echoes: dict[str, Echo]) -> None:
        self.program = program
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.echoes = echoes
        self.client = httpx.AsyncClient(timeout=20)

    async def ask(self, path: str, method: str = "GET", **options: object) -> httpx.Response:
        """Ask for a path exactly as written."""
        url = httpx.URL(self.url).copy_with(raw_path=path.encode())
        return await self.client.request(method, url, **options)  # type: ignore[arg-type]

    async def say(self, *lines: str) -> str:
        """Send lines as they are, and read all that comes back until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join(lines).encode("latin-1"))
        try:
            async with asyncio.timeout(20):
                return (await reader.read()).decode("latin-1")
        finally:
            writer.close()

    def arrived(self) -> list[str]:
        """Give what was asked of all services, and forget it."""
        heads = [head for echo in self.echoes.values() for head in echo.heads]
        for echo in self.echoes.values():
            echo.heads.clear()
        return heads


@pytest.fixture(scope="module")
async def nginx() -> AsyncIterator[Gateway]:
    """A gateway before services of all names but that of short links, which is away."""
    program = find_nginx()
    if program is None:
        pytest.skip(f"{MISSING}nginx (not installed: ./run_tests.sh --install)")
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(temporary_folder())
        names = [name for name in BY_NAME if name != "short_link"]
        echoes = {name: await stack.enter_async_context(open_echo()) for name in names}
        gate = await opened(program, folder, echoes)
        stack.push_async_callback(gate.program.stop)
        await stack.enter_async_context(gate.client)
        yield gate


async def opened(program: str, folder: Path, echoes: dict[str, Echo]) -> Gateway:
    """Start nginx before services."""
    port, nobody = free_ports(2)
    addresses = dict.fromkeys(BY_NAME, f"127.0.0.1:{nobody}") | {
        name: echo.address for name, echo in echoes.items()
    }
    variables = {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",
        "GATEWAY_TRUSTED_PROXY": "127.0.0.1",
        "GATEWAY_LOGIN_RATE": "1r/m",
        "GATEWAY_CALLBACK_RATE": "1r/m",
        "NGINX_LOCAL_RESOLVERS": "127.0.0.1",
        **{f"{name.upper()}_ADDRESS": address for name, address in addresses.items()},
    }
    made = Gateway(gateway(program, folder, variables), port, echoes)
    made.program.start()
    await until_ready(f"{made.url}/_health", made.program)
    return made


@pytest.fixture(autouse=True)
def forget(nginx: Gateway) -> None:
    """Let each test begin with services that nobody has asked yet."""
    nginx.arrived()


async def test_every_service_is_reached_by_its_prefix_and_what_nobody_claims_is_the_storefronts(
    nginx: Gateway,
) -> None:
    chosen = {service.name: service.prefixes[0] for service in SERVICES if service.name in nginx.echoes}
    for name, prefix in {**chosen, "web": "plans"}.items():
        assert (await nginx.ask(f"/{prefix}/x?a=%2F..%2f")).status_code == OK
        assert [head.split("\r\n")[0] for head in nginx.echoes[name].heads] == [
            f"GET /{prefix}/x?a=%2F..%2f HTTP/1.1"
        ]


@pytest.mark.parametrize("service", [service.name for service in SERVICES])
async def test_no_door_between_services_and_none_of_those_who_watch_is_reached(
    nginx: Gateway, service: str
) -> None:
    """S-G1, S-P2, S-N1, S-L2: all routes of all services below `internal`, however the path is written."""
    application = BY_NAME[service].create_app(BY_NAME[service].read_settings())
    internal = [
        re.sub(r"\{\w+\}", "x", path) for path in application.openapi()["paths"] if "/internal/" in path
    ]
    assert bool(internal) == (service not in {"movies", "sandbox", "web"})
    written = [
        *(f"/{service}/{word}" for word in ("internal", "internal/v1/x", "%69nternal/v1/x", "metrics")),
        *(f"{before}/{service}/internal/v1/x" for before in ("/", "/x/..", "/x/..%2f", "/./")),
        f"//{service}//internal/v1/x",
        *("/internal/v1/x", "/metrics", "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json"),
    ]
    for path in [*internal, *written]:
        for method in ("GET", "POST"):
            answer = await nginx.ask(path, method)
            assert (answer.status_code, answer.headers["content-type"]) == (NOT_FOUND, PROBLEM), path
            assert answer.json()["code"] == "gateway.not_found"
            assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert nginx.arrived() == []


async def test_what_a_service_lacks_is_not_told(nginx: Gateway) -> None:
    """S-G1: whether a service is ready may be known, the names of what it waits for not."""
    nginx.echoes["billing"].status = UNAVAILABLE
    try:
        answer = await nginx.ask("/billing/api/_ready")
    finally:
        nginx.echoes["billing"].status = OK
    assert (answer.status_code, answer.json()["code"]) == (UNAVAILABLE, "gateway.unavailable")
    assert (await nginx.ask("/billing/api/_ready")).status_code == OK


@pytest.mark.parametrize(
    ("written", "name", "arrived"),
    [
        ("//billing//api", "billing", "/billing/api"),
        ("/%62illing/api", "billing", "/billing/api"),
        ("/auth/..%2fbilling/api", "billing", "/billing/api"),
        ("/auth/../billing/./api", "billing", "/billing/api"),
        ("/auth/%2e%2e/billing/api?x=/../auth", "billing", "/billing/api?x=/../auth"),
        ("/auth/%3f/%25/%D0%B0", "auth", "/auth/%3F/%25/%D0%B0"),
    ],
)
async def test_a_path_is_read_once_and_the_service_gets_what_it_was_chosen_by(
    nginx: Gateway, written: str, name: str, arrived: str
) -> None:
    """S-G2."""
    assert (await nginx.ask(written)).status_code == OK
    (head,) = nginx.arrived()
    assert head.startswith(f"GET {arrived} HTTP/1.1\r\n")
    assert nginx.echoes[name].address in nginx.program.said()


@pytest.mark.parametrize(
    "lines",
    [
        (
            "POST / HTTP/1.1",
            "Host: x",
            "Content-Length: 4",
            "Transfer-Encoding: chunked",
            "",
            "0",
            "",
            "GET /x",
        ),
        ("POST / HTTP/1.1", "Host: x", "Transfer-Encoding: chunked, identity", "", "0", "", ""),
        ("POST / HTTP/1.1", "Host: x", "Transfer-Encoding: x", "", "0", "", ""),
        ("POST / HTTP/1.1", "Host: x", "Content-Length: 1", "Content-Length: 2", "", "aa"),
        ("POST / HTTP/1.1", "Host: x", "Content-Length: +1", "", "a"),
        ("GET / HTTP/1.1", "Host: x", "Host: y", "", ""),
        ("GET / HTTP/1.1", "", ""),
        ("GET / HTTP/1.1", "Host: x/../y", "", ""),
        ("GET /%00 HTTP/1.1", "Host: x", "", ""),
        ("GET /../../etc HTTP/1.1", "Host: x", "", ""),
    ],
)
async def test_a_request_that_may_be_read_in_two_ways_is_read_in_none(
    nginx: Gateway, lines: tuple[str, ...]
) -> None:
    """S-G2."""
    said = await nginx.say(*lines)
    assert re.match(r"HTTP/1\.1 (400|501) ", said), said
    assert nginx.arrived() == []


async def test_who_asks_is_told_by_the_gateway_alone(nginx: Gateway) -> None:
    """F-C13, S-B7: headers that claim to know better do not reach a service; a trailing dot makes no other host."""
    claims = {
        "X-Forwarded-For": "1.2.3.4, 203.0.113.9",
        "X-User-Id": "1",
        "X-Forwarded-User": "admin",
        "X-HTTP-Method-Override": "DELETE",
        "X-Forwarded-Proto": "ftp",
        "X-Request-Id": "a b\tc",
        "Connection": "Upgrade",
        "Upgrade": "h2c",
        "Host": "theatre.example.",
    }
    assert (await nginx.ask("/auth/x", headers=claims)).status_code == OK
    (head,) = nginx.arrived()
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    assert headers.keys().isdisjoint({"x-user-id", "x-forwarded-user", "x-http-method-override", "upgrade"})
    # the client itself is a proxy that is believed here, but not the one that it says it asks for
    assert headers["x-forwarded-for"] == "203.0.113.9"
    assert headers["x-forwarded-proto"] == "http"
    assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])


async def test_a_websocket_opens_at_its_one_door(nginx: Gateway) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}
    await nginx.ask("/notification/ws", headers=upgrade)
    await nginx.ask("/notification/x", headers=upgrade)
    door, other = nginx.arrived()
    assert "Upgrade: websocket" in door
    assert "Upgrade" not in other


@pytest.mark.parametrize(
    ("path", "status"),
    [("/auth/x", OK), ("/metrics", NOT_FOUND), ("/s/away", UNAVAILABLE), ("/_health", OK)],
)
async def test_every_answer_has_the_headers_that_keep_browsers_safe(
    nginx: Gateway, path: str, status: int
) -> None:
    """S-G9: errors too; no version of the server is told."""
    answer = await nginx.ask(path)
    assert answer.status_code == status
    assert answer.headers.items() >= SECURITY.items()
    assert answer.headers["server"] == "nginx"
    assert answer.headers["x-request-id"]


async def test_what_a_service_says_of_itself_stays(nginx: Gateway) -> None:
    own = dict.fromkeys((*SECURITY, "x-request-id", "retry-after"), "own")
    nginx.echoes["auth"].headers = own
    nginx.echoes["auth"].status = TOO_MANY
    try:
        answer = await nginx.ask("/auth/x")
    finally:
        nginx.echoes["auth"].headers, nginx.echoes["auth"].status = {}, OK
    assert answer.status_code == TOO_MANY
    assert {name: answer.headers.get_list(name) for name in own} == {name: ["own"] for name in own}


@pytest.mark.parametrize(
    ("path", "zone"),
    [
        ("/auth/api/v1/jwt/login", "login"),
        ("/auth/api/v1/register", "login"),
        ("/signin", "login"),
        ("/payment/api/v1/callbacks/yookassa", "callback"),
    ],
)
async def test_one_address_may_knock_so_often_and_others_still_may(
    nginx: Gateway, path: str, zone: str
) -> None:
    address = {"X-Forwarded-For": f"198.51.100.{len(path)}"}
    answers = [await nginx.ask(path, "POST", headers=address) for _ in range(BURST[zone] + 2)]
    assert [answer.status_code for answer in answers] == [OK] * (BURST[zone] + 1) + [TOO_MANY]
    refused = answers[-1]
    assert (refused.status_code, refused.json()["code"]) == (TOO_MANY, "gateway.too_many_requests")
    assert refused.headers["retry-after"]
    other = await nginx.ask(path, "POST", headers={"X-Forwarded-For": f"203.0.113.{len(path)}"})
    assert other.status_code == OK
    assert (await nginx.ask("/auth/api/v1/users/me", headers=address)).status_code == OK


async def test_each_request_is_one_line_of_json_without_what_is_secret(nginx: Gateway) -> None:
    """S-G8: whatever was sent; queries and codes of short links are not written down."""
    agent = 'quote " and \\ and ' + "x" * 20
    await nginx.ask(
        "/s/code-of-a-link?token=secret-word", headers={"User-Agent": agent, "X-Request-Id": "log-1"}
    )
    await nginx.ask("/auth/%0a%1b/x?token=secret-word", headers={"X-Request-Id": "log-2"})

    async def is_written() -> bool:
        return '"log-2"' in nginx.program.said()

    await until(is_written, seconds=5)
    said = nginx.program.said()
    lines = {line["request_id"]: line for line in map(json.loads, filter(is_access_line, said.splitlines()))}
    assert lines["log-1"]["user_agent"] == agent
    assert (lines["log-1"]["path"], lines["log-1"]["status"]) == ("/s/...", "503")
    assert (lines["log-2"]["path"], lines["log-2"]["status"]) == ("/auth/%0a%1b/x", "200")
    told = "\n".join(filter(is_access_line, said.splitlines()))
    assert "secret-word" not in told
    assert "code-of-a-link" not in told


def is_access_line(line: str) -> bool:
    """Tell a line about a request from nginx's own complaints."""
    return line.startswith("{")


async def test_a_body_too_large_is_refused_readably(nginx: Gateway) -> None:
    answer = await nginx.ask("/auth/api/v1/x", "POST", content=b"x" * LARGE)
    assert (answer.status_code, answer.json()["code"]) == (413, "gateway.body_too_large")


async def test_headers_too_large_are_a_problem(nginx: Gateway) -> None:
    answer = await nginx.ask("/", headers={"X-Long": "x" * 40_000})
    assert (answer.status_code, answer.json()["code"]) == (431, "gateway.headers_too_large")


async def test_what_a_service_that_is_away_owes_is_answered_in_time(nginx: Gateway) -> None:
    begun = time.monotonic()
    answers = await asyncio.gather(*map(nginx.ask, ["/s/x", "/short_link/api/v1/links/x/stats"]))
    assert [answer.json()["code"] for answer in answers] == ["gateway.unavailable"] * 2
    assert all(answer.headers["retry-after"] for answer in answers)
    assert time.monotonic() - begun < 5
