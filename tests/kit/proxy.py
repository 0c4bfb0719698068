"""A TCP proxy that can go silent or cut what runs through it: faults of a network, without a network."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol, Self
from urllib.parse import urlsplit, urlunsplit

Send = Callable[[bytes], Awaitable[None]]


class Cut(Exception):
    """Raised by who listens: this connection ends here, on both sides."""


class Listener(Protocol):
    """Hears all that is said over one connection and sends it on: as it is, in pieces, later, or not at all."""

    async def hear(self, data: bytes, send: Send, *, is_answer: bool) -> None: ...


class Proxy:
    """Stands before the server of `url`; `self.url` is the way through it. Use as an async context.

    `listen` makes a listener for each connection.
    """

    def __init__(self, url: str, listen: Callable[[], Listener] | None = None) -> None:
        self._listen = listen
        parts = urlsplit(url)
        self._parts = parts
        self._target = (parts.hostname or "127.0.0.1", parts.port or 0)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._asking = asyncio.Event()
        self._asking.set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._slice_bytes: int | None = None
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

    def gag(self) -> None:
        """Hold back what is asked, until `ungag`; answers and what the server says by itself still arrive."""
        self._asking.clear()

    def ungag(self) -> None:
        """Let what is asked be heard again."""
        self._asking.set()

    def slice(self, slice_bytes: int | None) -> None:
        """Pass everything on in pieces of so many bytes; None: as it comes."""
        self._slice_bytes = slice_bytes

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
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            # nobody listens there now: who came here shall see that too
            writer.transport.abort()
            return
        self._writers.add(upstream_writer)
        listener = self._listen() if self._listen is not None else None
        for source, target in ((reader, upstream_writer), (upstream_reader, writer)):
            pump = asyncio.create_task(self._pump(source, target, listener, is_answer=target is writer))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        listener: Listener | None,
        *,
        is_answer: bool,
    ) -> None:
        async def send(data: bytes) -> None:
            step = self._slice_bytes or max(1, len(data))
            for start in range(0, len(data), step):
                target.write(data[start : start + step])
                await target.drain()

        with suppress(OSError, Cut):
            while data := await source.read(65536):
                for gate in (self._flowing, self._answering if is_answer else self._asking):
                    await gate.wait()
                if listener is None:
                    await send(data)
                else:
                    await listener.hear(data, send, is_answer=is_answer)
        target.close()
        self._writers.discard(target)
