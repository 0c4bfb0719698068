"""Which transfer was prepared for an attempt or a refund: kept before it is sent, so that none is ever sent twice."""

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.clock import Clock
from theatre.kit.db import Session, Sessions, transact, transaction
from theatre.kit.money import Money
from theatre.payment.models import WalletTransfer
from theatre.payment.wallet_port import Prepared

# longer than one go at a wallet may last: before it is over nobody else begins
GO = timedelta(seconds=45)


class KeptTransfers:
    """The transfers of refunds, kept in our table."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    async def find(self, label: UUID) -> Prepared | None:
        """See `PreparedTransfers`."""
        async with transaction(self._sessions) as session:
            return _prepared(await session.get(WalletTransfer, label))

    async def keep(self, label: UUID, prepared: Prepared) -> Prepared:
        """See `PreparedTransfers`."""
        store = partial(_store, label=label, amount=prepared.amount, now=self._clock.now())

        async def keep(session: Session) -> Prepared:
            transfer = await store(session)
            if transfer.request_id is None:
                transfer.request_id = prepared.request_id
            return _prepared(transfer) or prepared

        return await transact(self._sessions, keep)


async def claim(session: Session, label: UUID, *, amount: Money, now: datetime) -> WalletTransfer | None:
    """Take a payer's transfer for one go at the wallet; None if somebody is at it. Locks it."""
    transfer = await _store(session, label=label, amount=amount, now=now)
    if transfer.next_check_at is not None and transfer.next_check_at > now:
        return None
    transfer.next_check_at = now + GO
    return transfer


async def note_prepared(session: Session, label: UUID, *, request_id: str, now: datetime) -> None:
    """Keep under which id the transfer is sent, before it is: from now on money may move."""
    await _change(session, label, request_id=request_id, sent_at=now)


async def ask_later(session: Session, label: UUID, *, at: datetime | None) -> None:
    """Have the transfer asked about at a moment, or no more."""
    await _change(session, label, next_check_at=at)


async def drop(session: Session, label: UUID) -> None:
    """Forget an id that is known to be dead: another transfer may be prepared."""
    await _change(session, label, request_id=None, sent_at=None, next_check_at=None)


async def is_under_way(session: Session, label: UUID) -> bool:
    """Tell whether a transfer was sent of which we do not know that it came to nothing."""
    transfer = await session.get(WalletTransfer, label)
    return transfer is not None and transfer.sent_at is not None


async def _store(session: Session, *, label: UUID, amount: Money, now: datetime) -> WalletTransfer:
    fresh = {
        "id": label,
        "amount_minor": amount.amount_minor,
        "currency": amount.currency,
        "created_at": now,
    }
    await session.execute(insert(WalletTransfer).values(fresh).on_conflict_do_nothing())
    return await session.get_one(WalletTransfer, label, with_for_update=True, populate_existing=True)


async def _change(session: Session, label: UUID, **values: object) -> None:
    await session.execute(update(WalletTransfer).where(WalletTransfer.id == label).values(**values))


def _prepared(transfer: WalletTransfer | None) -> Prepared | None:
    if transfer is None or transfer.request_id is None:
        return None
    return Prepared(transfer.request_id, Money(transfer.amount_minor, transfer.currency))
