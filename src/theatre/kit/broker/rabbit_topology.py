"""How our queues look inside RabbitMQ: names, arguments, declaring and checking."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel

from theatre.kit.broker.port import Subscription

# A delayed retry waits in the queue of the first level that is long enough.
RETRY_LEVELS_SECONDS = (1, 5, 30, 120, 600)
# Our own count of tries parks a poison message long before; this only bounds what never reaches our code.
QUORUM_DELIVERY_LIMIT = 100
ANSWER_LIMIT_SECONDS = 5.0

Arguments = dict[str, str | int]


@dataclass(frozen=True)
class Topology:
    """Names and arguments of everything below one topic exchange."""

    exchange: str
    queue_type: Literal["classic", "quorum"] = "classic"

    @property
    def dead_exchange(self) -> str:
        return f"{self.exchange}.dead"

    def queue(self, queue: str) -> str:
        return f"{self.exchange}.{queue}"

    def dead_queue(self, queue: str) -> str:
        return f"{self.exchange}.{queue}.dead"

    def retry_queue(self, queue: str, delay_seconds: float) -> str:
        fitting = (level for level in RETRY_LEVELS_SECONDS if level >= delay_seconds)
        return f"{self.exchange}.{queue}.retry.{next(fitting, RETRY_LEVELS_SECONDS[-1])}s"

    def queues_of(self, queue: str) -> Mapping[str, Arguments]:
        """Name the queue and its companions, each with its arguments."""
        own = self.queue(queue)
        found = {
            own: self._arguments(self.dead_exchange, own),
            self.dead_queue(queue): self._arguments(),
        }
        for level in RETRY_LEVELS_SECONDS:
            arguments = self._arguments("", own)
            found[self.retry_queue(queue, level)] = {**arguments, "x-message-ttl": level * 1000}
        return found

    def _arguments(self, dead_letter_exchange: str | None = None, dead_letter_key: str = "") -> Arguments:
        arguments: Arguments = {"x-queue-type": self.queue_type}
        if dead_letter_exchange is not None:
            arguments["x-dead-letter-exchange"] = dead_letter_exchange
            arguments["x-dead-letter-routing-key"] = dead_letter_key
        if self.queue_type == "quorum":
            arguments["x-delivery-limit"] = QUORUM_DELIVERY_LIMIT
            if dead_letter_exchange is not None:
                # the one combination in which RabbitMQ itself moves dead letters at least once
                arguments["x-dead-letter-strategy"] = "at-least-once"
                arguments["x-overflow"] = "reject-publish"
        return arguments

    async def declare(self, channel: AbstractChannel, subscription: Subscription) -> None:
        """Make exchanges, the queue with its companions, and its bindings, where missing."""
        limit = ANSWER_LIMIT_SECONDS
        topic = await channel.declare_exchange(self.exchange, ExchangeType.TOPIC, durable=True, timeout=limit)
        dead = await channel.declare_exchange(
            self.dead_exchange, ExchangeType.DIRECT, durable=True, timeout=limit
        )
        own = self.queue(subscription.queue)
        for name, arguments in self.queues_of(subscription.queue).items():
            made = await channel.declare_queue(name, durable=True, arguments={**arguments}, timeout=limit)
            if name == own:
                for key in subscription.keys:
                    await made.bind(topic, key, timeout=limit)
            elif name == self.dead_queue(subscription.queue):
                await made.bind(dead, own, timeout=limit)

    async def check(self, channel: AbstractChannel, queue: str) -> None:
        """Ask for exchanges and queues; raises what the broker answers for the first one that is missing."""
        for exchange in (self.exchange, self.dead_exchange):
            await channel.get_exchange(exchange, ensure=True)
        for name in self.queues_of(queue):
            await channel.declare_queue(name, passive=True, timeout=ANSWER_LIMIT_SECONDS)
