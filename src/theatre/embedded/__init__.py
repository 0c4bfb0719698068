"""The embedded house: the whole product in one process, with its own servers, made ready and closed in order."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack

from theatre.embedded.doors import Doors
from theatre.embedded.front import PortTaken, listen, serving
from theatre.embedded.furniture import furnish
from theatre.embedded.house import open_house
from theatre.embedded.preparation import prepare
from theatre.embedded.reload import live_reloading
from theatre.embedded.secrets import Secrets
from theatre.embedded.servers import open_servers, reached, reset
from theatre.embedded.settings import HouseSettings
from theatre.kit.garbage import spare_loaded
from theatre.kit.settings import ServiceSettings
from theatre.registry import BY_NAME

__all__ = ["HouseSettings", "PortTaken", "live", "live_reloading", "reached", "reset"]

# what is not at an end by then is cut off: nothing that was answered is lost by that, and the next start recovers
STOP_SECONDS = 9.0

Say = Callable[[str], None]
Welcome = Callable[[Sequence[str]], None]


async def live(
    house: HouseSettings, named: Mapping[str, ServiceSettings], *, say: Say, welcome: Welcome
) -> None:
    """Bring the house up and serve until SIGINT or SIGTERM.

    `named` holds the services' settings as the environment has them; `say` is told what is being done, `welcome` is
    called when the house is ready, with what the operator should know.

    Raises:
        PortTaken, ServersError
    """
    task = asyncio.create_task(_live(house, named, say=say, welcome=welcome))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, leave, task)
    await asyncio.wait([task])
    if not task.cancelled():
        task.result()


def leave(task: asyncio.Task[None]) -> None:
    """Begin to close the house; further signals change nothing."""
    if task.cancelling():
        return
    deadline = threading.Timer(STOP_SECONDS, os._exit, (1,))
    deadline.daemon = True
    deadline.start()
    task.cancel()


async def _live(
    house: HouseSettings, named: Mapping[str, ServiceSettings], *, say: Say, welcome: Welcome
) -> None:
    doors = Doors()
    notes: list[str] = []
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(serving(doors, listen(house.host, house.port)))
        say("PostgreSQL and Valkey")
        loading = asyncio.create_task(asyncio.to_thread(load, named))
        house = await stack.enter_async_context(open_servers(house, note=notes.append))
        await loading
        parts = furnish(house, named, Secrets(house.secrets_file))
        await prepare(house, parts, say=say)
        say("services")
        doors.open(await stack.enter_async_context(open_house(house, parts)))
        spare_loaded()
        welcome(notes)
        try:
            await asyncio.Event().wait()
        finally:
            say("closing")
            await front.drain()


def load(names: Iterable[str]) -> None:
    """Import the code of services."""
    for name in names:
        BY_NAME[name].load()
