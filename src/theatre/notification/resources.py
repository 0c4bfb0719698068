"""What the doors and the worker of notification work with."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from theatre.contracts.auth import AuthClient
from theatre.kit.access import Access
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Sessions
from theatre.kit.idempotency import Flights
from theatre.notification.deliveries import Post
from theatre.notification.mails import Writer


@dataclass(frozen=True)
class Resources:
    """For the application."""

    engine: Engine
    sessions: Sessions
    access: Access
    auth: AuthClient
    clock: Clock
    writer: Writer
    flights: Flights


class Bell:
    """Wakes whoever waits for deliveries."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, _: str = "") -> None:
        """Wake the one who waits, or the next one who would."""
        self._rung.set()

    async def wait(self, *, at_most_seconds: float) -> None:
        """Wait for the bell, or for a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._rung.wait()
        self._rung.clear()


@dataclass(frozen=True)
class WorkerResources:
    """For the worker."""

    engine: Engine
    sessions: Sessions
    clock: Clock
    broker: Broker
    post: Post
    bell: Bell = field(default_factory=Bell)
