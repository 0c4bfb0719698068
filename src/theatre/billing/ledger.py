"""The double-entry ledger: balanced facts about money, appended and never changed.

Debits are above zero, credits below. The chart of accounts:

- `cash:<provider>`: what a payment system owes us; `fees:<provider>`: what it kept for itself
- `receivable`: what buyers owe; a sale raises it, its capture brings it back to zero
- `revenue:<kind>`: what was sold and earned; `deferred:plan`: sold, to be earned day by day
- `promo`: what promo codes took off; sales are booked before it
- `refunds_payable`: what we have agreed to give back and have not yet given
- `unallocated`: money that came but bought nothing (too late, or another amount), or went beyond what was owed
- `chargebacks`: what payers' banks took back by disputes; `dispute_fees:<provider>`: what it kept for them
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam, cast, func, select, text
from sqlalchemy.orm import selectinload

from theatre.billing.models import AccountBalance, LedgerEntry, LedgerPosting, ProductKind
from theatre.kit.db import TYPES, Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.kit.money import Money

RECEIVABLE = "receivable"
PROMO = "promo"
REFUNDS_PAYABLE = "refunds_payable"
UNALLOCATED = "unallocated"
CHARGEBACKS = "chargebacks"
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

# Entries and their postings in one statement: every purchase passes here.
POST = text(
    """
WITH given AS (
    SELECT * FROM unnest(:ids, :keys, :kinds, :payment_ids, :refund_ids, :references)
        AS entry (id, operation_key, kind, payment_id, refund_id, provider_reference)
), added AS (
    INSERT INTO billing.ledger_entry
        (id, operation_key, kind, payment_id, refund_id, provider_reference, occurred_at)
    SELECT id, operation_key, kind, payment_id, refund_id, provider_reference, :now FROM given
    ON CONFLICT (operation_key) DO NOTHING RETURNING id, operation_key
), posted AS (
    INSERT INTO billing.ledger_posting (entry_id, position, account, amount_minor, currency)
    SELECT line.* FROM unnest(:entry_ids, :positions, :accounts, :amounts, :currencies)
        AS line (entry_id, position, account, amount_minor, currency)
    WHERE entry_id IN (SELECT id FROM added)
)
SELECT operation_key FROM added"""
).bindparams(
    *(
        bindparam(name, type_=ARRAY(TYPES[UUID]))
        for name in ("ids", "payment_ids", "refund_ids", "entry_ids")
    ),
    *(
        bindparam(name, type_=ARRAY(Text))
        for name in ("keys", "kinds", "references", "accounts", "currencies")
    ),
    bindparam("positions", type_=ARRAY(Integer)),
    bindparam("amounts", type_=ARRAY(BigInteger)),
    bindparam("now", type_=TYPES[datetime]),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One signed line of an entry."""

    account: str
    money: Money


@dataclass(frozen=True, slots=True)
class Entry:
    """One balanced fact to be posted; `operation_key` names the operation, which is posted once.

    `provider_reference`, of captured money: the provider's own id of it, by which staff find it.
    """

    operation_key: str
    kind: str
    lines: Sequence[Line]
    payment_id: UUID
    refund_id: UUID | None = None
    provider_reference: str | None = None


def cash(provider: str) -> str:
    """Name the account of money at a provider."""
    return f"cash:{provider}"


def fees(provider: str) -> str:
    """Name the account of what a provider keeps."""
    return f"fees:{provider}"


def dispute_fees(provider: str) -> str:
    """Name the account of what a provider keeps for disputes."""
    return f"dispute_fees:{provider}"


def revenue(kind: str) -> str:
    """Name the account of what was sold and earned of a kind of product."""
    return f"revenue:{kind}"


def deferred(kind: str) -> str:
    """Name the account of what was sold of a kind of product and is to be earned."""
    return f"deferred:{kind}"


def sold(kind: str) -> str:
    """Name the account that a sale of a kind of product is booked on: plans are earned later."""
    return deferred(kind) if kind == ProductKind.PLAN else revenue(kind)


def debit(account: str, money: Money) -> Line:
    """Make a line that adds to an account."""
    return Line(account, money)


def credit(account: str, money: Money) -> Line:
    """Make a line that takes from an account."""
    return Line(account, Money(-money.amount_minor, money.currency))


async def post(session: Session, entries: Sequence[Entry], *, now: datetime) -> frozenset[str]:
    """Append balanced entries; gives the operation keys that are new. One that was posted before adds nothing.

    Lines of zero are left out. The database refuses, at commit, an entry that does not sum to zero per currency.
    """
    ids = [new_id() for _ in entries]
    lines = [
        (id, position, line.account, line.money.amount_minor, line.money.currency)
        for id, entry in zip(ids, entries, strict=True)
        for position, line in enumerate(entry.lines)
        if line.money.amount_minor
    ]
    entry_ids, positions, accounts, amounts, currencies = zip(*lines, strict=True) if lines else [()] * 5
    values: dict[str, Any] = {
        "ids": ids,
        "keys": [entry.operation_key for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "payment_ids": [entry.payment_id for entry in entries],
        "refund_ids": [entry.refund_id for entry in entries],
        "references": [entry.provider_reference for entry in entries],
        "now": now,
        "entry_ids": list(entry_ids),
        "positions": list(positions),
        "accounts": list(accounts),
        "amounts": list(amounts),
        "currencies": list(currencies),
    }
    return frozenset((await session.scalars(POST, values)).all())


async def list_entries(session: Session, payment_id: UUID) -> Sequence[LedgerEntry]:
    """List a payment's entries with their postings, oldest first."""
    statement = (
        select(LedgerEntry)
        .where(LedgerEntry.payment_id == payment_id)
        .order_by(LedgerEntry.id)
        .options(selectinload(LedgerEntry.postings))
    )
    return (await session.scalars(statement)).all()


async def get_lines(session: Session, operation_key: str) -> list[Line]:
    """Read the lines of an entry as they were posted; empty if there is none."""
    statement = (
        select(LedgerPosting)
        .join(LedgerEntry, LedgerEntry.id == LedgerPosting.entry_id)
        .where(LedgerEntry.operation_key == operation_key)
        .order_by(LedgerPosting.position)
    )
    return [
        Line(row.account, Money(row.amount_minor, row.currency)) for row in await session.scalars(statement)
    ]


def reversed_lines(lines: Sequence[Line]) -> list[Line]:
    """Undo lines: the negative of what was recorded."""
    return [credit(line.account, line.money) for line in lines]


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
