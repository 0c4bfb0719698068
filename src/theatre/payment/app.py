"""Wiring of payment."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import httpx
from fastapi import FastAPI
from pydantic import SecretStr

from theatre.contracts.auth import AuthClient, open_access, service_token
from theatre.contracts.short_link import ShortLinkClient
from theatre.kit.app import create_service_app
from theatre.kit.broker import Broker, open_broker
from theatre.kit.cache import Cache, RedisCache
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import open_own_engine, ping, sessions_of
from theatre.kit.http import ServiceClient, ServiceToken
from theatre.kit.outbox import Relay
from theatre.kit.ratelimit import RedisRateLimit
from theatre.kit.worker import Worker
from theatre.payment.jobs import jobs
from theatre.payment.models import OutboxMessage
from theatre.payment.outside import Outside
from theatre.payment.providers.members import Ground, Member, ask, open_members
from theatre.payment.resources import Resources
from theatre.payment.return_page import ReturnPage
from theatre.payment.routes import internal, public, wallet
from theatre.payment.settings import PaymentSettings
from theatre.payment.states import States
from theatre.payment.tokens import Tokens
from theatre.payment.wallet_page import WalletPage
from theatre.payment.wallet_payments import Desk
from theatre.payment.wallet_permits import Permits

SHORT_LINK_TIMEOUT_SECONDS = 1.0


@asynccontextmanager
async def open_resources(
    settings: PaymentSettings,
    *,
    broker: Broker | None,
    transport: httpx.AsyncBaseTransport | None,
    clock: Clock,
) -> AsyncIterator[Resources]:
    """Open the database, Redis, the broker and the ways to auth, short links and payment systems."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        cache = RedisCache(settings.redis_url, prefix=settings.service)
        stack.push_async_callback(cache.close)
        ratelimit = RedisRateLimit(settings.redis_url, prefix=settings.service)
        stack.push_async_callback(ratelimit.close)
        token = service_token(settings, transport)
        auth = AuthClient(ServiceClient(settings.auth_url, token=token, transport=transport))
        stack.push_async_callback(auth.close)
        links = open_links(settings, token, transport)
        stack.push_async_callback(links.close)
        sessions = sessions_of(engine)
        ground = Ground(settings, sessions, clock, transport)
        members = await stack.enter_async_context(open_members(ground))
        outside = outside_of(settings, members, cache, links=links, clock=clock)
        yield Resources(
            engine=engine,
            sessions=sessions,
            access=await stack.enter_async_context(open_access(settings, auth, clock).following()),
            broker=await stack.enter_async_context(open_broker(settings)) if broker is None else broker,
            clock=clock,
            outside=outside,
            ratelimit=ratelimit,
            return_page=ReturnPage(),
            wallet_desk=desk_of(settings, members, cache, outside=outside),
            wallet_page=WalletPage(),
            trusted_proxies=settings.trusted_proxies,
            forged_callback_rate=settings.forged_callback_rate,
            wallet_rate=settings.wallet_rate,
        )


def outside_of(
    settings: PaymentSettings,
    members: Mapping[str, Member],
    cache: Cache,
    *,
    links: ShortLinkClient,
    clock: Clock,
) -> Outside:
    """Put together what verbs reach."""
    return Outside(
        providers={name: member.provider for name, member in members.items()},
        registers={name: one.register for name, one in members.items() if one.register},
        statements={name: one.statement for name, one in members.items() if one.statement},
        chargers={name: one.charger for name, one in members.items() if one.charger},
        dispute_desks={name: one.dispute_desk for name, one in members.items() if one.dispute_desk},
        default_provider=settings.default_provider,
        states=States(cache),
        links=links,
        clock=clock,
        public_url=settings.public_url.rstrip("/"),
        routes=settings.provider_routes,
    )


def desk_of(
    settings: PaymentSettings, members: Mapping[str, Member], cache: Cache, *, outside: Outside
) -> Desk | None:
    """Put together what the pages of payers' wallets work with."""
    payers = next((member.wallet for member in members.values() if member.wallet), None)
    if payers is None:
        return None
    secrets = settings.token_secret_list()
    # another key than that of the tokens, from the same secret
    permits = Permits(payers, Tokens(cache, secrets), cache, key=SecretStr(f"forms {secrets[0]}"))
    return Desk(outside, permits)


def open_links(
    settings: PaymentSettings, token: ServiceToken, transport: httpx.AsyncBaseTransport | None
) -> ShortLinkClient:
    """Open the way to short links; a purchase does not wait long for one."""
    return ShortLinkClient(
        ServiceClient(
            settings.short_link_url,
            token=token,
            transport=transport,
            timeout_seconds=SHORT_LINK_TIMEOUT_SECONDS,
        )
    )


async def ask_provider(settings: PaymentSettings, name: str) -> str:
    """Tell whether a payment system answers and knows us.

    Raises:
        OutcomeUnknown
    """
    engine = open_own_engine(settings)
    try:
        return await ask(Ground(settings, sessions_of(engine), SystemClock(), None), name)
    finally:
        await engine.dispose()


@asynccontextmanager
async def open_working(
    settings: PaymentSettings,
    *,
    broker: Broker | None,
    transport: httpx.AsyncBaseTransport | None,
    clock: Clock,
) -> AsyncIterator[Resources]:
    """Open the resources, and relay and run jobs while they are open: payment has no worker process of its own."""
    async with open_resources(settings, broker=broker, transport=transport, clock=clock) as resources:
        worker = Worker(
            resources,
            relays=[Relay(resources.engine, OutboxMessage, resources.broker, clock=clock)],
            jobs=jobs(settings.janitor_seconds),
            name=f"{settings.service}-worker",
        )
        task = asyncio.create_task(worker.run(), name="payment worker")
        try:
            yield resources
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def create_app(
    settings: PaymentSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application."""
    opened = partial(open_working, settings, broker=broker, transport=transport, clock=clock or SystemClock())
    return create_service_app(
        settings.service,
        title="Payment",
        routers=[internal.router, public.router, wallet.router],
        open_resources=opened,
        checks=lambda resources: {"database": partial(ping, resources.engine)},
    )


async def init(settings: PaymentSettings) -> None:
    """Nothing to seed: attempts are all there is."""
