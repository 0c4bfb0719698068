"""The worker: consumers, relays and jobs of a service, run side by side until cancelled."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import SystemRandom
from typing import Any, Generic

import structlog

from theatre.kit.broker.port import Message, Receive, Retry, Verdict
from theatre.kit.consumer import Consumer, R, WorkerResources
from theatre.kit.ids import new_id
from theatre.kit.logging import get_logger
from theatre.kit.metrics import DEAD_MESSAGES, JOBS, MEASURE_SECONDS, MESSAGE_AGE, QUEUE_MESSAGES, age_seconds
from theatre.kit.outbox import Relay
from theatre.kit.reports import report
from theatre.kit.tasks import finish
from theatre.kit.telemetry import Kind, serving, span

__all__ = ["Consumer", "Job", "Worker", "WorkerResources"]

RESTART_SECONDS = 1.0
UNRECORDED_SECONDS = 5
JITTER = 0.1
# not the shared generator: that is its seeder's, and a job in another thread would disturb it
CHANCE = SystemRandom()

log = get_logger(__name__)


@dataclass(frozen=True)
class Job(Generic[R]):
    """Something due at start and every `every_seconds` (± 10 %).

    Every copy of a worker runs it, so it must be safe to run side by side with itself.
    """

    name: str
    every_seconds: float
    run: Callable[[R], Awaitable[object]]


@dataclass
class Worker(Generic[R]):
    """Everything a service does without being asked over HTTP. `name` is whose work logs and traces say it is."""

    resources: R
    consumers: Sequence[Consumer[R]] = ()
    relays: Sequence[Relay] = ()
    jobs: Sequence[Job[R]] = ()
    concurrency: int = field(default=8, kw_only=True)
    name: str = field(default="worker", kw_only=True)

    async def run(self) -> None:
        """Run until cancelled; then finish what is at work, within 10 s."""
        with serving(self.name):
            await self._run()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for consumer in self.consumers:
                group.create_task(self._keep(f"consume {consumer.queue}", partial(self._consume, consumer)))
            for relay in self.relays:
                group.create_task(self._keep("relay", relay.run))
            for job in self.jobs:
                group.create_task(self._repeat(job))
            # which only looks: when we stop, nobody waits for its questions to a broker that may be away
            measure = Job("measure", MEASURE_SECONDS, self._measure)
            group.create_task(self._repeat(measure, is_finished=False))

    async def _measure(self, _: R) -> None:
        for relay in self.relays:
            await relay.measure(self.name.removesuffix("-worker"))
        for consumer in self.consumers:
            depth = await self.resources.broker.count(consumer.queue)
            QUEUE_MESSAGES.labels(consumer.queue).set(depth.due)
            DEAD_MESSAGES.labels(consumer.queue).set(depth.dead)

    async def check(self) -> None:
        """Make sure that every queue can be consumed; for readiness.

        Raises:
            Transient: says what is missing.
        """
        await self.resources.broker.check([consumer.queue for consumer in self.consumers])

    async def _consume(self, consumer: Consumer[R]) -> None:
        broker = self.resources.broker
        await broker.declare([consumer.subscription])
        await broker.consume(consumer.queue, self._receiver(consumer), concurrency=self.concurrency)

    def _receiver(self, consumer: Consumer[R]) -> Receive:
        async def receive(message: Message, redelivered: bool) -> Verdict:
            known = {"messaging.destination.name": consumer.queue, "messaging.message.id": str(message.id)}
            with (
                serving(self.name),
                # who is called on behalf of a message learns its id
                structlog.contextvars.bound_contextvars(request_id=str(message.id)),
                span(f"consume {message.key}", message.trace, kind=Kind.CONSUMER, attributes=known),
            ):
                verdict = await self._in_turn(consumer, message, redelivered=redelivered)
                age = age_seconds(message.id, now=self.resources.clock.now())
                MESSAGE_AGE.labels(consumer.queue, type(verdict).__name__.lower()).observe(age)
                return verdict

        return receive

    async def _in_turn(self, consumer: Consumer[R], message: Message, *, redelivered: bool) -> Verdict:
        if not redelivered:
            return await self._receive(consumer, message, redelivered=False)
        async with consumer.suspects:
            return await self._receive(consumer, message, redelivered=True)

    async def _receive(self, consumer: Consumer[R], message: Message, *, redelivered: bool) -> Verdict:
        try:
            try:
                return await consumer.attempt(message, self.resources, redelivered=redelivered)
            except Exception as error:
                return await consumer.judge(error, message, self.resources, redelivered=redelivered)
        except Exception as error:
            log.exception("worker.verdict_unrecorded", queue=consumer.queue, id=str(message.id))
            report(error, queue=consumer.queue, message=message.key)
            return Retry(UNRECORDED_SECONDS)

    async def _keep(self, name: str, start: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await start()
            except Exception as error:
                log.exception("worker.restarting", part=name)
                report(error, part=name)
            await asyncio.sleep(RESTART_SECONDS)

    async def _repeat(self, job: Job[R], *, is_finished: bool = True) -> None:
        while True:
            run = self._run_once(job)
            await (finish(run) if is_finished else run)
            await asyncio.sleep(job.every_seconds * CHANCE.uniform(1 - JITTER, 1 + JITTER))

    async def _run_once(self, job: Job[R]) -> None:
        started, outcome = time.perf_counter(), "done"
        with (
            structlog.contextvars.bound_contextvars(request_id=str(new_id())),
            span(f"job {job.name}") as step,
        ):
            try:
                await job.run(self.resources)
            except Exception as error:
                outcome = "failed"
                step.fail(type(error).__name__)
                log.exception("job.failed", job=job.name)
                report(error, job=job.name)
        JOBS.labels(self.name, job.name, outcome).observe(time.perf_counter() - started)
