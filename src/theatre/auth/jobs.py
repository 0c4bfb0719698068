"""What auth does without being asked: answer who asked for links, throw away what nobody needs any more."""

from theatre.auth import known_devices, link_requests, login_history, notices, throttle, user_sessions
from theatre.auth.models import OutboxMessage
from theatre.auth.resources import Resources
from theatre.kit import outbox
from theatre.kit.db import transaction
from theatre.kit.worker import Job


async def tidy(resources: Resources) -> None:
    """Delete old sessions, tries and sent messages."""
    now = resources.now()
    async with transaction(resources.sessions) as session:
        await user_sessions.delete_ended(session, now=now)
        await login_history.delete_old(session, now=now)
        await known_devices.delete_unseen(session, now=now)
        await notices.delete_old(session, now=now)
        await throttle.delete_forgotten(session, now=now)
        await outbox.delete_sent(session, OutboxMessage, now=now)


async def answer_link_requests(resources: Resources) -> None:
    """Send the links that were asked for, where the address is somebody's."""
    async with transaction(resources.sessions) as session:
        await link_requests.answer_waiting(session, now=resources.now(), settings=resources.settings)


JOBS = (Job("tidy", 3600, tidy), Job("answer link requests", 1, answer_link_requests))
