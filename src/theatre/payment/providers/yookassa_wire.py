"""YooKassa over HTTP: time and size limits, and which answers decide something.

A refusal is a 4xx whose body is an error object of theirs; everything else that is not a plain 200 decides nothing.
"""

import asyncio
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from theatre.kit.logging import get_logger
from theatre.payment import failures
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.yookassa_objects import ErrorObject

TIMEOUT_SECONDS = 10.0
MAX_BODY_BYTES = 1024 * 1024
MAX_RETRY_AFTER_SECONDS = 3600
MAX_WORDS_CHARACTERS = 200
KEY_HEADER = "Idempotence-Key"
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
log = get_logger(__name__)


class Wire:
    """Sends one request at a time on behalf of one shop. Never repeats one: whoever asks has a schedule for that."""

    def __init__(
        self, url: str, *, shop_id: str, secret_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            auth=httpx.BasicAuth(shop_id, secret_key),
            transport=transport,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    async def get(self, path: str, shape: type[M], *, params: dict[str, str] | None = None) -> M:
        """Read an object.

        Raises:
            OutcomeUnknown, ProviderRefused
        """
        return _shaped(await self._send("GET", path, params=params), shape)

    async def post(self, path: str, body: dict[str, Any], shape: type[M], *, key: UUID) -> M:
        """Do something once for a key.

        Raises:
            OutcomeUnknown, ProviderRefused
        """
        return _shaped(await self._send("POST", path, json=body, headers={KEY_HEADER: str(key)}), shape)

    async def _send(self, method: str, path: str, **arguments: Any) -> bytes:
        try:
            # our own limit around the client's, which counts anew with every byte that drips in
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.stream(method, path, **arguments) as response,
            ):
                body = await _read(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutcomeUnknown(f"YooKassa does not answer: {type(error).__name__}") from error
        if response.status_code != HTTPStatus.OK:
            raise _verdict(response, body)
        return body

    async def close(self) -> None:
        await self._http.aclose()


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise OutcomeUnknown("YooKassa answers with more than can be meant")
    return bytes(body)


def _shaped(body: bytes, shape: type[M]) -> M:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise OutcomeUnknown(f"YooKassa's answer makes no sense: {error.error_count()} faults") from error


def _verdict(response: httpx.Response, body: bytes) -> Exception:
    try:
        fault = ErrorObject.model_validate_json(body)
    except ValidationError:
        fault = None
    status = response.status_code
    log.warning(
        "yookassa said no", status=status, code=fault and fault.code, parameter=fault and fault.parameter
    )
    if fault is None or not response.is_client_error or status in UNDECIDED or fault.parameter == KEY_HEADER:
        return OutcomeUnknown(f"YooKassa answered {status}", retry_after_seconds=_retry_after(response))
    return ProviderRefused(
        str(status), _printable(fault.description) or failures.message_of(failures.REFUSED)
    )


def _retry_after(response: httpx.Response) -> int:
    given = response.headers.get("retry-after", "")
    return min(int(given), MAX_RETRY_AFTER_SECONDS) if given.isascii() and given.isdigit() else 2


def _printable(words: str) -> str:
    return "".join(character for character in words if character.isprintable())[:MAX_WORDS_CHARACTERS]
