"""How services of the house call each other: in this process, internal doors included; strangers over the network."""

from collections.abc import Mapping

import httpx
from starlette.types import ASGIApp

from theatre.embedded.doors import child_of


class HouseTransport(httpx.AsyncBaseTransport):
    """Takes requests for the house's own address to its applications, all others to the network."""

    def __init__(self, address: str) -> None:
        self._origin = origin_of(httpx.URL(address))
        self._network = httpx.AsyncHTTPTransport()
        self._children: Mapping[str, ASGIApp] = {}

    def open(self, children: Mapping[str, ASGIApp]) -> None:
        """Let requests through to the services."""
        self._children = children

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if origin_of(request.url) != self._origin:
            return await self._network.handle_async_request(request)
        if not self._children:
            raise httpx.ConnectError("the house is not open yet", request=request)
        child = child_of(self._children, request.url.path)
        return await httpx.ASGITransport(child).handle_async_request(request)

    async def aclose(self) -> None:
        """Stay open: every client closes its transport, and this one belongs to the whole house."""

    async def close_network(self) -> None:
        """Close the connections to others."""
        await self._network.aclose()


def origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    """Give what tells one server from another."""
    return url.scheme, url.host, url.port
