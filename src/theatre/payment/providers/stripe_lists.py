"""Stripe's lists, page by page and from beginning to end; the newest is listed first."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from theatre.payment.errors import OutcomeUnknown
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.shapes import read_item
from theatre.payment.providers.stripe_objects import Listed, Page
from theatre.payment.providers.stripe_wire import Wire

SESSIONS, REFUNDS, TRANSACTIONS = "checkout/sessions", "refunds", "balance_transactions"
PAGE_ITEMS = 100
MAX_PAGES = 100


async def walk(wire: Wire, path: str, params: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Give every item of a list.

    Raises:
        OutcomeUnknown
    """
    asked: dict[str, Any] = {**params, "limit": PAGE_ITEMS}
    for _ in range(MAX_PAGES):
        page = await read_page(wire, path, asked)
        for item in page.data:
            yield item
        if page.next_after is None:
            return
        asked["starting_after"] = page.next_after
    raise OutcomeUnknown("Stripe's list has no end")


async def read_page(wire: Wire, path: str, params: Mapping[str, Any]) -> Page:
    """Read one page.

    Raises:
        OutcomeUnknown
    """
    try:
        return await wire.get(path, Page, params=params)
    except ProviderRefused as refusal:
        raise OutcomeUnknown(f"Stripe shows no list: {refusal.code}") from refusal


async def find_session_id(wire: Wire, intent_id: str) -> str | None:
    """Name the session that a payment intent was made for, which is our reference; None if it had none.

    Raises:
        OutcomeUnknown
    """
    page = await read_page(wire, SESSIONS, {"payment_intent": intent_id, "limit": 1})
    return read_item(Listed, page.data[0]).id if page.data else None
