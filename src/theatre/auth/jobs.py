"""What auth does without being asked: throw away what nobody needs any more."""

from theatre.auth import login_history, throttle, user_sessions
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
        await throttle.delete_forgotten(session, now=now)
        await outbox.delete_sent(session, OutboxMessage, now=now)


JOBS = (Job("tidy", 3600, tidy),)
