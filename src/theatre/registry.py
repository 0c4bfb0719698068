"""All services of the house, named once.

A service's code is imported when it is asked for, so that a process that serves one does not load the others.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from theatre.kit.settings import ServiceSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from theatre.billing.verification import Finding
    from theatre.kit.worker import Worker


@dataclass(frozen=True)
class Service:
    """One service: `prefixes` are the first path segments that it answers, `settings_class` its settings' name."""

    name: str
    settings_class: str
    prefixes: tuple[str, ...]
    has_worker: bool = False
    has_schema: bool = True
    has_outbox: bool = False
    in_production: bool = True

    @property
    def settings(self) -> type[ServiceSettings]:
        """What this service can be told."""
        found = resolve_name(f"theatre.{self.name}.settings:{self.settings_class}")
        return cast(type[ServiceSettings], found)

    def read_settings(self) -> ServiceSettings:
        """Read this service's settings from the environment; for `cli` alone."""
        return self.settings()

    def load(self) -> None:
        """Import its code now, which takes a while, rather than in the middle of something that is timed."""
        self._wiring("create_app")

    def create_app(self, settings: ServiceSettings, **outside: Any) -> "FastAPI":
        """Make its application; `outside` replaces `broker`, `transport` or `clock`."""
        return cast("FastAPI", self._wiring("create_app")(settings, **outside))

    def open_worker(
        self, settings: ServiceSettings, **outside: Any
    ) -> "AbstractAsyncContextManager[Worker[Any]]":
        """Open its worker; `run()` of what the block gets runs until cancelled."""
        worker = self._wiring("create_worker")(settings, **outside)
        return cast("AbstractAsyncContextManager[Worker[Any]]", worker)

    async def migrate(self, settings: ServiceSettings) -> None:
        """Bring its schema, and that of the embedded broker if it is used, up to date."""
        from theatre.kit.migrations import migrate

        if self.has_schema:
            await migrate(self.name, settings.database_url)
        if settings.broker_url == "embedded" and "broker_url" not in settings.list_unused():
            await migrate("broker", settings.database_url)

    async def declare(self, settings: ServiceSettings) -> None:
        """Make the queues of its worker at the broker; safe to repeat."""
        if self.has_worker:
            async with self.open_worker(settings) as worker:
                await declare_queues(worker)

    async def replay(self, settings: ServiceSettings, *, since: datetime) -> int:
        """Have what it has sent since a moment sent again, after a broker lost its data; give the number.

        Whoever has heard it already drops the repeat. What was sent more than a day ago is not kept.
        """
        from theatre.kit.clock import SystemClock
        from theatre.kit.db import open_own_engine, sessions_of, transaction
        from theatre.kit.outbox import replay_since

        table = resolve_name(f"theatre.{self.name}.models:OutboxMessage")
        engine = open_own_engine(settings)
        try:
            async with transaction(sessions_of(engine)) as session:
                return await replay_since(session, table, since=since, now=SystemClock().now())
        finally:
            await engine.dispose()

    async def seed(self, settings: ServiceSettings) -> None:
        """Write its reference data; safe to repeat."""
        if self.has_schema:
            await self._wiring("init")(settings)

    def _wiring(self, name: str) -> Any:
        return resolve_name(f"theatre.{self.name}.app:{name}")


async def declare_queues(worker: "Worker[Any]") -> None:
    """Make the queues that a worker listens to; safe to repeat."""
    await worker.resources.broker.declare([consumer.subscription for consumer in worker.consumers])


SERVICES = (
    Service("auth", "AuthSettings", ("auth",), has_outbox=True),
    Service("billing", "BillingSettings", ("billing",), has_worker=True, has_outbox=True),
    Service("payment", "PaymentSettings", ("payment",), has_outbox=True),
    Service("notification", "NotificationSettings", ("notification", "mail"), has_worker=True),
    Service("short_link", "ShortLinkSettings", ("short_link", "s")),
    Service("movies", "MoviesSettings", ("movies",), has_worker=True, has_outbox=True),
    Service("sandbox", "SandboxSettings", ("sandbox",), in_production=False),
    # the storefront has the root and everything that nobody else claims
    Service("web", "WebSettings", ("web", ""), has_schema=False),
)
BY_NAME = {service.name: service for service in SERVICES}


async def create_superuser(settings: ServiceSettings, *, login: str, email: str, password: str) -> UUID:
    """Make an account of auth that may do everything; give its id.

    Raises:
        Problem: the name is taken or the password too weak.
    """
    create = resolve_name("theatre.auth.app:create_superuser")
    return cast(UUID, await create(settings, login=login, email=email, password=password))


async def verify_ledger(settings: ServiceSettings, *, is_rebuilt: bool) -> "AsyncIterator[Finding]":
    """Check every statement about billing's ledger, one after another; first build its balances anew if asked to."""
    verify = resolve_name("theatre.billing.app:verify_ledger")
    async for finding in verify(settings, is_rebuilt=is_rebuilt):
        yield finding
