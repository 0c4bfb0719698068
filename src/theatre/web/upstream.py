"""How the storefront calls other services: time limit, careful repeats, refusals made into errors."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeAlias, TypeVar

import httpx
from pydantic import ValidationError

from theatre.kit.errors import Forbidden, NotFound, Problem, TooMany, Transient, Unauthenticated
from theatre.kit.http import HttpClient, Unknown, carried_headers
from theatre.web.errors import Declined, Fault
from theatre.web.schemas import Nothing, Read

R = TypeVar("R", bound=Read)
Headers: TypeAlias = Mapping[str, str]
"""Who asks: language, address and browser of the visitor, and the access token of who is signed in."""

TIMEOUT_SECONDS = 20.0
"""More than billing waits for payment-service (15 s), which waits for a payment system: none gives up too soon."""
FILE_SECONDS = 120.0
"""How long a file may keep silent: a workbook is sent when it is whole."""
TRIES = 2
PAUSE_SECONDS = 0.2
TWIN_TRIES = 40
TWIN_RUNNING = "idempotency.in_progress"
SERVER_ERROR = 500
SAID_IN_PLACE = {"billing.promo_code_unknown", "auth.wrong_password", "auth.beyond_your_rights"}
"""What was not found, or not right, is what a person typed in or pressed: to be said beside it, not as a page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to another service. It may be repeated if it is a GET or carries an idempotency key."""

    method: str
    path: str
    headers: Headers = field(default_factory=dict)
    key: str | None = None
    json: Any = None
    form: dict[str, str] | None = None
    params: Mapping[str, str | list[str]] | None = None

    @property
    def is_repeatable(self) -> bool:
        return self.method == "GET" or self.key is not None


@dataclass(frozen=True, slots=True)
class File:
    """A file on its way; who has one must read its chunks to their end or close them."""

    media_type: str
    disposition: str
    chunks: AsyncIterator[bytes]


class Upstream:
    """Another service as a user's browser would call it. `transport` replaces the network."""

    def __init__(self, base_url: str, transport: httpx.AsyncBaseTransport | None) -> None:
        self._http = HttpClient(
            base_url=base_url, transport=transport, timeout=TIMEOUT_SECONDS, follow_redirects=False
        )

    async def ask(self, call: Call, answer: type[R]) -> R:
        """Make a call and read its answer; the twin of a running call waits for that one's answer.

        Raises:
            Unauthenticated, Forbidden, NotFound, TooMany: as the service said.
            Declined: it said no for another reason.
            Transient: it did not answer, or made no sense.
        """
        tries = TRIES if call.is_repeatable else 1
        for _ in range(TWIN_TRIES):
            try:
                return _parsed(await self._send(call), answer)
            except Transient:
                tries -= 1
                if tries <= 0:
                    raise
            except Declined as declined:
                if declined.word != TWIN_RUNNING:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)
        raise Unknown("the same request is still being carried out")

    async def download(self, call: Call) -> bytes:
        """Give the bytes of an answer that is no JSON.

        Raises:
            what `ask` raises
        """
        response = await self._send(call)
        return response.content if response.is_success else _refused(response)

    async def fetch(self, call: Call) -> File:
        """Give an answer of any length as it comes.

        Raises:
            what `ask` raises
        """
        request = self._http.build_request(
            call.method,
            call.path,
            headers={**carried_headers(), **call.headers},
            params=call.params,
            timeout=httpx.Timeout(TIMEOUT_SECONDS, read=FILE_SECONDS),
        )
        try:
            response = await self._http.send(request, stream=True)
            if not response.is_success:
                await response.aread()
                _refused(response)
        except httpx.HTTPError as error:
            raise Unknown(f"{self._http.base_url.host} does not answer") from error
        return File(
            response.headers.get("content-type", "application/octet-stream"),
            response.headers.get("content-disposition", "attachment"),
            _chunks(response),
        )

    async def check(self, path: str) -> None:
        """See that the service is alive.

        Raises:
            Transient: it is not.
        """
        _parsed(await self._send(Call(method="GET", path=path)), Nothing)

    async def _send(self, call: Call) -> httpx.Response:
        headers = {**carried_headers(), **call.headers}
        if call.key:
            headers["Idempotency-Key"] = call.key
        content: dict[str, Any] = {"json": call.json, "data": call.form, "params": call.params}
        try:
            # our own limit around the client's: an in-process transport has none
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await self._http.request(call.method, call.path, headers=headers, **content)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unknown(f"{self._http.base_url.host} does not answer") from error

    async def close(self) -> None:
        await self._http.aclose()


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    finally:
        await response.aclose()


def _parsed(response: httpx.Response, answer: type[R]) -> R:
    if not response.is_success:
        _refused(response)
    try:
        return answer.model_validate(_body_of(response))
    except ValidationError as error:
        raise Unknown("an answer of another service makes no sense") from error


def _refused(response: httpx.Response) -> NoReturn:
    if response.status_code >= SERVER_ERROR or response.is_redirect:
        raise Unknown(f"another service answered {response.status_code}")
    body = _body_of(response)
    raise refusal(response, body if isinstance(body, dict) else {})


def _body_of(response: httpx.Response) -> Any:
    try:
        return response.json() if response.content else {}
    except ValueError as error:
        raise Unknown("an answer of another service is not JSON") from error


def refusal(response: httpx.Response, body: dict[str, Any]) -> Problem:
    """Read why another service said no."""
    word = str(body.get("code", ""))
    match response.status_code:
        case 401:
            return Unauthenticated()
        case 403 if word not in SAID_IN_PLACE:
            return Forbidden()
        case 404 if word not in SAID_IN_PLACE:
            return NotFound()
        case 429:
            retry_after = response.headers.get("retry-after", "")
            return TooMany(int(retry_after) if retry_after.isdecimal() else 1)
    errors = body.get("errors") or []
    return Declined(word, tuple(_fault_of(error) for error in errors))


def _fault_of(error: Mapping[str, Any]) -> Fault:
    return Fault(*(str(error.get(name, "")) for name in ("field", "code", "message")))
