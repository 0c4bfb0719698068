"""The whole house in this process, on embedded servers of its own, as `theatre up` puts it together."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from theatre.embedded.doors import Doors
from theatre.embedded.front import listen, serving
from theatre.embedded.furniture import furnish
from theatre.embedded.house import open_house
from theatre.embedded.preparation import prepare
from theatre.embedded.secrets import Secrets
from theatre.embedded.settings import HouseSettings
from theatre.kit.servers import Servers
from theatre.registry import SERVICES

MANY = "100000/minute"


@dataclass(frozen=True)
class OpenHouse:
    """A house that serves: `doors` is its front as an application, `url` the same over the network, `postgres_url` is
    where it keeps everything."""

    doors: Doors
    url: str
    postgres_url: str


@asynccontextmanager
async def open_test_house(home: Path) -> AsyncIterator[OpenHouse]:
    """Bring the house up on a free port; it says nothing and lets one address do much."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with Servers(home) as servers, open_on(servers, home, port) as opened:
        yield opened


@asynccontextmanager
async def open_on(servers: Servers, home: Path, port: int) -> AsyncIterator[OpenHouse]:
    """Bring the house up on servers that run."""
    house = HouseSettings(
        home=home,
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        database_url=servers.postgres_url,
        redis_url=servers.redis_url,
        broker_url="embedded",
    )
    named = {service.name: service.read_settings() for service in SERVICES}
    named["auth"] = named["auth"].model_copy(update={"login_rate": MANY, "register_rate": MANY})
    parts = furnish(house, named, Secrets(house.secrets_file))
    await prepare(house, parts, say=lambda _: None)
    doors = Doors()
    async with serving(doors, listen(house.host, house.port)), open_house(house, parts) as children:
        doors.open(children)
        yield OpenHouse(doors, house.address, servers.postgres_url)
