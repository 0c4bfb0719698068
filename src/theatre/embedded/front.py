"""The house's HTTP server, in our own loop: open before the house is, and emptied before the house closes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from theatre.kit.servers import ServersError

DRAIN_SECONDS = 3
WEBSOCKET_BYTES = 64 * 1024


class PortTaken(ServersError):
    """Somebody else listens where the house should."""


class Uvicorn(uvicorn.Server):
    """Uvicorn without its own ideas about signals: the house has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Front:
    """The running server."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._server = Uvicorn(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                # nobody has much to say to us over a websocket
                ws_max_size=WEBSOCKET_BYTES,
                ws_max_queue=8,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="front")

    async def drain(self) -> None:
        """Let nobody in any more and wait, for a while, until those inside have their answers; safe to repeat."""
        self._server.should_exit = True
        await self._task


@asynccontextmanager
async def serving(app: ASGIApp, listener: socket.socket) -> AsyncIterator[Front]:
    """Serve `app` while the block runs."""
    front = Front(app, listener)
    try:
        yield front
    finally:
        await front.drain()


def listen(host: str, port: int) -> socket.socket:
    """Take the house's port before anything is started.

    Raises:
        PortTaken
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"port {port} of {host} is taken ({error.strerror}): name another with --port"
        ) from error
    return listener
