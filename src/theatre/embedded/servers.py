"""The house's database and cache: those that the environment names, else servers of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from theatre.embedded.furniture import complete
from theatre.embedded.settings import HouseSettings
from theatre.kit import servers
from theatre.kit.logging import get_logger
from theatre.kit.servers import Servers

log = get_logger(__name__)


@asynccontextmanager
async def open_servers(house: HouseSettings) -> AsyncIterator[HouseSettings]:
    """Start those servers that are not named; gives the settings with all addresses in them.

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
        for note in own.notes:
            log.warning(note)
        yield complete(house, {"database_url": own.postgres_url, "redis_url": own.redis_url})


async def reset(house: HouseSettings) -> None:
    """Delete the data of the house's own servers and its secrets.

    Raises:
        AlreadyRunning
    """
    await servers.reset(house.home)
    house.secrets_file.unlink(missing_ok=True)
