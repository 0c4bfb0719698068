"""The house's database and cache: those that the environment names, else servers of its own."""

import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from theatre.embedded.furniture import complete
from theatre.embedded.settings import HouseSettings
from theatre.kit import servers
from theatre.kit.servers import AlreadyRunning, Servers, running_postgres_url
from theatre.kit.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)


@asynccontextmanager
async def open_servers(house: HouseSettings, *, note: Callable[[str], None]) -> AsyncIterator[HouseSettings]:
    """Start those servers that are not named; gives the settings with all addresses in them.

    `note` is told what the operator should know, as where the data is if not at home.

    Raises:
        ServersError
    """
    house = complete(house, {"public_url": house.site})
    missing = {"database_url", "redis_url"} - house.model_fields_set
    if not missing:
        house.home.mkdir(parents=True, exist_ok=True)
        yield house
        return
    own = Servers(house.home, with_postgres="database_url" in missing, with_valkey="redis_url" in missing)
    async with own:
        for text in own.notes:
            note(text)
        yield complete(house, {"database_url": own.postgres_url, "redis_url": own.redis_url})


@asynccontextmanager
async def reached(house: HouseSettings, settings: S) -> AsyncIterator[S]:
    """Give a service's settings with a database that answers: the one named, that of the running house, or, while the
    block runs, the house's own server.

    Raises:
        ServersError
    """
    if "database_url" in settings.model_fields_set or not house.home.exists():
        yield settings
        return
    own = Servers(house.home, with_valkey=False)
    try:
        await own.start()
    except AlreadyRunning:
        yield complete(settings, {"database_url": running_postgres_url(house.home)})
        return
    try:
        yield complete(settings, {"database_url": own.postgres_url})
    finally:
        await own.stop()


async def reset(house: HouseSettings) -> None:
    """Delete the data of the house's own servers, its search index and its secrets.

    Raises:
        AlreadyRunning
    """
    await servers.reset(house.home)
    shutil.rmtree(house.index_folder, ignore_errors=True)
    house.secrets_file.unlink(missing_ok=True)
