"""Wiring of short_link."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx
from fastapi import FastAPI

from theatre.contracts.auth import AuthClient, open_access, service_token
from theatre.kit.access import Access
from theatre.kit.app import create_service_app
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import Engine, Sessions, open_own_engine, ping, sessions_of
from theatre.kit.http import ServiceClient
from theatre.short_link.addresses import AllowedAddresses
from theatre.short_link.routes import internal, public
from theatre.short_link.settings import ShortLinkSettings


@dataclass(frozen=True)
class Resources:
    """What the doors of short_link work with."""

    engine: Engine
    sessions: Sessions
    access: Access
    clock: Clock
    allowed: AllowedAddresses
    public_url: str
    default_ttl_seconds: int


@asynccontextmanager
async def open_resources(
    settings: ShortLinkSettings, *, transport: httpx.AsyncBaseTransport | None, clock: Clock
) -> AsyncIterator[Resources]:
    """Open the database and the way to auth."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        token = service_token(settings, transport)
        auth = AuthClient(ServiceClient(settings.auth_url, token=token, transport=transport))
        stack.push_async_callback(auth.close)
        yield Resources(
            engine=engine,
            sessions=sessions_of(engine),
            access=await stack.enter_async_context(open_access(settings, auth, clock).following()),
            clock=clock,
            allowed=AllowedAddresses.of(settings.public_url, settings.allowed_hosts),
            public_url=settings.public_url.rstrip("/"),
            default_ttl_seconds=settings.default_ttl_seconds,
        )


def create_app(
    settings: ShortLinkSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application; short links tell the broker nothing."""
    return create_service_app(
        settings.service,
        title="Short links",
        routers=[internal.router, public.router],
        open_resources=partial(open_resources, settings, transport=transport, clock=clock or SystemClock()),
        checks=lambda resources: {"database": partial(ping, resources.engine)},
    )


async def init(settings: ShortLinkSettings) -> None:
    """Nothing to seed: links are all there is."""
