"""Wiring of notification."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import httpx
from fastapi import FastAPI

from theatre.contracts.auth import AuthClient, open_access, service_token
from theatre.kit.access import Access
from theatre.kit.app import create_service_app
from theatre.kit.broker import Broker, open_broker
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import Engine, Sessions, open_engine, open_own_engine, ping, sessions_of
from theatre.kit.http import ServiceClient
from theatre.kit.idempotency import Flights
from theatre.kit.tasks import end
from theatre.kit.wakeup import listen
from theatre.kit.worker import Worker
from theatre.notification.channels import Channel
from theatre.notification.channels.mailbox import MailboxChannel
from theatre.notification.channels.smtp import SmtpChannel
from theatre.notification.consumers import facts
from theatre.notification.deliveries import Post
from theatre.notification.jobs import JOBS
from theatre.notification.links import Links
from theatre.notification.live import Live
from theatre.notification.mails import Writer
from theatre.notification.resources import Resources, WorkerResources
from theatre.notification.routes import (
    deliveries,
    inbox,
    internal,
    live,
    mailbox,
    mailings,
    preferences,
    staff,
    templates,
)
from theatre.notification.settings import NotificationSettings
from theatre.notification.stationery import open_templates
from theatre.notification.wakes import DELIVERIES, INBOXES

ROUTERS = (
    internal.router,
    inbox.router,
    preferences.router,
    deliveries.router,
    templates.router,
    mailings.router,
    staff.router,
    live.router,
)


@asynccontextmanager
async def open_database(settings: NotificationSettings) -> AsyncIterator[Engine]:
    """Open the pool."""
    engine = open_own_engine(settings)
    try:
        yield engine
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_auth(
    settings: NotificationSettings, transport: httpx.AsyncBaseTransport | None
) -> AsyncIterator[AuthClient]:
    """Open the way to auth."""
    token = service_token(settings, transport)
    auth = AuthClient(ServiceClient(settings.auth_url, token=token, transport=transport))
    try:
        yield auth
    finally:
        await auth.close()


@asynccontextmanager
async def open_live(
    settings: NotificationSettings, sessions: Sessions, access: Access
) -> AsyncIterator[Live]:
    """Keep the websockets of this process told while the block runs. Being woken takes a connection of its own."""
    kept = Live(sessions, access)
    engine = open_engine(settings.database_url, role=settings.service, pool_size=1)
    tasks = [
        asyncio.create_task(listen(engine, INBOXES, kept.bell.ring), name="inboxes"),
        asyncio.create_task(kept.run(), name="live"),
    ]
    try:
        yield kept
    finally:
        for task in tasks:
            task.cancel()
        await end(tasks)
        await engine.dispose()


@asynccontextmanager
async def open_resources(
    settings: NotificationSettings, *, transport: httpx.AsyncBaseTransport | None, clock: Clock
) -> AsyncIterator[Resources]:
    """Open what the application needs."""
    async with (
        open_database(settings) as engine,
        open_auth(settings, transport) as auth,
        open_access(settings, auth, clock).following() as access,
        open_live(settings, sessions_of(engine), access) as connections,
    ):
        yield Resources(
            engine=engine,
            sessions=sessions_of(engine),
            access=access,
            auth=auth,
            clock=clock,
            writer=open_writer(settings),
            flights=Flights(),
            live=connections,
        )


def create_app(
    settings: NotificationSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application; it needs no broker. The mailbox's doors are there only if mail stays in it."""
    return create_service_app(
        settings.service,
        title="Notification",
        routers=[*ROUTERS, *([mailbox.router] if settings.has_mailbox else [])],
        open_resources=partial(open_resources, settings, transport=transport, clock=clock or SystemClock()),
        checks=lambda resources: {"database": partial(ping, resources.engine)},
    )


def choose_channel(settings: NotificationSettings, sessions: Sessions, clock: Clock) -> Channel:
    """Choose how mail leaves."""
    if url := settings.smtp_url.get_secret_value():
        return SmtpChannel.of(url, settings.sender)
    return MailboxChannel(sessions, clock)


def open_writer(settings: NotificationSettings) -> Writer:
    """Make the writer of mails."""
    site = settings.public_url.rstrip("/")
    links = Links.of(site, settings.service_secret)
    return Writer(open_templates(), site, domain=settings.sender.domain, links=links)


@asynccontextmanager
async def create_worker(
    settings: NotificationSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Worker[WorkerResources]]:
    """Make `worker-notification`: hears of new users, delivers."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_database(settings))
        auth = await stack.enter_async_context(open_auth(settings, transport))
        if broker is None:
            broker = await stack.enter_async_context(open_broker(settings))
        sessions = sessions_of(engine)
        post = Post(auth, open_writer(settings), choose_channel(settings, sessions, clock), sessions)
        held = WorkerResources(engine, sessions, clock, broker=broker, post=post)
        await stack.enter_async_context(ringing(held))
        yield Worker(held, consumers=[facts], jobs=JOBS, name=f"{settings.service}-worker")


@asynccontextmanager
async def ringing(held: WorkerResources) -> AsyncIterator[None]:
    """Ring the bell at every new delivery while the block runs."""
    task = asyncio.create_task(listen(held.engine, DELIVERIES, held.bell.ring), name="deliveries")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def init(settings: NotificationSettings) -> None:
    """Nothing to seed: the templates come with the code."""
