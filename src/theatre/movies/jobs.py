"""What movies does by itself: teach the search index what changed, forget what is long done."""

from datetime import timedelta

from theatre.kit.db import transaction
from theatre.kit.idempotency import delete_old_keys
from theatre.kit.outbox import delete_sent
from theatre.kit.worker import Job
from theatre.movies import indexing
from theatre.movies.models import IdempotencyKey, OutboxMessage
from theatre.movies.resources import WorkerResources

FOLLOW_SECONDS = 0.5
KEEP_LEARNT = timedelta(days=1)


async def follow(held: WorkerResources) -> None:
    """Build the index if there is none; then teach it what changed, until nothing is left."""
    if not await held.index.is_built():
        await indexing.rebuild(held.sessions, held.index, now=held.clock.now)
    while await indexing.follow(held.sessions, held.index, now=held.clock.now):
        pass


async def forget_answers(held: WorkerResources) -> None:
    await delete_old_keys(held.sessions, IdempotencyKey, now=held.clock.now())


async def forget_learnt(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        await indexing.forget_learnt(session, before=held.clock.now() - KEEP_LEARNT)


async def forget_sent(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        await delete_sent(session, OutboxMessage, now=held.clock.now())


JOBS: list[Job[WorkerResources]] = [
    Job("follow changes", FOLLOW_SECONDS, follow),
    Job("forget old answers", 3_600, forget_answers),
    Job("forget learnt changes", 3_600, forget_learnt),
    Job("forget sent messages", 3_600, forget_sent),
]
