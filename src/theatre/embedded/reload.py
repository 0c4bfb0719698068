"""The house for who works on it: its services start anew when code changes, its databases stay up."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from watchfiles import awatch

from theatre.embedded.servers import open_servers
from theatre.embedded.settings import HouseSettings
from theatre.kit.logging import get_logger
from theatre.kit.servers.children import LAUNCHER

SOURCE = Path(__file__).parent.parent
UP = ("-m", "theatre", "up")
NOBODY = "-1"  # the launcher's word for: stay who you are
PATIENCE_SECONDS = 10.0

Process = asyncio.subprocess.Process

log = get_logger(__name__)


async def live_reloading(house: HouseSettings, environment: Mapping[str, str]) -> None:
    """Run the servers here and the services in a child process; until SIGINT or SIGTERM.

    Raises:
        ServersError
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_servers(house, note=log.warning) as house:
        addresses = {
            "THEATRE_DATABASE_URL": house.database_url,
            "THEATRE_REDIS_URL": house.redis_url,
            "THEATRE_PORT": str(house.port),
        }
        child = await start({**environment, **addresses})
        async for _ in awatch(SOURCE, stop_event=stop):
            await end(child)
            child = await start({**environment, **addresses})
        await end(child)


async def start(environment: Mapping[str, str]) -> Process:
    """Start the services; they end with us, however we end."""
    orders = (str(int(signal.SIGTERM)), str(os.getpid()), NOBODY, NOBODY)
    return await asyncio.create_subprocess_exec(
        sys.executable, LAUNCHER, *orders, sys.executable, *UP, env=environment
    )


async def end(child: Process) -> None:
    """Ask the services to end and wait for it."""
    if child.returncode is not None:
        return
    child.terminate()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
