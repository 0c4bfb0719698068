"""YooKassa as a fiscal register: receipt objects of its API v3 (PROVIDERS 1.10)."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import AwareDatetime, ValidationError

from theatre.contracts.payment import FiscalDocument, ReceiptLine, ReceiptStatus
from theatre.kit.money import Money, to_decimal
from theatre.payment.errors import OutcomeUnknown
from theatre.payment.fiscal import ReceiptOrder, ReceiptReading, Subject
from theatre.payment.providers import ProviderRefused
from theatre.payment.providers.shapes import Shape
from theatre.payment.providers.yookassa_objects import Id, Page
from theatre.payment.providers.yookassa_wire import Wire

PAGE_ITEMS = "100"
STATUSES = {
    "pending": ReceiptStatus.PENDING,
    "succeeded": ReceiptStatus.SUCCEEDED,
    "canceled": ReceiptStatus.FAILED,
}
PAYMENT_SUBJECT = "service"
PAYMENT_MODE = "full_payment"
"""Full settlement at the moment when its subject is handed over (tag 1214 of the fiscal formats, order ЕД-7-20/662@ of
the tax service). Access is what we sell, and it is open in the transaction in which the money is booked, for plans
too: nothing is paid in advance of it, so no second receipt has to set an advance off."""


class ReceiptObject(Shape):
    id: Id
    type: Literal["payment", "refund"]
    status: Literal["pending", "succeeded", "canceled"]
    fiscal_document_number: str | None = None
    fiscal_storage_number: str | None = None
    fiscal_attribute: str | None = None
    registered_at: AwareDatetime | None = None

    def to_reading(self) -> ReceiptReading:
        """Say it in our words."""
        status = STATUSES[self.status]
        document = FiscalDocument(
            document_number=self.fiscal_document_number,
            storage_number=self.fiscal_storage_number,
            attribute=self.fiscal_attribute,
            registered_at=self.registered_at,
        )
        return ReceiptReading(self.id, status, document if status is ReceiptStatus.SUCCEEDED else None)


class YooKassaReceipts:
    """The member."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def register(self, order: ReceiptOrder) -> ReceiptReading:
        """See `FiscalRegister`."""
        body = {
            "type": _kind(order.subject),
            **_owner(order.subject),
            "customer": {"email": order.email},
            "items": [_item(line, vat_code=order.vat_code) for line in order.lines],
            "settlements": [{"type": "cashless", "amount": _written(order.total)}],
            "send": True,
            **({"tax_system_code": order.tax_system_code} if order.tax_system_code else {}),
        }
        return (await self._wire.post("receipts", body, ReceiptObject, key=order.id)).to_reading()

    async def read(self, reference: str) -> ReceiptReading:
        """See `FiscalRegister`."""
        try:
            return (await self._wire.get(f"receipts/{reference}", ReceiptObject)).to_reading()
        except ProviderRefused as refusal:
            raise OutcomeUnknown(f"YooKassa answered {refusal.code} to a question") from refusal

    async def find(self, subject: Subject) -> ReceiptReading | None:
        """See `FiscalRegister`; a receipt of a payment's refund is not one of its money."""
        params = {**_owner(subject), "limit": PAGE_ITEMS}
        try:
            page = await self._wire.get("receipts", Page, params=params)
            receipts = [ReceiptObject.model_validate(item) for item in page.items]
        except ProviderRefused as refusal:
            raise OutcomeUnknown(f"YooKassa shows no list: {refusal.code}") from refusal
        except ValidationError as error:
            raise OutcomeUnknown("an item of YooKassa's list makes no sense") from error
        fitting = (receipt for receipt in receipts if receipt.type == _kind(subject))
        return next((receipt.to_reading() for receipt in fitting if receipt.status != "canceled"), None)


def _kind(subject: Subject) -> str:
    return "payment" if subject.refund_reference is None else "refund"


def _owner(subject: Subject) -> dict[str, str]:
    if subject.refund_reference is None:
        return {"payment_id": subject.payment_reference}
    return {"refund_id": subject.refund_reference}


def _item(line: ReceiptLine, *, vat_code: int) -> Mapping[str, Any]:
    return {
        "description": line.description,
        "quantity": line.quantity,
        "amount": _written(line.unit.to_money()),
        "vat_code": vat_code,
        "payment_subject": PAYMENT_SUBJECT,
        "payment_mode": PAYMENT_MODE,
    }


def _written(amount: Money) -> dict[str, str]:
    return {"value": to_decimal(amount), "currency": amount.currency}
