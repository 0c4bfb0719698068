"""Wiring of billing."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
from fastapi import FastAPI

from theatre.billing import ledger_days, products, verification
from theatre.billing.consumers import outcomes, sending, telling
from theatre.billing.jobs import JOBS
from theatre.billing.models import OutboxMessage
from theatre.billing.receipt_printer import ReceiptPrinter
from theatre.billing.resources import Resources, WorkerResources
from theatre.billing.routes import internal, payment_methods, promo_codes, public, subscriptions
from theatre.billing.routes import receipts as own_receipts
from theatre.billing.routes.admin import (
    audit,
    cases,
    catalogue,
    customers,
    disputes,
    ledger,
    messages,
    payments,
    promotions,
    receipts,
    reconciliation,
    refunds,
    reports,
)
from theatre.billing.settings import BillingSettings
from theatre.billing.verification import Finding
from theatre.contracts.auth import AuthClient, open_access, service_token
from theatre.contracts.notification import NotificationClient
from theatre.contracts.payment import PaymentClient
from theatre.kit.app import create_service_app
from theatre.kit.broker import Broker, open_broker
from theatre.kit.clock import Clock, SystemClock
from theatre.kit.db import open_engine, open_own_engine, ping, sessions_of, transaction
from theatre.kit.http import ServiceClient
from theatre.kit.idempotency import Flights
from theatre.kit.outbox import Relay
from theatre.kit.ratelimit import RedisRateLimit
from theatre.kit.worker import Worker

# payment-service asks the provider meanwhile, which has ten seconds
PAYMENT_TIMEOUT_SECONDS = 15.0
CONSUMERS = [outcomes, sending, telling]
ADMIN = [
    payments,
    refunds,
    disputes,
    receipts,
    promotions,
    customers,
    catalogue,
    cases,
    ledger,
    reconciliation,
    audit,
    messages,
    reports,
]
# who wants more whole lists than that at the same moment is asked to come back
EXPORTS_AT_ONCE = 2


@asynccontextmanager
async def open_resources(
    settings: BillingSettings,
    *,
    broker: Broker | None,
    transport: httpx.AsyncBaseTransport | None,
    clock: Clock,
) -> AsyncIterator[Resources]:
    """Open the database, the ways to auth, payment-service, notification-service and dead messages, and the rate
    limits."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        exporting = open_engine(
            settings.database_url, role=settings.service, pool_size=EXPORTS_AT_ONCE, kept=1
        )
        stack.push_async_callback(exporting.dispose)
        token = service_token(settings, transport)
        auth = AuthClient(ServiceClient(settings.auth_url, token=token, transport=transport))
        stack.push_async_callback(auth.close)
        payment = payment_client(settings, transport)
        stack.push_async_callback(payment.close)
        notification = notification_client(settings, transport)
        stack.push_async_callback(notification.close)
        limit = RedisRateLimit(settings.redis_url, prefix=settings.service)
        stack.push_async_callback(limit.close)
        sessions = sessions_of(engine)
        yield Resources(
            settings=settings,
            engine=engine,
            sessions=sessions,
            exports=sessions_of(exporting),
            access=await stack.enter_async_context(open_access(settings, auth, clock).following()),
            clock=clock,
            broker=broker if broker is not None else await stack.enter_async_context(open_broker(settings)),
            queues=[consumer.queue for consumer in CONSUMERS],
            auth=auth,
            payment=payment,
            notification=notification,
            limit=limit,
            price_book=products.PriceBook(sessions, clock),
            flights=Flights(),
            printer=stack.enter_context(ReceiptPrinter(settings.period_zone)),
        )


def payment_client(settings: BillingSettings, transport: httpx.AsyncBaseTransport | None) -> PaymentClient:
    """Make the way to payment-service."""
    client = ServiceClient(
        settings.payment_url,
        token=service_token(settings, transport),
        transport=transport,
        timeout_seconds=PAYMENT_TIMEOUT_SECONDS,
    )
    return PaymentClient(client)


def notification_client(
    settings: BillingSettings, transport: httpx.AsyncBaseTransport | None
) -> NotificationClient:
    """Make the way to notification-service."""
    token = service_token(settings, transport)
    return NotificationClient(ServiceClient(settings.notification_url, token=token, transport=transport))


def create_app(
    settings: BillingSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> FastAPI:
    """Make the application. It serves without a broker, which only dead messages are asked of: its facts wait in the
    outbox for the worker."""
    return create_service_app(
        settings.service,
        title="Billing",
        routers=[
            public.router,
            promo_codes.router,
            subscriptions.router,
            payment_methods.router,
            own_receipts.router,
            *(doors.router for doors in ADMIN),
            internal.router,
        ],
        open_resources=partial(
            open_resources, settings, broker=broker, transport=transport, clock=clock or SystemClock()
        ),
        checks=lambda resources: {"database": partial(ping, resources.engine)},
    )


@asynccontextmanager
async def create_worker(
    settings: BillingSettings,
    *,
    broker: Broker | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Worker[WorkerResources]]:
    """Make `worker-billing-notify`: hears outcomes, relays the outbox, runs the jobs."""
    async with AsyncExitStack() as stack:
        engine = open_own_engine(settings)
        stack.push_async_callback(engine.dispose)
        token = service_token(settings, transport)
        notification = notification_client(settings, transport)
        stack.push_async_callback(notification.close)
        payment = payment_client(settings, transport)
        stack.push_async_callback(payment.close)
        auth = AuthClient(ServiceClient(settings.auth_url, token=token, transport=transport))
        stack.push_async_callback(auth.close)
        resources = WorkerResources(
            settings=settings,
            engine=engine,
            sessions=sessions_of(engine),
            clock=clock or SystemClock(),
            broker=broker if broker is not None else await stack.enter_async_context(open_broker(settings)),
            payment=payment,
            notification=notification,
            auth=auth,
        )
        relay = Relay(engine, OutboxMessage, resources.broker, clock=resources.clock)
        yield Worker(
            resources, consumers=CONSUMERS, relays=[relay], jobs=JOBS, name=f"{settings.service}-worker"
        )


async def init(settings: BillingSettings) -> None:
    """Apply the price list; repeating it changes nothing."""
    engine = open_own_engine(settings)
    try:
        price_list = products.read_price_list(settings.price_list)
        async with transaction(sessions_of(engine)) as session:
            await products.apply_price_list(session, price_list, now=SystemClock().now())
    finally:
        await engine.dispose()


async def verify_ledger(settings: BillingSettings, *, is_rebuilt: bool) -> AsyncIterator[Finding]:
    """Check every statement about the ledger on one snapshot; first build anew what is summed from it, if asked to:
    balances at once, days when the worker next closes them."""
    engine = open_own_engine(settings)
    try:
        if is_rebuilt:
            async with transaction(sessions_of(engine)) as session:
                await verification.rebuild_balances(session)
                await ledger_days.reopen(session)
        async with transaction(sessions_of(engine)) as session:
            async for finding in verification.verify(session):
                yield finding
    finally:
        await engine.dispose()
