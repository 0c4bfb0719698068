"""Waking those who wait, in the transaction that gives them something to do."""

from sqlalchemy import text

from theatre.kit.db import Session

DELIVERIES = "notification_delivery"
INBOXES = "notification_inbox"
# A notifying commit holds a lock of the whole database, so of transactions side by side only one notifies; whatever
# the woken do not see yet they find at their next look.
WAKE = text("SELECT pg_notify(:channel, '') WHERE pg_try_advisory_xact_lock(hashtext(:channel))")


async def wake(session: Session, channel: str) -> None:
    """Wake whoever listens to a channel, once this transaction has committed."""
    await session.execute(WAKE, {"channel": channel})
