"""The double-entry ledger: balanced facts about money, appended and never changed.

Debits are above zero, credits below. `cash:<provider>` is what a payment system owes us, `revenue:<kind>` what was
sold, `unallocated` money that came but bought nothing (too late, or another amount).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import selectinload

from theatre.billing.models import AccountBalance, LedgerEntry, LedgerPosting
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.kit.money import Money

UNALLOCATED = "unallocated"
COLUMNS = (
    LedgerEntry.id,
    LedgerEntry.occurred_at,
    LedgerEntry.kind,
    LedgerEntry.payment_id,
    LedgerEntry.refund_id,
    LedgerEntry.provider_reference,
    LedgerPosting.account,
    LedgerPosting.amount_minor,
    LedgerPosting.currency,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One signed line of an entry."""

    account: str
    money: Money


def cash(provider: str) -> str:
    """Name the account of money at a provider."""
    return f"cash:{provider}"


def revenue(kind: str) -> str:
    """Name the account of what was sold of a kind of product."""
    return f"revenue:{kind}"


def credit(account: str, money: Money) -> Line:
    """Make a line that takes from an account."""
    return Line(account, Money(-money.amount_minor, money.currency))


async def post(
    session: Session,
    operation_key: str,
    lines: Sequence[Line],
    *,
    kind: str,
    payment_id: UUID,
    now: datetime,
    refund_id: UUID | None = None,
) -> bool:
    """Append one balanced entry; False if this operation was posted before, and then nothing is added.

    Lines of zero are left out. The database refuses, at commit, an entry that does not sum to zero per currency.
    """
    entry_id = new_id()
    statement = upsert(LedgerEntry).values(
        id=entry_id,
        operation_key=operation_key,
        kind=kind,
        payment_id=payment_id,
        refund_id=refund_id,
        occurred_at=now,
    )
    added = await session.scalar(statement.on_conflict_do_nothing().returning(LedgerEntry.id))
    if added is None:
        return False
    postings = [
        {
            "entry_id": entry_id,
            "position": position,
            "account": line.account,
            "amount_minor": line.money.amount_minor,
            "currency": line.money.currency,
        }
        for position, line in enumerate(lines)
        if line.money.amount_minor
    ]
    await session.execute(insert(LedgerPosting), postings)
    return True


async def list_entries(session: Session, payment_id: UUID) -> Sequence[LedgerEntry]:
    """List a payment's entries with their postings, oldest first."""
    statement = (
        select(LedgerEntry)
        .where(LedgerEntry.payment_id == payment_id)
        .order_by(LedgerEntry.id)
        .options(selectinload(LedgerEntry.postings))
    )
    return (await session.scalars(statement)).all()


@dataclass(frozen=True, slots=True)
class Balance:
    """What one account holds in one currency."""

    account: str
    currency: str
    balance_minor: int


async def list_balances(session: Session) -> list[Balance]:
    """List what every account holds, by name."""
    table = AccountBalance
    held = cast(func.sum(table.balance_minor), BigInteger).label("balance_minor")
    statement = select(table.account, table.currency, held).group_by(table.account, table.currency)
    rows = await session.execute(statement.order_by(table.account, table.currency))
    return [Balance(row.account, row.currency, row.balance_minor) for row in rows]


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries are wanted; moments are of the fact, `since` included and `until` not."""

    account: str | None = None
    payment_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


def find(wanted: EntryFilter) -> Listing[LedgerEntry]:
    """List entries with their postings, newest first; the CSV has a row for each posting."""
    rows = select(LedgerEntry)
    if wanted.account is not None:
        posting = select(LedgerPosting.entry_id).where(LedgerPosting.account == wanted.account)
        rows = rows.where(LedgerEntry.id.in_(posting))
    if wanted.payment_id is not None:
        rows = rows.where(LedgerEntry.payment_id == wanted.payment_id)
    if wanted.since is not None:
        rows = rows.where(LedgerEntry.occurred_at >= wanted.since)
    if wanted.until is not None:
        rows = rows.where(LedgerEntry.occurred_at < wanted.until)
    return Listing(
        rows,
        keys=(LedgerEntry.occurred_at, LedgerEntry.id),
        columns=COLUMNS,
        lines=LedgerEntry.postings,
        options=(selectinload(LedgerEntry.postings),),
    )
