"""What YooMoney attempts are to bring, out of our table."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from theatre.kit.db import Sessions, transaction
from theatre.kit.money import Money
from theatre.payment.models import Attempt
from theatre.payment.wallet_port import Total


class KeptTotals:
    """The totals of attempts, kept in our table."""

    def __init__(self, sessions: Sessions, provider: str) -> None:
        self._sessions = sessions
        self._provider = provider

    async def find(self, attempt_ids: Collection[UUID]) -> Mapping[UUID, Total]:
        """See `Totals`."""
        found = select(Attempt).where(Attempt.provider == self._provider, Attempt.id.in_(attempt_ids))
        async with transaction(self._sessions) as session:
            return {attempt.id: _total(attempt) for attempt in await session.scalars(found)}


def _total(attempt: Attempt) -> Total:
    if attempt.captured_minor is None or attempt.captured_currency is None:
        return Total(Money(attempt.amount_minor, attempt.currency))
    has_fee = attempt.fee_minor is not None and attempt.fee_currency is not None
    fee = Money(attempt.fee_minor or 0, attempt.fee_currency or "") if has_fee else None
    return Total(Money(attempt.captured_minor, attempt.captured_currency), fee)
