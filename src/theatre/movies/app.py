"""Wiring of movies."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
from fastapi import FastAPI

from theatre.contracts.auth import AuthClient, open_access, service_token
from theatre.contracts.billing import BillingClient
from theatre.kit.app import create_service_app
from theatre.kit.broker import Broker, open_broker
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import open_own_engine, ping, sessions_of, transaction
from theatre.kit.http import ServiceClient
from theatre.kit.idempotency import Flights
from theatre.kit.outbox import Relay
from theatre.kit.worker import Worker
from theatre.movies import demo, genres
from theatre.movies.answers import Answers
from theatre.movies.cards import Cards
from theatre.movies.changes import Changes
from theatre.movies.gate import Gate
from theatre.movies.jobs import JOBS
from theatre.movies.models import OutboxMessage
from theatre.movies.resources import Resources, WorkerResources
from theatre.movies.routes import admin, playback, public, searching
from theatre.movies.search import SearchAway, SearchIndex
from theatre.movies.search.embedded import EmbeddedIndex
from theatre.movies.search.opensearch import ClusterIndex
from theatre.movies.search.wire import Wire
from theatre.movies.settings import MoviesSettings


@asynccontextmanager
async def open_resources(
    settings: MoviesSettings, *, transport: httpx.AsyncBaseTransport | None, clock: Clock
) -> AsyncIterator[Resources]:
    """Open the database, the search index, and the ways to auth and billing."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        token = service_token(settings, transport)
        auth = AuthClient(ServiceClient(settings.auth_url, token=token, transport=transport))
        stack.push_async_callback(auth.close)
        billing = BillingClient(ServiceClient(settings.billing_url, token=token, transport=transport))
        stack.push_async_callback(billing.close)
        sessions = sessions_of(engine)
        index = await stack.enter_async_context(open_index(settings))
        changes = Changes(engine)
        room = settings.cache_megabytes * 1_000_000
        cards = Cards(engine, changes, clock=clock, max_bytes=room * 3 // 4)
        yield Resources(
            engine=engine,
            sessions=sessions,
            access=await stack.enter_async_context(open_access(settings, auth, clock).following()),
            clock=clock,
            index=index,
            changes=await stack.enter_async_context(changes.following()),
            cards=cards,
            answers=Answers(changes, index, clock=clock, max_bytes=room // 4),
            gate=Gate(sessions, billing, settings.stream_secret, settings.ticket_seconds),
            flights=Flights(),
        )


@asynccontextmanager
async def open_index(settings: MoviesSettings) -> AsyncIterator[SearchIndex]:
    """Choose the search: a cluster if one is named, else the one in a folder of this machine."""
    index: SearchIndex = EmbeddedIndex(settings.index_folder)
    if settings.search_url:
        index = ClusterIndex(Wire(settings.search_url), settings.search_index)
    try:
        yield index
    finally:
        await index.close()


async def check_index(resources: Resources) -> None:
    """Make sure that there is an index to search; for readiness.

    Raises:
        SearchAway
    """
    if not await resources.index.is_built():
        raise SearchAway


def create_app(
    settings: MoviesSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application; it needs no broker: its facts wait in the outbox for the worker."""
    return create_service_app(
        settings.service,
        title="Movies",
        routers=[searching.router, playback.router, public.films, public.router, admin.router],
        open_resources=partial(open_resources, settings, transport=transport, clock=clock or SystemClock()),
        checks=lambda resources: {
            "database": partial(ping, resources.engine),
            "search": partial(check_index, resources),
        },
    )


@asynccontextmanager
async def create_worker(
    settings: MoviesSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Worker[WorkerResources]]:
    """Make `worker-movies`: relays the outbox, teaches the search index."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        held = WorkerResources(
            engine=engine,
            sessions=sessions_of(engine),
            clock=clock or SystemClock(),
            broker=broker if broker is not None else await stack.enter_async_context(open_broker(settings)),
            index=await stack.enter_async_context(open_index(settings)),
        )
        relay = Relay(engine, OutboxMessage, held.broker, clock=held.clock)
        yield Worker(held, relays=[relay], jobs=JOBS, name=f"{settings.service}-worker")


async def init(settings: MoviesSettings) -> None:
    """Make the first genres and, if demo films are wanted, fill an empty catalogue; repeating it changes nothing."""
    engine = open_own_engine(settings)
    try:
        async with transaction(sessions_of(engine)) as session:
            await genres.seed(session)
            if settings.demo_films and settings.env != "production":
                await demo.fill(session, now=SystemClock().now())
    finally:
        await engine.dispose()
