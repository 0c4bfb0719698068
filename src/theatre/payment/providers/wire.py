"""HTTP to a payment system, as every member speaks it: limits of time and size, and what an answer must look like.

Nothing is repeated here: whoever asks has a schedule for that, and a key under which asking again is safe.
"""

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from theatre.kit.http import HttpClient
from theatre.kit.metrics import PROVIDER_REQUESTS
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers import ProviderRefused

TIMEOUT_SECONDS = 10.0
MAX_BODY_BYTES = 1024 * 1024
MAX_RETRY_AFTER_SECONDS = 3600
MAX_WORDS_CHARACTERS = 200
# not about the request itself: our credentials, the provider's load, another request with this key at work
UNDECIDED = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that arrived whole."""

    status: int
    headers: httpx.Headers
    body: bytes


def _count_question(title: str, *, asked_at_seconds: float, status: int | None) -> None:
    """Count a question to a payment system; without an answer, or with a server's error, its outcome is unknown."""
    is_answered = status is not None and status < HTTPStatus.INTERNAL_SERVER_ERROR
    outcome = "answered" if is_answered else "unknown"
    PROVIDER_REQUESTS.labels(title.lower(), outcome).observe(time.perf_counter() - asked_at_seconds)


class Line:
    """Sends one request at a time; `title` is how the payment system is called in what people read."""

    def __init__(
        self,
        title: str,
        url: str,
        *,
        auth: httpx.Auth | None = None,
        headers: dict[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.title = title
        self._http = HttpClient(
            base_url=url,
            auth=auth,
            headers=headers,
            transport=transport,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    async def send(self, method: str, path: str, **arguments: Any) -> Said:
        """Send a request and read its answer, whatever that says.

        Raises:
            OutcomeUnknown
        """
        asked_at_seconds, status = time.perf_counter(), None
        try:
            said = await self._send(method, path, **arguments)
            status = said.status
            return said
        finally:
            _count_question(self.title, asked_at_seconds=asked_at_seconds, status=status)

    async def _send(self, method: str, path: str, **arguments: Any) -> Said:
        try:
            # our own limit around the client's, which counts anew with every byte that drips in
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.stream(method, path, **arguments) as response,
            ):
                body = await self._read(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutcomeUnknown(f"{self.title} does not answer: {type(error).__name__}") from error
        return Said(response.status_code, response.headers, body)

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise OutcomeUnknown(f"{self.title} answers with more than can be meant")
        return bytes(body)

    def shaped(self, body: bytes, shape: type[M]) -> M:
        """Read an object.

        Raises:
            OutcomeUnknown
        """
        try:
            return shape.model_validate_json(body)
        except ValidationError as error:
            raise OutcomeUnknown(
                f"{self.title}'s answer makes no sense: {error.error_count()} faults"
            ) from error

    def unknown(self, said: Said) -> OutcomeUnknown:
        """Say that an answer decides nothing."""
        return OutcomeUnknown(
            f"{self.title} answered {said.status}", retry_after_seconds=_retry_after(said.headers)
        )

    async def close(self) -> None:
        await self._http.aclose()


async def unless_absent(asking: Awaitable[M]) -> M | None:
    """Give the object that is asked for; None where the refusal to show it says that there is none.

    Raises:
        OutcomeUnknown: also where it is refused with other words.
    """
    try:
        return await asking
    except ProviderRefused as refusal:
        if refusal.code != str(HTTPStatus.NOT_FOUND.value):
            raise OutcomeUnknown(f"a question was answered with {refusal.code}") from refusal
        return None


def printable(words: str) -> str:
    """Give a provider's words as they may stand in a log."""
    return "".join(character for character in words if character.isprintable())[:MAX_WORDS_CHARACTERS]


def _retry_after(headers: httpx.Headers) -> int:
    given = headers.get("retry-after", "")
    return min(int(given), MAX_RETRY_AFTER_SECONDS) if given.isascii() and given.isdigit() else 2
