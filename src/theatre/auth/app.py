"""Wiring of auth."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from theatre.auth import seeds, user_sessions
from theatre.auth.hashing import Hasher
from theatre.auth.jobs import JOBS
from theatre.auth.keys import Keyring, read_keyring
from theatre.auth.models import OutboxMessage
from theatre.auth.resources import Resources
from theatre.auth.routes import audit, internal, links, me, roles, tokens, users
from theatre.auth.schemas import Registration
from theatre.auth.settings import AuthSettings
from theatre.auth.throttle import Turns
from theatre.auth.tokens import Mint
from theatre.kit import db
from theatre.kit.access import Access, Keys, Revocations
from theatre.kit.app import Check, create_service_app
from theatre.kit.broker import Broker, open_broker
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.errors import Transient
from theatre.kit.outbox import Relay
from theatre.kit.ratelimit import RedisRateLimit
from theatre.kit.tasks import end
from theatre.kit.worker import Worker

# `me` before `users`, which would take it for an id
ROUTERS = [
    *(tokens.router, links.router, me.router, users.router, roles.router, audit.router),
    internal.router,
]


def create_app(
    settings: AuthSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application of auth, which relays its own outbox. It calls nobody: `transport` is not used."""

    @asynccontextmanager
    async def open_app() -> AsyncIterator[Resources]:
        async with open_resources(settings, broker=broker, clock=clock or SystemClock()) as resources:
            relay = Relay(resources.engine, OutboxMessage, resources.broker, clock=resources.clock)
            worker = Worker(resources, relays=[relay], jobs=JOBS, name=f"{settings.service}-worker")
            async with _running(worker), resources.access.following():
                yield resources

    settings.check_production()
    return create_service_app(
        "auth",
        title="Online Theatre: users and sessions",
        routers=ROUTERS,
        open_resources=open_app,
        checks=_checks,
    )


@asynccontextmanager
async def open_resources(
    settings: AuthSettings, *, broker: Broker | None, clock: Clock
) -> AsyncIterator[Resources]:
    """Open what auth works with."""
    keyring = read_keyring(settings)
    async with AsyncExitStack() as stack:
        if broker is None:
            broker = await stack.enter_async_context(open_broker(settings))
        engine = db.open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        sessions = db.sessions_of(engine)
        rate_limit = RedisRateLimit(settings.redis_url, prefix="auth")
        stack.push_async_callback(rate_limit.close)
        yield Resources(
            settings=settings,
            engine=engine,
            sessions=sessions,
            clock=clock,
            broker=broker,
            access=open_own_access(settings, sessions, keyring=keyring, clock=clock),
            keyring=keyring,
            mint=Mint(settings, keyring),
            hasher=await stack.enter_async_context(Hasher(settings)),
            rate_limit=rate_limit,
            turns=Turns(),
        )


def open_own_access(
    settings: AuthSettings, sessions: db.Sessions, *, keyring: Keyring, clock: Clock
) -> Access:
    """Make the verifier of tokens that other services have, on our own keys and tables."""

    async def fetch_keys() -> Keys:
        return keyring.public

    async def fetch_revocations(since: datetime | None) -> Revocations:
        try:
            async with db.transaction(sessions) as session:
                return await user_sessions.find_revoked(
                    session, since, now=clock.now(), access_ttl_seconds=settings.access_ttl_seconds
                )
        except (DBAPIError, PoolTimeout, OSError) as error:
            raise Transient from error

    return Access(
        issuer=settings.token_issuer, clock=clock, fetch_keys=fetch_keys, fetch_revocations=fetch_revocations
    )


@asynccontextmanager
async def _running(worker: Worker[Resources]) -> AsyncIterator[None]:
    task = asyncio.create_task(worker.run(), name="auth worker")
    try:
        yield
    finally:
        task.cancel()
        await end([task])


def _checks(resources: Resources) -> Mapping[str, Check]:
    return {"database": lambda: db.ping(resources.engine)}


async def init(settings: AuthSettings) -> None:
    """Make roles, first superuser and demo logins that are missing; safe to repeat."""
    settings.check_production()
    engine = db.open_own_engine(settings)
    try:
        await seeds.seed(db.sessions_of(engine), settings, now=SystemClock().now())
    finally:
        await engine.dispose()


async def create_superuser(settings: AuthSettings, *, login: str, email: str, password: str) -> UUID:
    """Make an account that may do everything; give its id.

    Raises:
        UserAlreadyExists, WeakPassword
        pydantic.ValidationError: not a login, an address or a password.
    """
    given = Registration(login=login, email=email, password=password)
    engine = db.open_own_engine(settings)
    try:
        async with Hasher(settings) as hasher:
            sessions = db.sessions_of(engine)
            return (await seeds.add_superuser(sessions, hasher, given, now=SystemClock().now())).id
    finally:
        await engine.dispose()
