"""The receipt that a user gets of a payment, and what staff see of its fiscal receipts (CONTRACT 5)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from theatre.billing.fiscal_lines import net_of
from theatre.billing.models import (
    Payment,
    PaymentItem,
    Receipt,
    ReceiptStatus,
    Refund,
    RefundSource,
    RefundStatus,
)
from theatre.billing.receipts import FISCAL_CURRENCY, Day
from theatre.billing.schemas.money import money
from theatre.billing.settings import BillingSettings
from theatre.kit.fields import Answer, MoneyField


class SellerAnswer(Answer):
    """Who sold."""

    name: str
    inn: str
    address: str
    email: str
    site: str

    @classmethod
    def of(cls, settings: BillingSettings) -> "SellerAnswer":
        return cls(
            name=settings.seller_name,
            inn=settings.seller_inn,
            address=settings.seller_address,
            email=settings.seller_email,
            site=settings.public_url,
        )


class FiscalAnswer(Answer):
    """A fiscal receipt (54-FZ): `pending` until it is `registered`, then with what it is found by."""

    status: str
    document_number: str | None
    storage_number: str | None
    attribute: str | None
    vat_code: int | None
    tax_system_code: int | None
    registered_at: datetime | None

    @classmethod
    def of(cls, receipt: Receipt | None) -> "FiscalAnswer | None":
        if receipt is None:
            return None
        return cls(
            status="registered" if receipt.status == ReceiptStatus.SUCCEEDED else "pending",
            document_number=receipt.fiscal_document_number,
            storage_number=receipt.fiscal_storage_number,
            attribute=receipt.fiscal_attribute,
            vat_code=receipt.vat_code,
            tax_system_code=receipt.tax_system_code,
            registered_at=receipt.registered_at,
        )


class ReceiptLineAnswer(Answer):
    """One line: `total` is what was paid for it, its share of the discount taken off."""

    name: str
    kind: str
    quantity: int
    unit_price: MoneyField
    discount: MoneyField
    total: MoneyField

    @classmethod
    def of(cls, item: PaymentItem, currency: str) -> "ReceiptLineAnswer":
        return cls(
            name=item.name,
            kind=item.kind,
            quantity=item.quantity,
            unit_price=money(item.unit_minor, currency),
            discount=money(item.discount_minor, currency),
            total=money(net_of(item), currency),
        )


class ReceiptRefundAnswer(Answer):
    """Money of the payment that was given back."""

    id: UUID
    amount: MoneyField
    refunded_at: datetime
    fiscal: FiscalAnswer | None


class ReceiptAnswer(Answer):
    """A receipt. `fiscal` is null where the law wants none: nothing was paid in money, or not in roubles."""

    number: str
    payment_id: UUID
    status: str
    paid_at: datetime
    provider: str | None
    seller: SellerAnswer
    lines: list[ReceiptLineAnswer]
    subtotal: MoneyField
    discount: MoneyField
    promo_code: str | None
    total: MoneyField
    refunded: MoneyField
    refunds: list[ReceiptRefundAnswer]
    fiscal: FiscalAnswer | None

    @classmethod
    def of(
        cls,
        payment: Payment,
        refunds: Sequence[Refund],
        receipts: Sequence[Receipt],
        *,
        settings: BillingSettings,
    ) -> "ReceiptAnswer":
        if payment.paid_at is None:
            raise AssertionError(f"payment {payment.id} is not paid")
        by_refund = {receipt.refund_id: receipt for receipt in receipts}
        currency = payment.currency
        return cls(
            number=number_of(payment.id),
            payment_id=payment.id,
            status=payment.status,
            paid_at=payment.paid_at,
            provider=payment.provider,
            seller=SellerAnswer.of(settings),
            lines=[ReceiptLineAnswer.of(item, currency) for item in payment.items],
            subtotal=money(payment.total_minor + payment.discount_minor, currency),
            discount=money(payment.discount_minor, currency),
            promo_code=payment.promo_code,
            total=money(payment.total_minor, currency),
            refunded=money(payment.refunded_minor, currency),
            refunds=_refunds(refunds, by_refund),
            fiscal=FiscalAnswer.of(by_refund.get(None)),
        )


def number_of(payment_id: UUID) -> str:
    """Give the number of a payment's receipt, short enough to be read out: the random end of its id."""
    end = payment_id.hex[-12:].upper()
    return f"{end[:4]}-{end[4:8]}-{end[8:]}"


def _refunds(
    refunds: Sequence[Refund], by_refund: Mapping[UUID | None, Receipt]
) -> list[ReceiptRefundAnswer]:
    return [
        ReceiptRefundAnswer(
            id=refund.id,
            amount=money(refund.amount_minor, refund.currency),
            refunded_at=refund.settled_at,
            fiscal=FiscalAnswer.of(by_refund.get(refund.id)),
        )
        for refund in refunds
        if refund.status == RefundStatus.SUCCEEDED
        and refund.source != RefundSource.LATE
        and refund.settled_at
    ]


class FiscalReceiptAnswer(Answer):
    """A fiscal receipt as staff see it."""

    id: UUID
    kind: str
    status: str
    payment_id: UUID
    refund_id: UUID | None
    amount: MoneyField
    tries: int
    next_try_at: datetime | None
    provider_reference: str | None
    failure_code: str | None
    created_at: datetime
    registered_at: datetime | None

    @classmethod
    def of(cls, receipt: Receipt) -> "FiscalReceiptAnswer":
        plain = {name: getattr(receipt, name) for name in cls.model_fields if name != "amount"}
        return cls(amount=money(receipt.amount_minor, receipt.currency), **plain)


class DifferenceAnswer(Answer):
    """Money and receipts that do not agree: of a payment, a refund, or an entry of the ledger."""

    subject_id: UUID
    reason: str
    money_minor: int
    receipts_minor: int


class DayAnswer(Answer):
    """A Moscow day's money and its registered fiscal receipts."""

    day: date
    captured: MoneyField
    refunded: MoneyField
    income: MoneyField
    returned: MoneyField
    differences: list[DifferenceAnswer]

    @classmethod
    def of(cls, day_on: date, compared: Day) -> "DayAnswer":
        return cls(
            day=day_on,
            captured=money(compared.captured_minor, FISCAL_CURRENCY),
            refunded=money(compared.refunded_minor, FISCAL_CURRENCY),
            income=money(compared.income_minor, FISCAL_CURRENCY),
            returned=money(compared.return_minor, FISCAL_CURRENCY),
            differences=[DifferenceAnswer.model_validate(found) for found in compared.differences],
        )
