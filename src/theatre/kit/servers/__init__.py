"""Embedded PostgreSQL and Valkey: private servers of one house, on unix sockets, that live and die with it.

Their data lies under THEATRE_HOME (or elsewhere, see `places`) and survives restarts and `kill -9` of either.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from theatre.kit.servers import places, postgres, valkey
from theatre.kit.servers.errors import AlreadyRunning, ServerMissing, ServersError

__all__ = ["AlreadyRunning", "ServerMissing", "Servers", "ServersError", "reset", "running_postgres_url"]


class Servers:
    """The embedded servers of one home folder; either is left out when a real one is used in its place.

    After `start` there are `postgres_url`, `redis_url` (empty if left out) and `notes` for the operator.
    Start from the main thread: the kernel ends the servers when the thread that started them ends.
    """

    def __init__(self, home: Path, *, with_postgres: bool = True, with_valkey: bool = True) -> None:
        self.home = home.expanduser().resolve()
        self.with_postgres = with_postgres
        self.with_valkey = with_valkey
        self.postgres_url = ""
        self.redis_url = ""
        self.notes: tuple[str, ...] = ()
        self._running = AsyncExitStack()

    async def start(self) -> None:
        """Stop what an earlier run left behind, start the servers and wait until both answer.

        Raises:
            AlreadyRunning: another living process keeps them.
            ServersError: one of them cannot be had; nothing is left running.
        """
        async with AsyncExitStack() as stack:
            stack.enter_context(sole_keeper(self.home))
            where = places.arrange(self.home)
            if self.with_postgres:
                stack.push_async_callback(postgres.stop, await postgres.start(where))
                self.postgres_url = postgres.url(where.sockets)
            if self.with_valkey:
                stack.push_async_callback(valkey.stop, await valkey.start(where))
                self.redis_url = valkey.url(where.sockets)
            self.notes = where.notes
            self._running = stack.pop_all()

    async def stop(self) -> None:
        """Shut the servers down with everything on disk; safe to repeat."""
        await self._running.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def reset(home: Path) -> None:
    """Delete all data of the servers of `home`, wherever it lies; stop first what an earlier run left behind.

    What others keep in `home` stays.

    Raises:
        AlreadyRunning: the servers are in use.
    """
    home = home.expanduser().resolve()
    if home.exists():
        with sole_keeper(home):
            await stop_strays(home)
            places.remove(home)


def running_postgres_url(home: Path) -> str:
    """Give the address of the PostgreSQL that another process keeps for a home."""
    return postgres.url(places.arrange(home.expanduser().resolve()).sockets)


async def stop_strays(home: Path) -> None:
    """End every server that an earlier run left on data of this home."""
    for base in places.bases(home):
        await postgres.stop_stray(base / "postgres")
        await valkey.stop_stray(base / "valkey")


@contextmanager
def sole_keeper(home: Path) -> Iterator[None]:
    """Hold this home's lock, which the kernel gives back when we end, however we end."""
    places.make_home(home)
    lock = os.open(home / "servers.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            keeper = os.pread(lock, 20, 0).decode()
            raise AlreadyRunning(f"process {keeper} keeps the servers of {home}: stop it first") from None
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)
