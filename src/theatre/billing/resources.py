"""What billing's processes hold while they run."""

from collections.abc import Sequence
from dataclasses import dataclass

from theatre.billing.products import PriceBook
from theatre.billing.receipt_printer import ReceiptPrinter
from theatre.billing.settings import BillingSettings
from theatre.contracts.auth import AuthClient
from theatre.contracts.notification import NotificationClient
from theatre.contracts.payment import PaymentClient
from theatre.kit.access import Access
from theatre.kit.broker.port import Broker
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Sessions
from theatre.kit.idempotency import Flights
from theatre.kit.ratelimit import RateLimit


@dataclass(frozen=True)
class Resources:
    """Of `serve billing`. `exports` are sessions of few connections of their own: whole lists take long, sales do not
    wait for them. `queues` are those that billing's consumers hear."""

    settings: BillingSettings
    engine: Engine
    sessions: Sessions
    exports: Sessions
    access: Access
    clock: Clock
    broker: Broker
    queues: Sequence[str]
    auth: AuthClient
    payment: PaymentClient
    notification: NotificationClient
    limit: RateLimit
    price_book: PriceBook
    flights: Flights
    printer: ReceiptPrinter


@dataclass(frozen=True)
class WorkerResources:
    """Of `work billing`."""

    settings: BillingSettings
    engine: Engine
    sessions: Sessions
    clock: Clock
    broker: Broker
    payment: PaymentClient
    notification: NotificationClient
    auth: AuthClient
