"""How requests reach OpenSearch or Elasticsearch: in JSON, within a time, and what is said for which failure."""

import asyncio
from typing import Any

import httpx
import orjson
import structlog

from theatre.kit.http import HttpClient
from theatre.movies.search import SearchAway

log = structlog.get_logger()

CONNECT_SECONDS = 2.0
# who refuses for now: too busy, too early, or not to us until somebody repairs it
AWAY = {401, 403, 408, 429}
NOT_FOUND = 404


class NoIndex(SearchAway):
    """What was asked is not there: never built, or taken away a moment ago."""


class Misunderstood(Exception):
    """The engine does not understand what we ask: a fault of ours, or an engine that is too old."""


class Wire:
    """Sends requests to a cluster. `url` may name user and password, and a path that all others are below."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        address = httpx.URL(url)
        self._http = HttpClient(
            # an address with a password in it would be in logs and in the texts of errors
            base_url=address.copy_with(username=None, password=None),
            auth=(address.username, address.password) if address.username else None,
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
            transport=transport,
            follow_redirects=False,
        )

    async def ask(
        self, method: str, path: str, body: Any = None, *, seconds: float, **params: str
    ) -> dict[str, Any]:
        """Send a request and read its answer; the time is for all of it.

        Raises:
            SearchAway: no answer in time, or none for now.
            NoIndex
            Misunderstood
        """
        content = b"" if body is None else orjson.dumps(body)
        kind = "application/json" if content else ""
        return await self._send(method, path, content=content, kind=kind, seconds=seconds, params=params)

    async def ask_lines(
        self, path: str, lines: list[Any], *, seconds: float, **params: str
    ) -> dict[str, Any]:
        """Send many things at once, one a line; see `ask`."""
        content = b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
        kind = "application/x-ndjson"
        return await self._send("POST", path, content=content, kind=kind, seconds=seconds, params=params)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _send(
        self, method: str, path: str, *, content: bytes, kind: str, seconds: float, params: dict[str, str]
    ) -> dict[str, Any]:
        headers = {"Content-Type": kind} if kind else {}
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.request(
                    method, path, content=content, headers=headers, params=params
                )
        except (httpx.HTTPError, TimeoutError) as error:
            raise SearchAway from error
        return read(response)


def read(response: httpx.Response) -> dict[str, Any]:
    """Read an answer.

    Raises:
        SearchAway, NoIndex, Misunderstood
    """
    status = response.status_code
    if response.is_success:
        return _object_in(response)
    if status == NOT_FOUND:
        raise NoIndex
    reason = f"{status} {reason_in(response)}"
    if status in AWAY or not response.is_client_error:
        log.warning("movies.search_refused", reason=reason)
        raise SearchAway
    raise Misunderstood(reason)


def _object_in(response: httpx.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content) if response.content else {}
    except orjson.JSONDecodeError as error:
        raise SearchAway from error
    if not isinstance(body, dict):
        raise SearchAway
    return body


def reason_in(response: httpx.Response) -> str:
    """Say what kind of failure it is, in the engine's words; what was asked is not repeated."""
    try:
        return str(orjson.loads(response.content)["error"]["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unexplained"
