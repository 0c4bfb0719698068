"""Hashing of passwords: argon2id on two threads of its own, so that nothing else waits for it."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Self, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from theatre.auth.errors import HashingBusy
from theatre.auth.settings import AuthSettings
from theatre.kit.ids import new_id

THREADS = 2
THREAD_NAME = "password"
R = TypeVar("R")


class Hasher:
    """Makes and verifies hashes. Use as an async context."""

    def __init__(self, settings: AuthSettings) -> None:
        self._argon2 = PasswordHasher(
            time_cost=settings.password_time_cost, memory_cost=settings.password_memory_kib, parallelism=1
        )
        self._max_waiting = THREADS + settings.password_queue
        self._waiting = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=THREAD_NAME)
        self._nobodys = ""

    async def __aenter__(self) -> Self:
        self._nobodys = await self.hash(str(new_id()))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place in the queue for the work of the block.

        Raises:
            HashingBusy: it is full.
        """
        if self._waiting >= self._max_waiting:
            raise HashingBusy
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def hash(self, password: str) -> str:
        """Make the stored form of a password; on a door's behalf inside a `place`."""
        return await self._run(lambda: self._argon2.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether a password is right; inside a `place`. Without a hash the work is done all the same."""
        right = await self._run(lambda: self._matches(stored or self._nobodys, password))
        return right and stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Tell whether a hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(stored)

    def _matches(self, stored: str, password: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except VerificationError:
            return False

    async def _run(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
