"""The network between payment and everybody else, in one process, and what can go wrong on it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx
from starlette.types import ASGIApp

Forward = Callable[[httpx.Request], Awaitable[httpx.Response]]
Fault = Callable[[httpx.Request, Forward], Awaitable[httpx.Response]]


@dataclass
class Network(httpx.AsyncBaseTransport):
    """Takes requests to the application that their first path segment names, through the faults that are set."""

    applications: dict[str, ASGIApp] = field(default_factory=dict)
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    calls: list[httpx.Request] = field(default_factory=list)
    under_way: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        call = f"{request.method} {request.url.path}"
        for fault in self.faults:
            if call.startswith(fault[0]):
                self.faults.remove(fault)
                return await fault[1](request, self._forward)
        return await self._forward(request)

    async def _forward(self, request: httpx.Request) -> httpx.Response:
        application = self.applications.get(request.url.path.split("/")[1])
        if application is None:
            raise httpx.ConnectError("nobody is there", request=request)
        self.under_way += 1
        try:
            response = await httpx.ASGITransport(application).handle_async_request(request)
            await response.aread()
        finally:
            self.under_way -= 1
        return response

    async def close_down(self) -> None:
        """Lead nowhere any more, once what is under way has arrived."""
        self.applications.clear()
        while self.under_way:
            await asyncio.sleep(0.001)

    def fail(self, call: str, fault: Fault, *, times: int = 1) -> None:
        """Let the next calls that begin like `call` ("POST /sandbox/v3/payments") meet a fault."""
        self.faults.extend([(call, fault)] * times)

    def count(self, call: str) -> int:
        """Tell how many calls began like `call`."""
        return sum(f"{request.method} {request.url.path}".startswith(call) for request in self.calls)

    def keys(self, call: str) -> list[str]:
        """List the idempotency keys of calls that began like `call`."""
        return [
            request.headers["Idempotence-Key"]
            for request in self.calls
            if f"{request.method} {request.url.path}".startswith(call)
        ]


async def refuse_connection(request: httpx.Request, _: Forward) -> httpx.Response:
    """Nobody is there."""
    raise httpx.ConnectError("refused", request=request)


async def cut_reply(request: httpx.Request, forward: Forward) -> httpx.Response:
    """The request arrives and has its effect; its answer does not."""
    await forward(request)
    raise httpx.ReadTimeout("cut", request=request)


def answer(status: int, content: bytes | str = b"{}", headers: dict[str, str] | None = None) -> Fault:
    """Give this answer; the request does not arrive."""

    async def fault(request: httpx.Request, _: Forward) -> httpx.Response:
        return httpx.Response(status, content=content, headers=headers, request=request)

    return fault


def alter(change: Callable[[bytes], bytes]) -> Fault:
    """Let the request through and change its answer."""

    async def fault(request: httpx.Request, forward: Forward) -> httpx.Response:
        response = await forward(request)
        return httpx.Response(response.status_code, content=change(response.content), request=request)

    return fault


@dataclass
class Hold:
    """Lets a request through and holds its answer back until told."""

    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, request: httpx.Request, forward: Forward) -> httpx.Response:
        response = await forward(request)
        self.arrived.set()
        await self.released.wait()
        return response
