"""Consumers: one queue each, and for every kind of fact in it the verb that answers it.

What arrives may be late, doubled, out of order or rubbish. A repeat has no second effect; rubbish and
refusals are put
aside with their reason; whatever was only away is waited for; a message that kills its process is parked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from theatre.kit.broker.port import Broker, Dead, Done, Message, Retry, Subscription, Verdict
from theatre.kit.broker.topics import matches
from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, transact
from theatre.kit.errors import Problem
from theatre.kit.events import Envelope, Event
from theatre.kit.faults import describe, is_unavailability
from theatre.kit.inbox import Inbox, Table
from theatre.kit.logging import get_logger
from theatre.kit.reports import report

MAX_TRIES = 5
RETRY_SECONDS = (1, 5, 30, 120)
MAX_WAIT_SECONDS = 30.0
HANDLER_LIMIT_SECONDS = 60
MAX_BODY_BYTES = 1024 * 1024

log = get_logger(__name__)


class WorkerResources(Protocol):
    """What a consumer needs of a service's frozen `Resources`."""

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
# tell(event, message, resources): no transaction open; whoever it calls must recognise repeats by
# `message.id`
Tell = Callable[[E, Envelope, R], Awaitable[object]]


class Unreadable(Problem):
    """Not an envelope, or of a type or version that nobody here knows."""

    code = "kit.message_unreadable"
    title = "The message cannot be read"


class Parked(Problem):
    """Tried too often without an end: it takes its process with it."""

    code = "kit.message_parked"
    title = "The message ended its consumer too often"


class Overlong(Exception):
    """The verb took more time than a delivery may."""


@dataclass(frozen=True)
class Occasion(Generic[R]):
    """On what a fact is answered: the message that brought it, what we hold, whether this try is counted already."""

    message: Envelope
    resources: R
    counted: bool


@dataclass(frozen=True)
class Route(Generic[R]):
    """How one type of fact is answered."""

    event: type[Event]
    answer: Callable[[Any, Occasion[R]], Awaitable[None]]


class Consumer(Generic[R]):
    """One queue, and what to do with the facts that arrive in it.

    `ignores` are topic patterns that are taken without effect: a fact needs one queue that takes it, else
    the relay keeps it as unroutable.
    """

    def __init__(self, queue: str, inbox: Table, *, ignores: Sequence[str] = ()) -> None:
        self.queue = queue
        self.inbox = Inbox(inbox, queue)
        self.ignores = tuple(ignores)
        # redelivered messages go one by one, so that one that kills us drags no innocent to the limit
        self.suspects = asyncio.Lock()
        self._routes: dict[str, Route[R]] = {}

    @property
    def subscription(self) -> Subscription:
        """Name the queue and the keys it wants, for `declare`."""
        return Subscription(self.queue, (*self._routes, *self.ignores))

    def on(self, event: type[E]) -> Callable[[Settle[E, R]], Settle[E, R]]:
        """Register a verb that settles the fact in our own tables, in one transaction with the inbox mark."""

        def register(settle: Settle[E, R]) -> Settle[E, R]:
            async def answer(fact: E, on: Occasion[R]) -> None:
                async def settle_once(session: Session) -> None:
                    if await self._mark(session, on):
                        await settle(session, fact, on.message, on.resources)

                await transact(on.resources.sessions, settle_once)

            self._add(Route(event, answer))
            return settle

        return register

    def call(self, event: type[E]) -> Callable[[Tell[E, R]], Tell[E, R]]:
        """Register a verb that tells somebody over the network; repeated if we die before the inbox mark."""

        def register(tell: Tell[E, R]) -> Tell[E, R]:
            async def answer(fact: E, on: Occasion[R]) -> None:
                async with on.resources.sessions.begin() as session:
                    if await self.inbox.is_handled(session, on.message.id):
                        return
                await tell(fact, on.message, on.resources)
                async with on.resources.sessions.begin() as session:
                    await self._mark(session, on)

            self._add(Route(event, answer))
            return tell

        return register

    async def _mark(self, session: Session, on: Occasion[R]) -> bool:
        now = on.resources.clock.now()
        return await self.inbox.mark(session, on.message.id, now=now, counted=on.counted)

    async def attempt(self, message: Message, resources: R, *, redelivered: bool) -> Verdict:
        """Answer the fact once; an exception is for `judge`.

        The first delivery is not counted before it is tried: that would double the commits. A redelivered
        one is, so what kills its process is parked after `MAX_TRIES`.
        """
        envelope = _read_envelope(message)
        route = self._routes.get(envelope.type)
        if route is None:
            return self._ignore(envelope)
        event = _read_event(envelope, route.event)
        if redelivered and not await self._count_try(envelope, resources):
            return Done()
        limit = asyncio.timeout(HANDLER_LIMIT_SECONDS)
        try:
            async with limit:
                await route.answer(event, Occasion(envelope, resources, counted=redelivered))
        except TimeoutError as error:
            if limit.expired():
                raise Overlong(f"not answered within {HANDLER_LIMIT_SECONDS} s") from error
            raise
        return Done()

    async def judge(self, error: Exception, message: Message, resources: R, *, redelivered: bool) -> Verdict:
        """Decide what becomes of a message whose attempt raised, and record it in the inbox."""
        reason, now = describe(error), resources.clock.now()
        async with resources.sessions.begin() as session:
            if is_unavailability(error):
                log.info("consumer.waiting", queue=self.queue, id=str(message.id), error=reason)
                since = await self.inbox.record_wait(
                    session, message.id, reason, now=now, counted=redelivered
                )
                # as long again as half of what it has waited already
                return Retry(min(MAX_WAIT_SECONDS, max(1.0, (now - since).total_seconds() / 2)))
            if isinstance(error, Problem):
                return await self._bury(session, message, reason, now=now)
            log.warning("consumer.failed", queue=self.queue, id=str(message.id), error=reason, exc_info=error)
            report(error, queue=self.queue, message=message.key)
            tries = await self.inbox.record_failure(session, message.id, reason, now=now, counted=redelivered)
            if tries >= MAX_TRIES:
                return await self._bury(session, message, f"tried {tries} times: {reason}", now=now)
            return Retry(RETRY_SECONDS[tries - 1])

    def _add(self, route: Route[R]) -> None:
        if route.event.key in self._routes:
            raise ValueError(f"{self.queue} answers {route.event.key} already")
        self._routes[route.event.key] = route

    def _ignore(self, envelope: Envelope) -> Verdict:
        if any(matches(pattern, envelope.type) for pattern in self.ignores):
            return Done()
        raise Unreadable(f"nobody here answers the type {envelope.type!r}")

    async def _count_try(self, envelope: Envelope, resources: R) -> bool:
        async with resources.sessions.begin() as session:
            tries = await self.inbox.count_try(session, envelope.id, now=resources.clock.now())
        if tries is not None and tries > MAX_TRIES:
            raise Parked()
        return tries is not None

    async def _bury(self, session: Session, message: Message, reason: str, *, now: datetime) -> Dead:
        log.error("consumer.dead", queue=self.queue, id=str(message.id), key=message.key, reason=reason)
        await self.inbox.bury(session, message.id, reason, now=now)
        return Dead(reason)


def _read_envelope(message: Message) -> Envelope:
    if len(message.body) > MAX_BODY_BYTES:
        raise Unreadable(f"{len(message.body)} bytes are too many")
    try:
        return Envelope.model_validate_json(message.body)
    except ValidationError as error:
        raise Unreadable(f"not an envelope: {_faults(error)}") from error


def _read_event(envelope: Envelope, event: type[E]) -> E:
    if envelope.version != event.version:
        raise Unreadable(f"{envelope.type} has version {envelope.version}, known is {event.version}")
    try:
        return event.model_validate(envelope.data)
    except ValidationError as error:
        raise Unreadable(f"not a {envelope.type}: {_faults(error)}") from error


def _faults(error: ValidationError) -> str:
    """Say where and what, without the values."""
    listed = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in listed[:5])
