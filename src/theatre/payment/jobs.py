"""What payment does without being asked: asks about everything that is open, and tidies up."""

from theatre.kit.db import transaction
from theatre.kit.outbox import delete_sent
from theatre.kit.worker import Job
from theatre.payment import attempts, checks, provider_events, refunds, wallet_payments
from theatre.payment.models import Attempt, OutboxMessage, ProviderEvent, Refund, WalletTransfer
from theatre.payment.resources import Resources

TIDYING_SECONDS = 600


class Awakening:
    """Makes everything open due, once after every start, as soon as the database lets it."""

    def __init__(self) -> None:
        self._is_done = False

    async def run(self, resources: Resources) -> None:
        if not self._is_done:
            await checks.make_all_due(resources.sessions, now=resources.clock.now())
            self._is_done = True


async def check_attempts(resources: Resources) -> None:
    """Ask about open attempts."""

    async def check(attempt: Attempt) -> None:
        await attempts.check(resources.sessions, attempt, outside=resources.outside)

    await checks.check_due(resources.sessions, Attempt, check, clock=resources.clock)


async def check_refunds(resources: Resources) -> None:
    """Ask about pending refunds, and for those that the provider may not know yet."""

    async def check(refund: Refund) -> None:
        await refunds.check(resources.sessions, refund, outside=resources.outside)

    await checks.check_due(resources.sessions, Refund, check, clock=resources.clock)


async def check_events(resources: Resources) -> None:
    """Judge callbacks that could not be judged when they came."""

    async def check(event: ProviderEvent) -> None:
        await provider_events.check(resources.sessions, event, outside=resources.outside)

    await checks.check_due(resources.sessions, ProviderEvent, check, clock=resources.clock)


async def check_transfers(resources: Resources) -> None:
    """Go on with payers' transfers whose outcome is not known."""
    desk = resources.wallet_desk
    if desk is None:
        return

    async def check(transfer: WalletTransfer) -> None:
        await wallet_payments.check(resources.sessions, transfer, desk=desk)

    await checks.check_due(resources.sessions, WalletTransfer, check, clock=resources.clock)


async def tidy(resources: Resources) -> None:
    """Delete outbox messages that were sent long ago."""
    async with transaction(resources.sessions) as session:
        await delete_sent(session, OutboxMessage, now=resources.clock.now())


def jobs(every_seconds: float) -> list[Job[Resources]]:
    """List the jobs of one process."""
    return [
        Job("wake", every_seconds, Awakening().run),
        Job("check attempts", every_seconds, check_attempts),
        Job("check refunds", every_seconds, check_refunds),
        Job("check callbacks", every_seconds, check_events),
        Job("check transfers", every_seconds, check_transfers),
        Job("tidy", TIDYING_SECONDS, tidy),
    ]
