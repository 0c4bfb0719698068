"""What every broker promises: a message is durably accepted or refused, and delivered at least once, in any
order.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from theatre.kit.errors import Transient

PUBLISH_LIMIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes on their way. `key` is dotted (`payment.attempt.succeeded`), `id` recognises a repeat."""

    id: UUID
    key: str
    body: bytes
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which messages a queue gets: topic patterns, `*` for one word, `#` for any number of words."""

    queue: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Finished with the message: forget it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Deliver it again, not sooner than in `delay_seconds`."""

    delay_seconds: float


@dataclass(frozen=True, slots=True)
class Dead:
    """Put it aside for a person to look at, with the reason."""

    reason: str


Verdict = Done | Retry | Dead
# (message, was it delivered before?) -> what to do with it. Must not raise.
Receive = Callable[[Message, bool], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True)
class DeadMessage:
    """A message put aside. `id` is None where the sender gave none; such a message can be replayed only
    with all.
    """

    id: UUID | None
    key: str
    body: bytes
    reason: str
    headers: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages of a queue are due and not yet taken, and how many were put aside; it may stop at 10,000."""

    due: int
    dead: int


class Unpublished(Transient):
    """Messages that were not accepted.

    `unsent` holds all of them; `refused` those to which the broker said no, with its reason (no queue takes
    them, or it
    is full). What is in `unsent` alone met an unreachable broker and may even have arrived.
    """

    code = "kit.unpublished"

    def __init__(self, unsent: Collection[UUID], *, refused: Mapping[UUID, str] | None = None) -> None:
        self.unsent = frozenset(unsent)
        self.refused = dict(refused or {})
        super().__init__(
            f"{len(self.unsent)} messages were not accepted, {len(self.refused)} of them refused"
        )


class Broker(Protocol):
    """RabbitMQ or the embedded one."""

    async def declare(self, subscriptions: Sequence[Subscription]) -> None:
        """Make queues and bindings that are missing; none is ever taken away. Done by `theatre init`, safe
        to repeat.
        """

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when all are stored durably in every queue that wants them, within 5 s.

        Raises:
            Unpublished: names those that were not; the others were.
        """

    async def consume(self, queue: str, receive: Receive, *, concurrency: int = 8) -> None:
        """Hand messages to `receive`, `concurrency` at once, until cancelled; outlives losses of the broker.

        Cancelled, it takes no more and waits a few seconds for those at work.
        """

    async def check(self, queues: Sequence[str]) -> None:
        """Make sure that the broker answers and that these queues can be used.

        Raises:
            Transient: says what is missing.
        """

    async def count(self, queue: str) -> Depth:
        """Tell how much lies in a queue, cheaply.

        Raises:
            Transient: the broker does not answer, or has no such queue.
        """

    async def list_dead(self, queue: str, *, limit: int = 100) -> list[DeadMessage]:
        """Look at what was put aside, without taking it."""

    async def replay_dead(self, queue: str, ids: Collection[UUID] | None = None) -> int:
        """Put the named dead messages, or all, back into their queue; give their number."""
