"""Wiring of the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
from fastapi import FastAPI

from theatre.kit.app import create_service_app
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import open_own_engine, ping, sessions_of, transaction
from theatre.kit.http import HttpClient
from theatre.kit.worker import Worker
from theatre.sandbox import shops, yoomoney_wallets
from theatre.sandbox.jobs import JOBS
from theatre.sandbox.pages import Pages
from theatre.sandbox.resources import Resources
from theatre.sandbox.routes import (
    checkout,
    control,
    merchant,
    stripe,
    yoomoney,
    yoomoney_control,
    yoomoney_pages,
)
from theatre.sandbox.sender import Sender
from theatre.sandbox.settings import SandboxSettings
from theatre.sandbox.state import State
from theatre.sandbox.translation import OwnErrors
from theatre.sandbox.yoomoney_pages import YooMoneyPages

MAX_SENDING = 128


@asynccontextmanager
async def open_resources(
    settings: SandboxSettings, *, transport: httpx.AsyncBaseTransport | None, clock: Clock
) -> AsyncIterator[Resources]:
    """Open the database and the way to shops."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        limits = httpx.Limits(max_connections=MAX_SENDING, max_keepalive_connections=MAX_SENDING)
        http = HttpClient(transport=transport, limits=limits, timeout=settings.notification_timeout_seconds)
        await stack.enter_async_context(http)
        sessions = sessions_of(engine)
        statements = sessions_of(engine.execution_options(isolation_level="AUTOCOMMIT"))
        state = await stack.enter_async_context(State(engine, clock).following())
        yield Resources(
            engine=engine,
            sessions=sessions,
            statements=statements,
            state=state,
            sender=Sender(statements, state, http, timeout_seconds=settings.notification_timeout_seconds),
            pages=Pages(),
            yoomoney_pages=YooMoneyPages(),
            http=http,
            public_url=settings.public_url.rstrip("/"),
            delay=timedelta(seconds=settings.delayed_outcome_seconds),
        )


@asynccontextmanager
async def open_working(
    settings: SandboxSettings, *, transport: httpx.AsyncBaseTransport | None, clock: Clock
) -> AsyncIterator[Resources]:
    """Open the resources, and send notifications and end what is due while they are open."""
    async with open_resources(settings, transport=transport, clock=clock) as resources:
        worker: Worker[Any] = Worker(resources, jobs=JOBS, name=f"{settings.service}-worker")
        tasks = [
            asyncio.create_task(worker.run(), name="sandbox jobs"),
            asyncio.create_task(resources.sender.run(), name="sandbox sender"),
        ]
        try:
            yield resources
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def create_app(
    settings: SandboxSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application; a payment system knows nothing of our broker."""
    app = create_service_app(
        settings.service,
        title="Sandbox payment system",
        routers=[
            *(merchant.router, stripe.router, checkout.router, control.router),
            *(yoomoney.router, yoomoney_pages.router, yoomoney_control.router),
        ],
        open_resources=partial(open_working, settings, transport=transport, clock=clock or SystemClock()),
        checks=lambda resources: {"database": partial(ping, resources.engine)},
    )
    # outermost, so that the kit's own answers at the merchants' APIs are translated too
    app.add_middleware(OwnErrors)
    return app


async def init(settings: SandboxSettings) -> None:
    """Make the demo shops and the demo wallets."""
    engine = open_own_engine(settings)
    try:
        async with transaction(sessions_of(engine)) as session:
            await shops.ensure_demo(session, settings)
            await yoomoney_wallets.ensure_demo(session, settings)
    finally:
        await engine.dispose()
