"""A service that answers with what it was asked: what a gateway let through can be read from it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Echo:
    """Listens at `address`; `headers` and `status` are those of its answers."""

    address: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the head of one request after another, and answer each with it."""
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode("latin-1"):
                self.heads.append(head)
                body = json.dumps({"head": head}).encode()
                own = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\n{own}\r\n".encode())
                writer.write(body)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # whoever asked is gone
        finally:
            writer.close()


@asynccontextmanager
async def open_echo() -> AsyncIterator[Echo]:
    """Listen while the block runs."""
    echo = Echo()
    server = await asyncio.start_server(echo.answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    echo.address = f"{host}:{port}"
    async with server:
        yield echo
        server.close()
