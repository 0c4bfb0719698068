"""What moved the balance: payments that were made and refunds that succeeded. One that failed moved nothing in all."""

from sqlalchemy import Select, literal, select, union_all

from theatre.kit.db import Session
from theatre.sandbox.models import Payment, Refund, RefundStatus
from theatre.sandbox.stripe.listing import Mark, Page, read_page, shown_object
from theatre.sandbox.stripe.schemas import TransactionFilter
from theatre.sandbox.stripe_objects import CHARGE, REFUND, TRANSACTION, read_id


async def list_transactions(
    session: Session, shop_id: str, wanted: TransactionFilter
) -> Page[Payment | Refund]:
    """List an account's transactions, newest first, each as the payment or the refund that it is of.

    Raises:
        InvalidRequest, NoSuchObject
    """
    moved = _moved(shop_id, wanted).subquery().c
    query = select(moved.id, moved.moved_at)
    mark: Mark | None = None
    if shown := shown_object(wanted):
        found = await session.execute(query.where(moved.id == read_id(shown, TRANSACTION)))
        row = found.one_or_none()
        mark = (row.moved_at, row.id) if row else None
    page = await read_page(session, query, place=(moved.moved_at, moved.id), wanted=wanted, mark=mark)
    ids = [row.id for row in page.items]
    payments = await session.scalars(select(Payment).where(Payment.id.in_(ids)))
    refunds = await session.scalars(select(Refund).where(Refund.id.in_(ids)))
    known: dict[object, Payment | Refund] = {one.id: one for one in payments}
    known |= {one.id: one for one in refunds}
    return Page([known[id] for id in ids], page.has_more)


def _moved(shop_id: str, wanted: TransactionFilter) -> Select[tuple[object, object]]:
    captures = select(
        Payment.id,
        Payment.captured_at.label("moved_at"),
        Payment.currency,
        literal("charge").label("type"),
    ).where(Payment.shop_id == shop_id, Payment.captured_at.is_not(None))
    refunds = select(
        Refund.id, Refund.created_at.label("moved_at"), Refund.currency, literal("refund").label("type")
    ).where(Refund.shop_id == shop_id, Refund.status == RefundStatus.SUCCEEDED)
    both = union_all(captures, refunds).subquery().c
    query = select(both.id, both.moved_at)
    if wanted.type:
        query = query.where(both.type == wanted.type)
    if wanted.currency:
        query = query.where(both.currency == wanted.currency)
    if wanted.source:
        prefix = REFUND if wanted.source.startswith(REFUND) else CHARGE
        query = query.where(both.id == read_id(wanted.source, prefix))
    return query
