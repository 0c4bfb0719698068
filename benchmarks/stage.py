"""A stage for benchmarks: embedded PostgreSQL and Valkey of its own, and roles as processes of their own."""

import asyncio
import base64
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from theatre.kit.servers import Servers
from theatre.registry import SERVICES

THEATRE = [sys.executable, "-m", "theatre"]
START_SECONDS = 30
STOP_SECONDS = 10


@dataclass
class Role:
    """A running process of the house."""

    name: str
    process: asyncio.subprocess.Process
    port: int


@dataclass
class Stage:
    """Where a benchmark plays; `ports` says where each service listens."""

    servers: Servers
    home: Path
    environ: dict[str, str]
    ports: dict[str, int]
    roles: dict[str, Role] = field(default_factory=dict)

    def url(self, service: str) -> str:
        """Give the address of a service."""
        return f"http://127.0.0.1:{self.ports[service]}"

    async def theatre(self, *words: str) -> None:
        """Run the command to its end.

        Raises:
            RuntimeError: it failed.
        """
        process = await asyncio.create_subprocess_exec(*THEATRE, *words, env=self.environ)
        if await process.wait():
            raise RuntimeError(f"theatre {' '.join(words)} failed")

    async def start(self, kind: str, service: str) -> Role:
        """Start a role (`serve` or `work`) and wait until it is ready."""
        words = [*THEATRE, kind, service]
        if kind == "work":
            return await self.launch(f"{kind} {service}", words, port=self.ports[service])
        words += ["--port", str(self.ports[service])]
        ready = f"/{service}/api/_ready"
        return await self.launch(f"{kind} {service}", words, port=self.ports[service], ready=ready)

    async def launch(self, name: str, words: Sequence[str], *, port: int, ready: str | None = None) -> Role:
        """Start a program; wait until its door `ready` answers, if it has one."""
        log = (self.home / f"{name.replace(' ', '-')}.log").open("wb")
        process = await asyncio.create_subprocess_exec(*words, env=self.environ, stdout=log, stderr=log)
        role = self.roles[name] = Role(name, process, port)
        if ready is not None:
            await wait_ready(f"http://127.0.0.1:{port}{ready}")
        return role

    async def close(self) -> None:
        """Stop every role."""
        for role in self.roles.values():
            if role.process.returncode is None:
                role.process.terminate()
        for role in self.roles.values():
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await role.process.wait()
            except TimeoutError:
                role.process.kill()


async def wait_ready(url: str) -> None:
    """Wait until an address answers 200.

    Raises:
        TimeoutError: it did not in time.
    """
    async with asyncio.timeout(START_SECONDS), httpx.AsyncClient() as http:
        while True:
            try:
                if (await http.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


@asynccontextmanager
async def open_stage(roles: Sequence[tuple[str, str]], **environ: str) -> AsyncIterator[Stage]:
    """Set up databases, secrets and roles, with more variables if wanted; everything is gone afterwards."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="theatre-bench-")))
        servers = await stack.enter_async_context(Servers(home))
        ports = dict(zip([service.name for service in SERVICES], free_ports(len(SERVICES)), strict=True))
        stage = Stage(servers, home, {**os.environ, **variables(servers, ports), **environ}, ports)
        stack.push_async_callback(stage.close)
        for service in dict.fromkeys(service for _, service in roles):
            await stage.theatre("init", service)
        for kind, service in roles:
            await stage.start(kind, service)
        yield stage


def variables(servers: Servers, ports: dict[str, int]) -> dict[str, str]:
    """Make the environment of the roles: real addresses, fresh secrets, limits out of the way."""
    keys = {service.name: secrets.token_hex(32) for service in SERVICES}
    own = {f"{name.upper()}_SERVICE_SECRET": key for name, key in keys.items()}
    urls = {f"THEATRE_{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
    shop = secrets.token_hex(16)
    return {
        **own,
        **urls,
        "THEATRE_DATABASE_URL": servers.postgres_url,
        "THEATRE_REDIS_URL": servers.redis_url,
        "THEATRE_DATABASE_POOL_SIZE": "16",
        "THEATRE_LOG_LEVEL": "warning",
        "AUTH_SERVICE_CLIENTS": json.dumps(keys),
        "AUTH_SIGNING_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
        "AUTH_REFRESH_SECRET": secrets.token_hex(32),
        "AUTH_REGISTER_RATE": "1000000/minute",
        "AUTH_LOGIN_RATE": "1000000/minute",
        "BILLING_MONEY_RATE_LIMIT": "100000000/minute",
        "PAYMENT_YOOKASSA_API_URL": f"http://127.0.0.1:{ports['sandbox']}/sandbox/v3",
        "PAYMENT_YOOKASSA_SECRET_KEY": shop,
        "SANDBOX_SHOP_SECRET_KEY": shop,
    }


def free_ports(number: int) -> list[int]:
    """Find ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
