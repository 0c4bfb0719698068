"""A closed-loop load: so many keep-alive connections, each sending its next request when the last was answered."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import httptools

Make = Callable[[], bytes]
"""Makes the bytes of the next request."""


@dataclass(frozen=True)
class Measure:
    """What came of a load: rate per second and latencies in milliseconds."""

    rate: float
    p50_ms: float
    p99_ms: float
    refused: int


class Connection(asyncio.Protocol):
    """One keep-alive HTTP/1.1 connection."""

    def __init__(self) -> None:
        self.answered: asyncio.Future[int] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_result(self.parser.get_status_code())

    def connection_lost(self, exc: Exception | None) -> None:
        if self.answered is not None and not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError())

    async def send(self, request: bytes) -> int:
        """Send a request; gives the status of its answer."""
        assert self.transport is not None
        self.answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answered


async def send_all(port: int, requests: Iterable[bytes], *, clients: int) -> None:
    """Send each request once and wait for its answer, whatever it is."""
    left = iter(requests)

    async def client() -> None:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", port)
        for request in left:
            await connection.send(request)
        assert connection.transport is not None
        connection.transport.close()

    await asyncio.gather(*(client() for _ in range(clients)))


async def drive(port: int, make: Make, *, clients: int, seconds: float, expected: int) -> Measure:
    """Load `127.0.0.1:port` and measure; answers other than `expected` are counted as refused."""
    loop = asyncio.get_running_loop()
    latencies: list[float] = []
    refused = 0
    until = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal refused
        _, connection = await loop.create_connection(Connection, "127.0.0.1", port)
        while (started := time.perf_counter()) < until:
            if await connection.send(make()) == expected:
                latencies.append(time.perf_counter() - started)
            else:
                refused += 1
        assert connection.transport is not None
        connection.transport.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - started
    latencies.sort()
    return Measure(len(latencies) / elapsed, percentile(latencies, 0.5), percentile(latencies, 0.99), refused)


def percentile(ordered: list[float], share: float) -> float:
    """Give a percentile of sorted seconds in milliseconds."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000 if ordered else float("nan")


def post(path: str, body: bytes, headers: str) -> bytes:
    """Write a POST request."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{headers}\r\n"
    ).encode() + body
