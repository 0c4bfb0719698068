"""The broker port and its members: RabbitMQ for deployment, PostgreSQL for the embedded house."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from theatre.kit.broker.embedded import EmbeddedBroker, release_claims
from theatre.kit.broker.port import (
    Broker,
    Dead,
    DeadMessage,
    Depth,
    Done,
    Message,
    Receive,
    Retry,
    Subscription,
    Unpublished,
    Verdict,
)
from theatre.kit.broker.rabbit import RabbitBroker
from theatre.kit.settings import ServiceSettings

__all__ = [
    "Broker",
    "Dead",
    "DeadMessage",
    "Depth",
    "Done",
    "Message",
    "Receive",
    "Retry",
    "Subscription",
    "Unpublished",
    "Verdict",
    "open_broker",
    "release_claims",
]


@asynccontextmanager
async def open_broker(settings: ServiceSettings) -> AsyncIterator[Broker]:
    """Open the broker that `broker_url` names: `amqp://…`, or `embedded` in the database of `database_url`.

    Neither has to be reachable yet.
    """
    broker: RabbitBroker | EmbeddedBroker
    if settings.broker_url == "embedded":
        broker = EmbeddedBroker(settings.database_url, exchange=settings.broker_exchange)
    else:
        broker = RabbitBroker(
            settings.broker_url, exchange=settings.broker_exchange, queue_type=settings.broker_queue_type
        )
    async with broker:
        yield broker
