"""Stripe over HTTP: forms with brackets there, JSON back.

A refusal is a 4xx whose body is an error object of theirs; everything else that is not a plain 200 decides nothing.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError

from theatre.kit.logging import get_logger
from theatre.payment import failures
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.stripe_objects import ErrorObject, Fault
from theatre.payment.providers.wire import UNDECIDED, Line, Said, printable

API_VERSION = "2026-10-28.endive"
KEY_HEADER = "Idempotency-Key"
RETRY_HEADER = "Stripe-Should-Retry"
# about our key or their load, not about what was asked for
UNDECIDED_TYPES = frozenset({"idempotency_error", "api_error", "rate_limit_error"})
UNDECIDED_CODES = frozenset({"idempotency_key_in_use", "lock_timeout", "rate_limit"})

M = TypeVar("M", bound=BaseModel)
log = get_logger(__name__)


class Wire:
    """Speaks on behalf of one account."""

    def __init__(
        self, url: str, *, secret_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        headers = {"Authorization": f"Bearer {secret_key}", "Stripe-Version": API_VERSION}
        self._line = Line("Stripe", url, headers=headers, transport=transport)

    async def get(self, path: str, shape: type[M], *, params: Mapping[str, Any] | None = None) -> M:
        """Read an object.

        Raises:
            OutcomeUnknown, ProviderRefused
        """
        return self._line.shaped(await self._send("GET", path, params=flat(params or {})), shape)

    async def post(self, path: str, form: Mapping[str, Any], shape: type[M], *, key: UUID | None = None) -> M:
        """Do something, once for a key if there is one.

        Raises:
            OutcomeUnknown, ProviderRefused
        """
        headers = {KEY_HEADER: str(key)} if key else {}
        return self._line.shaped(await self._send("POST", path, data=flat(form), headers=headers), shape)

    async def _send(self, method: str, path: str, **arguments: Any) -> bytes:
        said = await self._line.send(method, path, **arguments)
        if said.status != HTTPStatus.OK:
            raise self._verdict(said)
        return said.body

    def _verdict(self, said: Said) -> Exception:
        try:
            fault: Fault | None = ErrorObject.model_validate_json(said.body).error
        except ValidationError:
            fault = None
        log.warning(
            "stripe said no",
            status=said.status,
            type=fault and fault.type,
            code=fault and fault.code,
            parameter=fault and fault.param,
        )
        if fault is None or not _is_decided(said, fault):
            return self._line.unknown(said)
        return ProviderRefused(
            str(said.status), printable(fault.message) or failures.message_of(failures.REFUSED)
        )

    async def close(self) -> None:
        await self._line.close()


def _is_decided(said: Said, fault: Fault) -> bool:
    return (
        httpx.codes.is_client_error(said.status)
        and said.status not in UNDECIDED
        and said.headers.get(RETRY_HEADER) != "true"
        and fault.type not in UNDECIDED_TYPES
        and fault.code not in UNDECIDED_CODES
    )


def flat(fields: Mapping[str, Any]) -> dict[str, str]:
    """Write nested fields as a form does: `{"a": {"b": [1]}}` becomes `a[b][0]=1`."""
    return dict(_flat("", fields))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    inner: Any = enumerate(value) if isinstance(value, list) else None
    inner = value.items() if isinstance(value, Mapping) else inner
    if inner is None:
        yield name, str(value)
        return
    for key, part in inner:
        yield from _flat(f"{name}[{key}]" if name else str(key), part)
