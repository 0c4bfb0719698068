"""The daily register: all that a shop's day moved, as the file that a payment system sends.

The real registers' columns are in no public description that we know; these are ours, and billing can be told others.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from theatre.kit.db import Sessions, transaction
from theatre.kit.pagination import Page, PageRequest, decode_cursor
from theatre.sandbox import operations
from theatre.sandbox.objects import commission, moment, money
from theatre.sandbox.operations import Operation, OperationFilter

COLUMNS = ("operation", "operation_id", "payment_id", "amount", "currency", "commission", "happened_at")
ZONE = ZoneInfo("Europe/Moscow")
PAGE_LINES = 500


async def write(sessions: Sessions, shop_id: str, day: date) -> AsyncIterator[str]:
    """Write a register page by page; no transaction stays open while it is sent."""
    since = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    until = datetime.combine(day + timedelta(days=1), since.time(), ZONE)
    wanted = OperationFilter(shop_id=shop_id, since=since, until=until)
    yield _written([COLUMNS])
    cursor: str | None = None
    while True:
        async with transaction(sessions) as session:
            asked = PageRequest(PAGE_LINES, decode_cursor(cursor) if cursor else None)
            page: Page[Operation] = await operations.list_page(session, asked, wanted)
        yield _written(map(_line, page.items))
        if (cursor := page.next_cursor) is None:
            return


def _line(operation: Operation) -> tuple[str, ...]:
    is_refund = operation.refund_id is not None
    kept_minor = 0 if is_refund else commission(operation.amount_minor)
    return (
        "refund" if is_refund else "payment",
        str(operation.refund_id or operation.payment_id),
        str(operation.payment_id),
        money(operation.amount_minor, operation.currency)["value"],
        operation.currency,
        money(kept_minor, operation.currency)["value"],
        moment(operation.happened_at),
    )


def _written(lines: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()
