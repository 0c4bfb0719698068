"""YooMoney over HTTP: forms out, JSON in, with time and size limits; and what its answers decide.

Whatever is not a plain answer of theirs decides nothing; a token that it refuses is told apart.
"""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import httpx
from pydantic import BaseModel, SecretStr, ValidationError

from theatre.kit.http import HttpClient
from theatre.kit.logging import get_logger
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers.wire import count_question
from theatre.payment.providers.yoomoney_objects import TokenAnswer
from theatre.payment.wallet_port import TokenRefused

TIMEOUT_SECONDS = 10.0
TITLE = "YooMoney"
MAX_BODY_BYTES = 1024 * 1024

M = TypeVar("M", bound=BaseModel)
log = get_logger(__name__)


class Wire:
    """Sends one request at a time. Never repeats one: whoever asks has a schedule for that."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = HttpClient(
            base_url=url, transport=transport, timeout=TIMEOUT_SECONDS, follow_redirects=False
        )

    async def call(self, method: str, form: Mapping[str, str], shape: type[M], *, token: SecretStr) -> M:
        """Call a method of a wallet with its token.

        Raises:
            TokenRefused, OutcomeUnknown
        """
        return _shaped(await self._call(method, form, token), shape)

    async def revoke(self, token: SecretStr) -> None:
        """Make a token worthless; the answer is empty.

        Raises:
            TokenRefused, OutcomeUnknown
        """
        await self._call("revoke", {}, token)

    async def exchange(self, form: Mapping[str, str]) -> TokenAnswer:
        """Exchange a code for a token; a code that is good for nothing is an answer with `error`.

        Raises:
            OutcomeUnknown
        """
        status, body = await self._post("oauth/token", form, {})
        if status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            raise OutcomeUnknown(f"YooMoney answered {status}")
        return _shaped(body, TokenAnswer)

    async def _call(self, method: str, form: Mapping[str, str], token: SecretStr) -> bytes:
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        status, body = await self._post(f"api/{method}", form, headers)
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise TokenRefused
        if status != HTTPStatus.OK:
            log.warning("yoomoney said no", method=method, status=status)
            raise OutcomeUnknown(f"YooMoney answered {status}")
        return body

    async def _post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        asked_at_seconds, status = time.perf_counter(), None
        try:
            status, body = await self._send(path, form, headers)
            return status, body
        finally:
            count_question(TITLE, asked_at_seconds=asked_at_seconds, status=status)

    async def _send(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        try:
            # our own limit around the client's, which counts anew with every byte that drips in
            async with (
                asyncio.timeout(TIMEOUT_SECONDS),
                self._http.stream("POST", path, data=form, headers=headers) as response,
            ):
                return response.status_code, await _read(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise OutcomeUnknown(f"YooMoney does not answer: {type(error).__name__}") from error

    async def close(self) -> None:
        await self._http.aclose()


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise OutcomeUnknown("YooMoney answers with more than can be meant")
    return bytes(body)


def _shaped(body: bytes, shape: type[M]) -> M:
    try:
        return shape.model_validate_json(body)
    except ValidationError as error:
        raise OutcomeUnknown(f"YooMoney's answer makes no sense: {error.error_count()} faults") from error
