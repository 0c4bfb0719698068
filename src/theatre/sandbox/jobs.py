"""What the sandbox does without being asked: it ends what has become due by its clock."""

from typing import Any

from theatre.kit.worker import Job
from theatre.sandbox import terms, yoomoney_notifications, yoomoney_transfers
from theatre.sandbox.resources import Resources

EVERY_SECONDS = 0.5


async def settle_due(resources: Resources) -> None:
    if await terms.settle_due(resources.sessions, resources.statements, resources.state):
        resources.sender.wake()


async def settle_transfers(resources: Resources) -> None:
    await yoomoney_transfers.settle_due(resources.sessions, resources.state)


async def tell_owners(resources: Resources) -> None:
    await yoomoney_notifications.send_due(resources.sessions, resources.state, resources.http)


JOBS: list[Job[Any]] = [
    Job("settle due payments and refunds", EVERY_SECONDS, settle_due),
    Job("settle due transfers", EVERY_SECONDS, settle_transfers),
    Job("tell owners of wallets", EVERY_SECONDS, tell_owners),
]
