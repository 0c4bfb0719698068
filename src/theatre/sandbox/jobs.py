"""What the sandbox does without being asked: it ends what has become due by its clock."""

from typing import Any

from theatre.kit.worker import Job
from theatre.sandbox import terms
from theatre.sandbox.resources import Resources

EVERY_SECONDS = 0.5


async def settle_due(resources: Resources) -> None:
    if await terms.settle_due(resources.sessions, resources.statements, resources.state):
        resources.sender.wake()


JOBS: list[Job[Any]] = [Job("settle due payments and refunds", EVERY_SECONDS, settle_due)]
