"""Billing, its worker, payment and the sandbox in this process, in which nothing moves unless a test moves it.

There are no background tasks: who holds a `World` is its broker, its relays, its jobs, its network and its clock.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import asyncpg
import httpx
from fastapi import FastAPI, Request
from redis.asyncio import Redis

from tests.databases import fresh_database, own_redis_database
from tests.factories.auth_door import AuthDoor
from tests.payment.network import Network
from tests.services import Services
from theatre.billing import app as billing
from theatre.billing.models import OutboxMessage as BillingOutbox
from theatre.billing.resources import WorkerResources
from theatre.billing.settings import BillingSettings
from theatre.kit.broker.port import Dead, Message, Unpublished
from theatre.kit.broker.topics import matches
from theatre.kit.clock import MovableClock
from theatre.kit.consumer import Consumer
from theatre.kit.faults import is_unavailability
from theatre.kit.migrations import migrate
from theatre.kit.outbox import Relay
from theatre.kit.worker import Job
from theatre.payment import app as payment
from theatre.payment.jobs import jobs as payment_jobs
from theatre.payment.models import OutboxMessage as PaymentOutbox
from theatre.payment.settings import PaymentSettings
from theatre.sandbox import app as sandbox
from theatre.sandbox.settings import SandboxSettings

HOUSE = "http://127.0.0.1:8000"
CALLBACKS = "/payment/api/v1/callbacks/yookassa"
CONTROL = "/sandbox/control/v1"
SCHEMAS = ("billing", "payment", "sandbox")
KEPT_TABLES = {"alembic_version", "product", "price", "shop", "clock_offset"}
KEPT_CONNECTIONS = 2
STAFF_LIMIT_MINOR = 20_000
SERVER_ERROR = 500


class PatientAuthDoor(AuthDoor):
    """Its tokens outlive every clock that a test moves."""

    def _token(self, subject: str, audience: str, **claims: object) -> str:
        return super()._token(subject, audience, **{**claims, "exp": 2**33})


@dataclass(eq=False)
class Parcel:
    """One message in one queue: never thrown away, since a broker may deliver it once more at any time."""

    consumer: Consumer[WorkerResources]
    message: Message
    is_done: bool = False


@dataclass
class HeldBroker:
    """Takes messages and delivers none by itself. With `loses_answers` it takes them and says that it did not; while
    it `is_away` it takes none."""

    consumers: Sequence[Consumer[WorkerResources]]
    parcels: list[Parcel] = field(default_factory=list)
    loses_answers: bool = False
    is_away: bool = False

    async def publish(self, messages: Sequence[Message]) -> None:
        """Put each message into every queue that wants it."""
        if self.is_away:
            raise Unpublished([message.id for message in messages])
        for message in messages:
            takers = [
                one
                for one in self.consumers
                if any(matches(key, message.key) for key in one.subscription.keys)
            ]
            assert takers, f"no queue takes {message.key}"
            self.parcels += [Parcel(consumer, message) for consumer in takers]
        if self.loses_answers:
            self.loses_answers = False
            raise Unpublished([message.id for message in messages])


@dataclass
class World:
    """The applications on one database, one Redis and one clock."""

    database_url: str
    redis_url: str
    clock: MovableClock = field(default_factory=MovableClock)
    auth: AuthDoor = field(default_factory=PatientAuthDoor)
    network: Network = field(default_factory=Network)
    told: list[str] = field(default_factory=list)
    posted: set[UUID] = field(default_factory=set)
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def prepare(self) -> None:
        """Lay the tables, apply the price list, make the shop; done once."""
        for schema in SCHEMAS:
            await migrate(schema, self.database_url)
        common: dict[str, Any] = {
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "public_url": HOUSE,
            "database_kept_connections": KEPT_CONNECTIONS,
        }
        self.billing_settings = BillingSettings(**common, refund_limits={"RUB": STAFF_LIMIT_MINOR})
        self.payment_settings = PaymentSettings(**common, providers="yookassa,stripe")
        self.sandbox_settings = SandboxSettings(**common)
        await billing.init(self.billing_settings)
        await sandbox.init(self.sandbox_settings)
        self.oracle = await asyncpg.connect(self.database_url)
        self.http = httpx.AsyncClient(transport=self.network, base_url=HOUSE)
        self.broker = HeldBroker(billing.CONSUMERS)
        tables = await self.oracle.fetch(
            "SELECT table_schema || '.' || table_name AS name, table_name FROM information_schema.tables"
            " WHERE table_schema = ANY($1)",
            SCHEMAS,
        )
        self.emptied = [row["name"] for row in tables if row["table_name"] not in KEPT_TABLES]
        prices = await self.oracle.fetch(
            "SELECT id FROM billing.price WHERE is_active ORDER BY amount_minor, id"
        )
        self.prices: list[UUID] = [row["id"] for row in prices]
        films = await self.oracle.fetch(
            "SELECT film_id FROM billing.product WHERE film_id IS NOT NULL ORDER BY code"
        )
        self.films: list[UUID] = [row["film_id"] for row in films]

    async def open(self) -> None:
        """Start every process."""
        self.running = AsyncExitStack()
        parts: dict[str, Any] = {"transport": self.network, "clock": self.clock}
        billing_app = billing.create_app(self.billing_settings, **parts)
        # both would relay, ask and send by themselves
        with (
            patch.object(payment, "open_working", payment.open_resources),
            patch.object(sandbox, "open_working", sandbox.open_resources),
        ):
            payment_app = payment.create_app(self.payment_settings, broker=self.broker, **parts)  # type: ignore[arg-type]
            sandbox_app = sandbox.create_app(self.sandbox_settings, **parts)
        self.network.applications = {
            "auth": self.auth.transport.app,
            "billing": billing_app,
            "payment": payment_app,
            "sandbox": sandbox_app,
            "notification": notification_door(self.told),
        }
        for app in (sandbox_app, payment_app, billing_app):
            await self.running.enter_async_context(app.router.lifespan_context(app))
        worker = billing.create_worker(self.billing_settings, broker=self.broker, **parts)  # type: ignore[arg-type]
        self.worker = await self.running.enter_async_context(worker)
        self.held = self.worker.resources
        held = payment_app.state.resources
        self.relays = [*self.worker.relays, Relay(held.engine, PaymentOutbox, self.broker, clock=self.clock)]  # type: ignore[arg-type]
        self.jobs: list[tuple[Job[Any], Any]] = [
            *((job, self.held) for job in self.worker.jobs),
            *((job, held) for job in payment_jobs(1)),
        ]
        assert self.worker.relays[0].table is BillingOutbox

    async def close(self) -> None:
        """Stop every process."""
        await self.running.aclose()

    async def restart(self) -> None:
        """Stop every process and start it again; Redis has lost everything meanwhile."""
        await self.close()
        async with Redis.from_url(self.redis_url) as redis:
            await redis.flushdb()
        await self.open()

    async def empty(self) -> None:
        """Begin with empty books and a faultless network; prices, the shop and the time stay."""
        self.network.faults.clear()
        self.broker.parcels.clear()
        self.broker.loses_answers = False
        self.told.clear()
        self.posted.clear()
        async with self.oracle.transaction():
            await self.oracle.execute("SET LOCAL session_replication_role = replica")
            await self.oracle.execute(";".join(f"DELETE FROM {table}" for table in self.emptied))
        # the sandbox keeps faults in memory
        await self.control("DELETE", "faults")

    async def call(self, method: str, path: str, **words: Any) -> httpx.Response:
        """Call a door; it must not break."""
        response = await self.http.request(method, path, **words)
        assert response.status_code != SERVER_ERROR, response.text
        return response

    async def buy(
        self, method: str, path: str, body: object = None, *, user_id: UUID, key: str = ""
    ) -> httpx.Response:
        """Call a door of billing as a user."""
        headers = {**self.auth.user(user_id), "Idempotency-Key": key or str(uuid4())}
        return await self.call(method, f"/billing/api/v1{path}", json=body, headers=headers)

    async def look(self, path: str) -> Any:
        """Read a door of billing as staff."""
        headers = self.auth.user(uuid4(), "billing.read")
        response = await self.call("GET", f"/billing/api/v1/admin{path}", headers=headers)
        assert response.status_code == httpx.codes.OK, response.text
        return response.json()

    async def serve(self, path: str, body: object, *, staff_id: UUID) -> httpx.Response:
        """Call a door of billing as staff who may do everything there."""
        rights = ("billing.read", "billing.refund", "billing.manage")
        headers = {**self.auth.user(staff_id, *rights), "Idempotency-Key": str(uuid4())}
        return await self.call("POST", f"/billing/api/v1/admin{path}", json=body, headers=headers)

    async def control(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Turn a switch of the sandbox; it must not be refused."""
        response = await self.call(method, f"{CONTROL}/{path}", json=body)
        assert response.is_success, response.text
        return response

    async def let_sandbox_work(self) -> None:
        """Let the payment system end what is due."""
        await self.control("POST", "clock", {"advance_seconds": 0})

    async def notifications(self) -> list[tuple[UUID, str]]:
        """List what the payment system has to tell, oldest first."""
        rows = await self.oracle.fetch("SELECT id, body FROM sandbox.notification ORDER BY created_at, id")
        return [(row["id"], row["body"]) for row in rows]

    async def call_back(self, notification: tuple[UUID, str]) -> None:
        """Tell payment what a notification says; it must say that it has heard."""
        headers = {"Content-Type": "application/json"}
        response = await self.call("POST", CALLBACKS, content=notification[1].encode(), headers=headers)
        assert response.status_code == httpx.codes.OK, response.text
        self.posted.add(notification[0])

    async def relay(self, number: int) -> int:
        """Let one relay send a batch."""
        try:
            return await self.relays[number].send_batch()
        except Unpublished:
            return 0

    async def deliver(self, parcel: Parcel, *, redelivered: bool = False) -> None:
        """Deliver a message as the worker takes it; one whose verb meets a defect ends the test."""
        consumer, message = parcel.consumer, parcel.message
        try:
            await consumer.attempt(message, self.held, redelivered=redelivered)
            assert await self._is_marked(parcel), f"I-31: {message.key} left no mark in {consumer.queue}"
            parcel.is_done = True
        except Exception as error:
            if not is_unavailability(error):
                raise
            verdict = await consumer.judge(error, message, self.held, redelivered=redelivered)
            assert not isinstance(verdict, Dead), verdict

    async def _is_marked(self, parcel: Parcel) -> bool:
        if parcel.message.key not in parcel.consumer.subscription.keys:
            return True
        mark = (
            "SELECT handled_at IS NOT NULL FROM billing.inbox_message WHERE consumer = $1 AND message_id = $2"
        )
        async with self.looking:
            return bool(await self.oracle.fetchval(mark, parcel.consumer.queue, parcel.message.id))

    def undelivered(self) -> list[Parcel]:
        """List the messages that wait in queues."""
        return [parcel for parcel in self.broker.parcels if not parcel.is_done]

    async def run_job(self, number: int) -> None:
        """Let one job have a turn."""
        job, held = self.jobs[number % len(self.jobs)]
        await job.run(held)

    async def move_on(self, *, with_callbacks: bool = True) -> None:
        """Let everybody do what is to be done now, once."""
        await self.let_sandbox_work()
        if with_callbacks:
            for notification in await self.notifications():
                if notification[0] not in self.posted:
                    await self.call_back(notification)
        for number in reversed(range(len(self.jobs))):
            await self.run_job(number)
        while sum([await self.relay(number) for number in range(len(self.relays))]) or self.undelivered():
            for parcel in self.undelivered():
                await self.deliver(parcel)

    def advance(self, step: timedelta) -> None:
        """Let time pass."""
        self.clock.advance(step)


@asynccontextmanager
async def open_world(services: Services) -> AsyncIterator[World]:
    """Give a world that runs, on a database and a Redis of its own."""
    async with (
        fresh_database(services.postgres_url) as database_url,
        own_redis_database(services.redis_url) as redis_url,
    ):
        world = World(database_url, redis_url)
        await world.prepare()
        await world.open()
        yield world
        await world.close()
        await world.http.aclose()
        await world.oracle.close()


def notification_door(told: list[str]) -> FastAPI:
    """Make notification-service as billing sees it: it writes down what it is told."""
    app = FastAPI()

    @app.post("/notification/internal/v1/events/{kind}")
    async def tell(request: Request, kind: str) -> dict[str, str]:
        told.append((await request.json())["dedupe_key"])
        return {"id": str(uuid4())}

    return app
