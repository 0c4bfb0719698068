"""A TCP proxy that can go silent or cut what runs through it: faults of a network, without a network."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Proxy:
    """Stands before the server of `url`; `self.url` is the way through it. Use as an async context."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._parts = parts
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._open = True
        self.arrivals = 0
        self.refusals = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        login = f"{self._parts.netloc.rpartition('@')[0]}@" if "@" in self._parts.netloc else ""
        self.url = urlunsplit(self._parts._replace(netloc=f"{login}127.0.0.1:{port}"))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def freeze(self) -> None:
        """Stay connected, and pass nothing on in either direction."""
        self._flowing.clear()

    def mute(self) -> None:
        """Pass on what is asked, and swallow every answer until `thaw`."""
        self._answering.clear()

    def close_door(self) -> None:
        """Hang up on everybody who comes, until `open_door`."""
        self._open = False

    def open_door(self) -> None:
        """Let everybody in again."""
        self._open = True

    def thaw(self) -> None:
        """Pass everything on again, also what was held back."""
        self._flowing.set()
        self._answering.set()

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.arrivals += 1
        if not self._open:
            self.refusals += 1
            writer.transport.abort()
            return
        await self._flowing.wait()
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        self._writers.add(upstream_writer)
        for source, target, gates in (
            (reader, upstream_writer, (self._flowing,)),
            (upstream_reader, writer, (self._flowing, self._answering)),
        ):
            pump = asyncio.create_task(self._pump(source, target, gates))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        gates: tuple[asyncio.Event, ...],
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                for gate in gates:
                    await gate.wait()
                target.write(data)
                await target.drain()
        target.close()
