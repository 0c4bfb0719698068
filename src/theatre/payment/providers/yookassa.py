"""YooKassa API v3: redirect confirmation, refunds, notifications.

Its notifications are unsigned: who sent them is judged by address, what they say by reading the object again.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from theatre.kit.money import Money, MoneyError, to_decimal
from theatre.kit.routing import UnsupportedMediaType
from theatre.payment.errors import ForgedCallback, MalformedCallback, OutcomeUnknown
from theatre.payment.providers import (
    Callback,
    Capabilities,
    ChargeOrder,
    Notice,
    Order,
    ProviderRefused,
    Reading,
    RefundOrder,
    RefundReading,
    foremost,
)
from theatre.payment.providers.pages import Pages
from theatre.payment.providers.shapes import names, read_item
from theatre.payment.providers.wire import unless_absent
from theatre.payment.providers.yookassa_objects import Notification, Page, PaymentObject, RefundObject
from theatre.payment.providers.yookassa_wire import Wire

MAX_DESCRIPTION_CHARACTERS = 128
MAX_REASON_CHARACTERS = 250
PAGE_ITEMS = "100"
MAX_PAGES = 100
# our clock and theirs may differ when a list is asked for by time
CLOCK_MARGIN = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Trust:
    """What we believe of what this provider says."""

    shop_id: str
    networks: Collection[IPv4Network | IPv6Network]
    pages: Pages
    takes_test_money: bool = False

    def doubt(self, payment: PaymentObject) -> str | None:
        """Say why a payment must not be believed, if so."""
        if payment.recipient.account_id != self.shop_id:
            return "it belongs to another shop"
        if payment.test and not self.takes_test_money:
            return "its money is not real"
        return self.pages.doubt(payment.confirmation.confirmation_url if payment.confirmation else None)


class YooKassa:
    """The member."""

    name = "yookassa"
    capabilities = Capabilities(
        title="YooKassa",
        link_lifetime=timedelta(hours=1),
        key_lifetime=timedelta(hours=24),
        has_partial_refunds=True,
        # by card and by the fast payments of banks alike
        minimums={"RUB": 100},
    )

    def __init__(self, wire: Wire, trust: Trust) -> None:
        self._wire = wire
        self._trust = trust

    async def create(self, order: Order) -> Reading:
        """See `Provider`."""
        body = {
            **_body_of(order),
            "confirmation": {"type": "redirect", "return_url": order.return_url},
            **({"save_payment_method": True} if order.save_method else {}),
        }
        return await self._post(body, order)

    async def charge(self, order: ChargeOrder) -> Reading:
        """See `Charger`; its outcome is known at once, as a rule."""
        return await self._post({**_body_of(order), "payment_method_id": order.method_reference}, order)

    async def _post(self, body: dict[str, Any], order: Order | ChargeOrder) -> Reading:
        return self._reading(await self._wire.post("payments", body, PaymentObject, key=order.attempt_id))

    async def read(self, reference: str) -> Reading | None:
        """See `Provider`."""
        payment = await unless_absent(self._wire.get(f"payments/{reference}", PaymentObject))
        return None if payment is None else self._reading(payment)

    async def find_by_attempt(self, attempt_id: UUID, *, since: datetime) -> Reading | None:
        """See `Provider`; the newest is listed first."""
        earliest = (since - CLOCK_MARGIN).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        found = [
            self._reading(read_item(PaymentObject, item))
            async for item in self._list("payments", {"created_at.gte": earliest})
            if names(item, "attempt_id", attempt_id)
        ]
        return foremost(found)

    async def cancel(self, reference: str) -> Reading:
        """See `Provider`; what still waits for its payer cannot be taken back here."""
        raise ProviderRefused("cancel", f"a pending payment cannot be canceled: {reference}")

    async def refund(self, order: RefundOrder) -> RefundReading:
        """See `Provider`."""
        body = {
            "payment_id": order.payment_reference,
            "amount": _written(order.amount),
            "description": order.reason[:MAX_REASON_CHARACTERS],
            "metadata": {"refund_id": str(order.refund_id)},
        }
        return _refund_reading(await self._wire.post("refunds", body, RefundObject, key=order.refund_id))

    async def read_refund(self, reference: str) -> RefundReading | None:
        """See `Provider`."""
        refund = await unless_absent(self._wire.get(f"refunds/{reference}", RefundObject))
        return None if refund is None else _refund_reading(refund)

    async def find_refund(self, refund_id: UUID, *, payment_reference: str) -> RefundReading | None:
        """See `Provider`."""
        async for item in self._list("refunds", {"payment_id": payment_reference}):
            if names(item, "refund_id", refund_id):
                return _refund_reading(read_item(RefundObject, item))
        return None

    def authenticate(self, callback: Callback) -> None:
        """See `Provider`."""
        sender = callback.sender
        if sender is None or not any(sender in network for network in self._trust.networks):
            raise ForgedCallback
        kind = callback.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise UnsupportedMediaType

    def parse(self, body: bytes) -> Notice:
        """See `Provider`."""
        try:
            return Notification.model_validate_json(body).to_notice()
        except ValidationError as error:
            raise MalformedCallback from error

    async def _list(self, path: str, params: dict[str, str]) -> AsyncIterator[dict[str, object]]:
        asked = {**params, "limit": PAGE_ITEMS}
        for _ in range(MAX_PAGES):
            page = await _listed(self._wire, path, asked)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor
        raise OutcomeUnknown("YooKassa's list has no end")

    def _reading(self, payment: PaymentObject) -> Reading:
        try:
            return payment.to_reading(doubt=self._trust.doubt(payment))
        except MoneyError as error:
            raise OutcomeUnknown(f"YooKassa's amount makes no sense: {error}") from error


async def _listed(wire: Wire, path: str, params: dict[str, str]) -> Page:
    try:
        return await wire.get(path, Page, params=params)
    except ProviderRefused as refusal:
        raise OutcomeUnknown(f"YooKassa shows no list: {refusal.code}") from refusal


def _body_of(order: Order | ChargeOrder) -> dict[str, Any]:
    return {
        "amount": _written(order.total),
        "capture": True,
        "description": order.description[:MAX_DESCRIPTION_CHARACTERS],
        "metadata": {"attempt_id": str(order.attempt_id), "payment_id": str(order.payment_id)},
    }


def _written(amount: Money) -> dict[str, str]:
    return {"value": to_decimal(amount), "currency": amount.currency}


def _refund_reading(refund: RefundObject) -> RefundReading:
    try:
        return refund.to_reading()
    except MoneyError as error:
        raise OutcomeUnknown(f"YooKassa's amount makes no sense: {error}") from error
