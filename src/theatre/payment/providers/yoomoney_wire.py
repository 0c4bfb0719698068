"""YooMoney over HTTP: forms out, JSON in, and what its answers decide.

Whatever is not a plain answer of theirs decides nothing; a token that it refuses is told apart.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import httpx
from pydantic import BaseModel, SecretStr

from theatre.kit.logging import get_logger
from theatre.payment.providers.wire import Line
from theatre.payment.providers.yoomoney_objects import TokenAnswer
from theatre.payment.wallet_port import TokenRefused

M = TypeVar("M", bound=BaseModel)
log = get_logger(__name__)


class Wire:
    """Speaks on behalf of whoever's token goes along."""

    def __init__(self, url: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._line = Line("YooMoney", url, transport=transport)

    async def call(self, method: str, form: Mapping[str, str], shape: type[M], *, token: SecretStr) -> M:
        """Call a method of a wallet with its token.

        Raises:
            TokenRefused, OutcomeUnknown
        """
        return self._line.shaped(await self._call(method, form, token), shape)

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
        said = await self._line.send("POST", "oauth/token", data=form)
        if said.status not in {HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}:
            raise self._line.unknown(said)
        return self._line.shaped(said.body, TokenAnswer)

    async def _call(self, method: str, form: Mapping[str, str], token: SecretStr) -> bytes:
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
        said = await self._line.send("POST", f"api/{method}", data=form, headers=headers)
        if said.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            raise TokenRefused
        if said.status != HTTPStatus.OK:
            log.warning("yoomoney said no", method=method, status=said.status)
            raise self._line.unknown(said)
        return said.body

    async def close(self) -> None:
        await self._line.close()
