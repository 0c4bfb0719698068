"""The oracle for tests: what money really moved, as the sandbox knows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, cast, literal, null, select, tuple_, union_all

from theatre.kit.db import Session
from theatre.kit.pagination import BadCursor, Page, PageRequest, page_of
from theatre.sandbox.models import Payment, PaymentStatus, Refund, RefundStatus


@dataclass(frozen=True, slots=True)
class Operation:
    """One capture or refund. `capture_key` is there if the shop captured by a call of its own."""

    kind: str
    shop_id: str
    payment_id: UUID
    refund_id: UUID | None
    amount_minor: int
    currency: str
    idempotence_key: str
    capture_key: str | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class OperationFilter:
    """Which operations are wanted: of a payment, of a shop, from `since` until before `until`."""

    payment_id: UUID | None = None
    shop_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_page(session: Session, page: PageRequest, wanted: OperationFilter) -> Page[Operation]:
    """List captures and refunds that happened, the oldest first.

    Raises:
        BadCursor
    """
    both = union_all(_captures(), _refunds()).subquery()
    query = select(both).order_by(both.c.happened_at, both.c.object_id).limit(page.limit + 1)
    if wanted.payment_id is not None:
        query = query.where(both.c.payment_id == wanted.payment_id)
    if wanted.shop_id is not None:
        query = query.where(both.c.shop_id == wanted.shop_id)
    if wanted.since is not None:
        query = query.where(both.c.happened_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(both.c.happened_at < wanted.until)
    if page.after is not None:
        query = query.where(tuple_(both.c.happened_at, both.c.object_id) > _last_shown(page.after))
    rows = (await session.execute(query)).all()
    cut = page_of(rows, page, key=lambda row: (row.happened_at.isoformat(), row.object_id))
    return Page([_operation(row) for row in cut.items], cut.next_cursor)


def _captures() -> Select[*tuple[Any, ...]]:
    return select(
        literal("capture").label("kind"),
        Payment.shop_id,
        Payment.id.label("object_id"),
        Payment.id.label("payment_id"),
        Payment.amount_minor,
        Payment.currency,
        Payment.idempotence_key,
        Payment.capture_key,
        Payment.captured_at.label("happened_at"),
    ).where(Payment.status == PaymentStatus.SUCCEEDED)


def _refunds() -> Select[*tuple[Any, ...]]:
    return select(
        literal("refund").label("kind"),
        Refund.shop_id,
        Refund.id.label("object_id"),
        Refund.payment_id,
        Refund.amount_minor,
        Refund.currency,
        Refund.idempotence_key,
        cast(null(), Text).label("capture_key"),
        Refund.created_at.label("happened_at"),
    ).where(Refund.status == RefundStatus.SUCCEEDED)


def _operation(row: Row[Any]) -> Operation:
    fields = dict(row._mapping)
    object_id = fields.pop("object_id")
    return Operation(refund_id=object_id if row.kind == "refund" else None, **fields)


def _last_shown(after: tuple[str, ...]) -> tuple[datetime, UUID]:
    try:
        happened_at, object_id = after
        return datetime.fromisoformat(happened_at), UUID(object_id)
    except ValueError as error:
        raise BadCursor from error
