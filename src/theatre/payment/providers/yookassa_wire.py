"""YooKassa over HTTP: time and size limits, and which answers decide something.

A refusal is a 4xx whose body is an error object of theirs; everything else that is not a plain 200 decides nothing.
"""

from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from theatre.kit.logging import get_logger
from theatre.payment import failures
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.wire import UNDECIDED, Line, Said, printable
from theatre.payment.providers.yookassa_objects import ErrorObject

KEY_HEADER = "Idempotence-Key"

M = TypeVar("M", bound=BaseModel)
log = get_logger(__name__)


class Wire:
    """Speaks on behalf of one shop."""

    def __init__(
        self, url: str, *, shop_id: str, secret_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._line = Line("YooKassa", url, auth=httpx.BasicAuth(shop_id, secret_key), transport=transport)

    async def get(self, path: str, shape: type[M], *, params: dict[str, str] | None = None) -> M:
        """Read an object.

        Raises:
            OutcomeUnknown, ProviderRefused
        """
        return self._line.shaped(await self._send("GET", path, params=params), shape)

    async def post(self, path: str, body: dict[str, Any], shape: type[M], *, key: UUID) -> M:
        """Do something once for a key.

        Raises:
            OutcomeUnknown, ProviderRefused
        """
        body_said = await self._send("POST", path, json=body, headers={KEY_HEADER: str(key)})
        return self._line.shaped(body_said, shape)

    async def _send(self, method: str, path: str, **arguments: Any) -> bytes:
        said = await self._line.send(method, path, **arguments)
        if said.status != HTTPStatus.OK:
            raise self._verdict(said)
        return said.body

    def _verdict(self, said: Said) -> Exception:
        try:
            fault = ErrorObject.model_validate_json(said.body)
        except ValidationError:
            fault = None
        log.warning(
            "yookassa said no",
            status=said.status,
            code=fault and fault.code,
            parameter=fault and fault.parameter,
        )
        is_about_key = fault is not None and fault.parameter == KEY_HEADER
        is_client_error = httpx.codes.is_client_error(said.status)
        if fault is None or not is_client_error or said.status in UNDECIDED or is_about_key:
            return self._line.unknown(said)
        return ProviderRefused(
            str(said.status), printable(fault.description) or failures.message_of(failures.REFUSED)
        )

    async def close(self) -> None:
        await self._line.close()
