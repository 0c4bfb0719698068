"""The worker: consumers, relays and jobs of a service, run side by side until cancelled."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from theatre.kit.broker.port import Broker, Subscription
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions
from theatre.kit.events import Envelope, Event
from theatre.kit.inbox import Table
from theatre.kit.outbox import Relay


class WorkerResources(Protocol):
    """What a worker needs of a service's frozen `Resources`."""

    @property
    def sessions(self) -> Sessions: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def broker(self) -> Broker: ...


R = TypeVar("R", bound=WorkerResources)
E = TypeVar("E", bound=Event)
# settle(session, event, message, resources): inside one transaction with the inbox mark; no network
Settle = Callable[[Session, E, Envelope, R], Awaitable[object]]
# tell(event, message, resources): no transaction open; whoever it calls must recognise repeats by `message.id`
Tell = Callable[[E, Envelope, R], Awaitable[object]]


class Consumer(Generic[R]):
    """One queue, and what to do with the facts that arrive in it.

    `ignores` are topic patterns that are taken without effect: a fact needs one queue that takes it, else the relay
    keeps it as unroutable.
    """

    def __init__(self, queue: str, inbox: Table, *, ignores: Sequence[str] = ()) -> None:
        self.queue = queue
        self.inbox = inbox
        self.ignores = tuple(ignores)

    @property
    def subscription(self) -> Subscription:
        """Name the queue and the keys it wants, for `declare`."""
        return Subscription(self.queue, self.ignores)

    def on(self, event: type[E]) -> Callable[[Settle[E, R]], Settle[E, R]]:
        """Register a verb that settles the fact in our own tables, in one transaction with the inbox mark."""

        def register(settle: Settle[E, R]) -> Settle[E, R]:
            return settle

        return register

    def call(self, event: type[E]) -> Callable[[Tell[E, R]], Tell[E, R]]:
        """Register a verb that tells somebody over the network; repeated if we die before the inbox mark."""

        def register(tell: Tell[E, R]) -> Tell[E, R]:
            return tell

        return register


@dataclass(frozen=True)
class Job(Generic[R]):
    """Something due at start and every `every_seconds` (± 10 %); every copy of a worker runs it, so it must be safe."""

    name: str
    every_seconds: float
    run: Callable[[R], Awaitable[object]]


@dataclass
class Worker(Generic[R]):
    """Everything a service does without being asked over HTTP."""

    resources: R
    consumers: Sequence[Consumer[R]] = ()
    relays: Sequence[Relay] = ()
    jobs: Sequence[Job[R]] = ()
    concurrency: int = field(default=8, kw_only=True)

    async def run(self) -> None:
        """Run until cancelled; then finish what is at work, within 10 s."""
