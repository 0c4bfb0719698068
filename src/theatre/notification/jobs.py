"""What notification does by itself: deliver, send mailings out, and forget what is too old."""

from datetime import timedelta

from theatre.kit.db import transaction
from theatre.kit.idempotency import delete_old_keys
from theatre.kit.inbox import delete_handled
from theatre.kit.metrics import DELIVERIES_AGE, MEASURE_SECONDS
from theatre.kit.worker import Job
from theatre.notification import deliveries, inbox, mailing_runs
from theatre.notification.models import ChannelName, IdempotencyKey, InboxMessage
from theatre.notification.resources import WorkerResources

POLL_SECONDS = 1.0
# a worker that stops waits for no more than these
MOST_PAGES = 10
KEEP_HANDLED = timedelta(days=7)
KEEP_ITEMS = timedelta(days=180)


async def deliver(held: WorkerResources) -> None:
    """Wait for the bell or a second, then deliver what is due."""
    await held.bell.wait(at_most_seconds=POLL_SECONDS)
    if await deliveries.deliver_due(held.sessions, held.post, clock=held.clock):
        held.bell.ring()


async def forget_old(held: WorkerResources) -> None:
    async with transaction(held.sessions) as session:
        await delete_handled(session, InboxMessage, before=held.clock.now() - KEEP_HANDLED)
    await delete_old_keys(held.sessions, IdempotencyKey, now=held.clock.now())


async def mail_out(held: WorkerResources) -> None:
    """Tell the next pages of mailings that are due."""
    for _ in range(MOST_PAGES):
        if not await mailing_runs.advance(held.sessions, held.post.auth, clock=held.clock):
            return


async def empty_inboxes(held: WorkerResources) -> None:
    """Delete what is too old, batch by batch."""
    before, deleted = held.clock.now() - KEEP_ITEMS, inbox.PURGE_BATCH
    while deleted == inbox.PURGE_BATCH:
        async with transaction(held.sessions) as session:
            deleted = await inbox.delete_old(session, before=before)


async def measure_deliveries(held: WorkerResources) -> None:
    now = held.clock.now()
    async with transaction(held.sessions) as session:
        for channel in ChannelName:
            age = await deliveries.oldest_due_age(session, channel, now=now)
            DELIVERIES_AGE.labels(channel).set(age.total_seconds())


JOBS: list[Job[WorkerResources]] = [
    # it waits by itself, so that the bell can wake it
    Job("deliver", 0, deliver),
    Job("mail out", 1, mail_out),
    Job("measure deliveries", MEASURE_SECONDS, measure_deliveries),
    Job("forget old messages", 3_600, forget_old),
    Job("empty inboxes", 3_600, empty_inboxes),
]
