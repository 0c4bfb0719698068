"""Waking those who wait, in the transaction that gives them something to do."""

import asyncio
from contextlib import suppress

from sqlalchemy import text

from theatre.kit.db import Session

DELIVERIES = "notification_delivery"
INBOXES = "notification_inbox"
# A notifying commit holds a lock of the whole database, so of transactions side by side only one notifies; whatever
# the woken do not see yet they find at their next look.
WAKE = text("SELECT pg_notify(:channel, '') WHERE pg_try_advisory_xact_lock(hashtext(:channel))")


class Bell:
    """Wakes the one who waits for work."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self, _: str = "") -> None:
        """Wake the one who waits, or the next one who would."""
        self._rung.set()

    async def wait(self, *, at_most_seconds: float) -> None:
        """Wait for the bell, or for a time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_seconds):
                await self._rung.wait()
        self._rung.clear()


async def wake(session: Session, channel: str) -> None:
    """Wake whoever listens to a channel, once this transaction has committed."""
    await session.execute(WAKE, {"channel": channel})
