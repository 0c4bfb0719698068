"""What the doors and the worker of notification work with."""

from dataclasses import dataclass, field

from theatre.contracts.auth import AuthClient
from theatre.kit.access import Access
from theatre.kit.broker import Broker
from theatre.kit.clock import Clock
from theatre.kit.db import Engine, Sessions
from theatre.kit.idempotency import Flights
from theatre.notification.deliveries import Post
from theatre.notification.live import Live
from theatre.notification.mails import Writer
from theatre.notification.wakes import Bell


@dataclass(frozen=True)
class Resources:
    """For the application."""

    engine: Engine
    sessions: Sessions
    access: Access
    auth: AuthClient
    clock: Clock
    writer: Writer
    flights: Flights
    live: Live


@dataclass(frozen=True)
class WorkerResources:
    """For the worker."""

    engine: Engine
    sessions: Sessions
    clock: Clock
    broker: Broker
    post: Post
    bell: Bell = field(default_factory=Bell)
