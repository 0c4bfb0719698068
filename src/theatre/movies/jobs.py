"""What movies does by itself: forget facts that were sent long ago."""

from theatre.kit.db import transaction
from theatre.kit.outbox import delete_sent
from theatre.kit.worker import Job
from theatre.movies.models import OutboxMessage
from theatre.movies.resources import WorkerResources


async def forget_sent(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        await delete_sent(session, OutboxMessage, now=held.clock.now())


JOBS: list[Job[WorkerResources]] = [Job("forget sent messages", 3_600, forget_sent)]
