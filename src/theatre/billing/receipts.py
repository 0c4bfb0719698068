"""Fiscal receipts (54-FZ): one for the money of a payment, one for the money of each refund, each a state machine.

They are asked for in the transaction that moves the money, and registered afterwards: a payment never waits for its
receipt, and a receipt that fails undoes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import CTE, ColumnElement, and_, case, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from theatre.billing import cases, ledger, refund_items
from theatre.billing.errors import ReceiptNotRetriable, ReceiptUnknown
from theatre.billing.fiscal_lines import FiscalLine, lines_of_return, lines_of_sale
from theatre.billing.models import (
    RECEIPT_TRANSITIONS,
    CaseKind,
    LedgerEntry,
    LedgerPosting,
    Payment,
    Receipt,
    ReceiptKind,
    ReceiptStatus,
    Refund,
)
from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing

RECEIPT_COLUMNS = (
    Receipt.id,
    Receipt.created_at,
    Receipt.kind,
    Receipt.status,
    Receipt.payment_id,
    Receipt.refund_id,
    Receipt.amount_minor,
    Receipt.currency,
    Receipt.registered_at,
    Receipt.failure_code,
)
FISCAL_ZONE = ZoneInfo("Europe/Moscow")
MAX_DIFFERENCES = 1_000
FISCAL_CURRENCY = "RUB"
"""Fiscal documents are in roubles; what is sold for other money is not for our register."""


async def request_income(session: Session, payment: Payment, *, now: datetime) -> None:
    """Ask for the receipt of a payment that has just been paid. Once per payment, however often called.

    A payment that a promo code paid wholly gets none: the law has a receipt for a settlement, which is money taken or
    given for goods or services (54-FZ, article 1.1), and none took place. Its user still gets our own receipt, which
    says so.
    """
    if payment.total_minor == 0 or payment.currency != FISCAL_CURRENCY:
        return
    lines = lines_of_sale(payment.items)
    await _add(session, payment, lines, kind=ReceiptKind.INCOME, attempt_id=payment.paid_attempt_id, now=now)


async def request_return(session: Session, payment: Payment, refund: Refund, *, now: datetime) -> None:
    """Ask for the receipt of a refund that has just succeeded and counts. Once per refund, however often called.

    Its lines are what this refund takes back of each item (F3), as the books have it.
    """
    if payment.currency != FISCAL_CURRENCY:
        return
    taken = {
        part.payment_item_id: part.amount_minor for part in await refund_items.list_of(session, refund.id)
    }
    shares = [taken.get(item.id, 0) for item in payment.items]
    lines = lines_of_return(payment.items, shares)
    await _add(
        session, payment, lines, kind=ReceiptKind.RETURN, attempt_id=refund.attempt_id, refund=refund, now=now
    )


async def _add(
    session: Session,
    payment: Payment,
    lines: Sequence[FiscalLine],
    *,
    kind: ReceiptKind,
    attempt_id: UUID | None,
    now: datetime,
    refund: Refund | None = None,
) -> None:
    money_minor = payment.total_minor if refund is None else refund.amount_minor
    amount_minor = sum(line.total_minor for line in lines)
    if attempt_id is None or amount_minor != money_minor:
        # a defect, but the money has moved: people look, and the day's comparison names it
        subject_id = refund.id if refund else payment.id
        details = {
            "why": "the lines do not make the money",
            "lines_minor": amount_minor,
            "money_minor": money_minor,
        }
        trouble = cases.Trouble(CaseKind.RECEIPT_FAILED, f"receipt:{subject_id}", payment.id, details=details)
        await cases.open_once(session, trouble, now=now)
        return
    receipt_id = new_id()
    statement = insert(Receipt).values(
        id=receipt_id,
        kind=kind,
        status=ReceiptStatus.PENDING,
        payment_id=payment.id,
        refund_id=refund.id if refund else None,
        attempt_id=attempt_id,
        amount_minor=amount_minor,
        currency=payment.currency,
        lines=[line.to_json() for line in lines],
        created_at=now,
        submission_id=receipt_id,
        next_try_at=now,
    )
    await session.execute(statement.on_conflict_do_nothing())


async def list_of(session: Session, payment_id: UUID) -> Sequence[Receipt]:
    """List a payment's receipts, oldest first."""
    statement = select(Receipt).where(Receipt.payment_id == payment_id).order_by(Receipt.id)
    return (await session.scalars(statement)).all()


def find(*, payment_id: UUID | None = None, status: ReceiptStatus | None = None) -> Listing[Receipt]:
    """List receipts for staff, newest first."""
    rows = select(Receipt)
    if payment_id is not None:
        rows = rows.where(Receipt.payment_id == payment_id)
    if status is not None:
        rows = rows.where(Receipt.status == status)
        if status != ReceiptStatus.SUCCEEDED:
            # which the index of those that are not done yet is for
            rows = rows.where(Receipt.status != literal_column("'succeeded'"))
    return Listing(rows, keys=(Receipt.id,), columns=RECEIPT_COLUMNS)


async def get_locked(session: Session, receipt_id: UUID) -> Receipt:
    """Read a receipt and lock its row.

    Raises:
        ReceiptUnknown
    """
    receipt = await session.get(Receipt, receipt_id, with_for_update=True, populate_existing=True)
    if receipt is None:
        raise ReceiptUnknown
    return receipt


async def retry(session: Session, receipt_id: UUID, *, now: datetime) -> Receipt:
    """Hand a receipt in again at once, by the wish of staff, with a full measure of tries before it.

    One that failed goes as a new submission, with the tax codes and the address of today. One whose outcome is
    unknown is only asked about earlier: under the same key, so never twice.

    Raises:
        ReceiptUnknown
        ReceiptNotRetriable: it is registered.
    """
    receipt = await get_locked(session, receipt_id)
    if receipt.status == ReceiptStatus.SUCCEEDED:
        raise ReceiptNotRetriable
    if receipt.status == ReceiptStatus.FAILED:
        begin_again(receipt)
    receipt.tries, receipt.next_try_at = 0, now
    return receipt


def begin_again(receipt: Receipt) -> None:
    """Make a failed receipt a new submission: after a definite no its old key must not be used again."""
    move(receipt, ReceiptStatus.PENDING)
    receipt.submission_id = new_id()
    receipt.sent_at = receipt.provider_reference = None


def move(receipt: Receipt, to: ReceiptStatus) -> None:
    """Change the state of a locked receipt, by the table of legal changes; what goes with no other state is gone."""
    if to not in RECEIPT_TRANSITIONS[ReceiptStatus(receipt.status)]:
        raise AssertionError(f"receipt {receipt.id} cannot become {to} from {receipt.status}")
    receipt.status = to
    receipt.failure_code = receipt.failure_message = None
    if to in {ReceiptStatus.SUCCEEDED, ReceiptStatus.FAILED}:
        receipt.email = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Money and receipts that do not agree, and why; money out and its receipts are below zero.

    `reason`: `unallocated` (money that bought nothing is no settlement), `missing` (money without a receipt),
    `without_money`, `amount`, or the state of a receipt that is not registered: `pending`, `sent`, `failed`.
    """

    subject_id: UUID
    reason: str
    money_minor: int
    receipts_minor: int


@dataclass(frozen=True, slots=True)
class Day:
    """A Moscow day's money and its registered receipts, in kopecks, and at most 1,000 of their differences.

    The sums of all differences make up exactly what the day's sums differ by.
    """

    captured_minor: int
    refunded_minor: int
    income_minor: int
    return_minor: int
    differences: Sequence[Difference]


async def compare_day(session: Session, day_on: date) -> Day:
    """Compare what the ledger says was captured and given back on a Moscow day with that day's receipts (F1)."""
    since = datetime.combine(day_on, time(), FISCAL_ZONE)
    until = datetime.combine(day_on + timedelta(days=1), time(), FISCAL_ZONE)
    money, asked = _money_of(since, until), _receipts_of(since, until)
    moved, receipted = func.coalesce(money.c.amount_minor, 0), func.coalesce(asked.c.registered_minor, 0)
    joined = money.outerjoin(asked, money.c.subject_id == asked.c.subject_id, full=True)

    def summed(amount: ColumnElement[int], *, sign: int) -> ColumnElement[int]:
        return func.coalesce(func.sum(case((amount * sign > 0, amount * sign), else_=0)), 0)

    columns = (
        summed(moved, sign=1),
        summed(moved, sign=-1),
        summed(receipted, sign=1),
        summed(receipted, sign=-1),
    )
    sums = (await session.execute(select(*columns).select_from(joined))).one()
    reason = case(
        (money.c.is_unallocated, "unallocated"),
        (asked.c.subject_id.is_(None), "missing"),
        (asked.c.status != ReceiptStatus.SUCCEEDED, asked.c.status),
        (money.c.subject_id.is_(None), "without_money"),
        else_="amount",
    )
    subject_id = func.coalesce(money.c.subject_id, asked.c.subject_id)
    differing = (
        select(subject_id, reason, moved, receipted)
        .select_from(joined)
        .where(or_(moved != receipted, money.c.is_unallocated))
        .order_by(subject_id)
        .limit(MAX_DIFFERENCES)
    )
    rows = (await session.execute(differing)).all()
    captured, refunded, income, returned = map(int, sums)
    found = [Difference(row[0], row[1], int(row[2]), int(row[3])) for row in rows]
    return Day(captured, refunded, income, return_minor=returned, differences=found)


def _money_of(since: datetime, until: datetime) -> CTE:
    """Sum what went through payment systems by its subject: the payment, the refund, or what came for nothing."""
    entry, posting = LedgerEntry, LedgerPosting
    is_unallocated = _touches_unallocated(entry)
    moves = or_(
        and_(entry.kind == "capture", posting.amount_minor > 0),
        and_(entry.kind == "refund", posting.amount_minor < 0),
    )
    of_nothing = func.coalesce(entry.refund_id, entry.id)
    subject_id = case((is_unallocated, of_nothing), else_=func.coalesce(entry.refund_id, entry.payment_id))
    return (
        select(
            subject_id.label("subject_id"),
            is_unallocated.label("is_unallocated"),
            func.sum(posting.amount_minor).label("amount_minor"),
        )
        .join(posting, posting.entry_id == entry.id)
        .where(entry.occurred_at >= since, entry.occurred_at < until, moves)
        .where(posting.account.startswith(ledger.cash("")), posting.currency == FISCAL_CURRENCY)
        .group_by(entry.id)
        .cte("money")
    )


def _touches_unallocated(entry: type[LedgerEntry]) -> ColumnElement[bool]:
    """Tell whether an entry's money bought nothing: of a refund that stands in the entry by which it was owed."""
    other, posting = aliased(LedgerEntry), aliased(LedgerPosting)
    same = and_(
        other.payment_id == entry.payment_id, or_(other.id == entry.id, other.refund_id == entry.refund_id)
    )
    touching = select(literal(1)).select_from(posting).join(other, other.id == posting.entry_id)
    return touching.where(posting.account == ledger.UNALLOCATED, same).correlate(entry).exists()


def _receipts_of(since: datetime, until: datetime) -> CTE:
    signed = case((Receipt.kind == ReceiptKind.RETURN, -Receipt.amount_minor), else_=Receipt.amount_minor)
    registered = case((Receipt.status == ReceiptStatus.SUCCEEDED, signed), else_=0)
    return (
        select(
            func.coalesce(Receipt.refund_id, Receipt.payment_id).label("subject_id"),
            Receipt.status.label("status"),
            registered.label("registered_minor"),
        )
        .where(Receipt.created_at >= since, Receipt.created_at < until)
        .cte("asked")
    )
