"""What merchants send, read as leniently as YooKassa reads it: unknown fields are passed over."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    IPvAnyAddress,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    model_serializer,
    model_validator,
)

from theatre.kit.fields import Storable
from theatre.kit.money import MAX_MINOR
from theatre.sandbox.objects import money
from theatre.sandbox.payment_methods import TERMS

AMOUNT = re.compile(r"^([0-9]{1,16})(?:\.([0-9]{1,2}))?$", re.ASCII)
CURRENCIES = ["RUB", "EUR", "USD", "KZT", "BYN", "UAH", "UZS", "TRY", "INR", "MDL", "AZN", "AMD", "CNY"]
HTTP_URL = TypeAdapter(HttpUrl)
MAX_METADATA_KEYS = 16


class Loose(BaseModel):
    """What a merchant sends: fields that we do not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def _minor(value: Any) -> int:
    match = None if isinstance(value, bool) else AMOUNT.match(str(value))
    if match is None:
        raise ValueError("Amount must be a decimal with at most two digits after the point")
    minor = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if not 0 < minor <= MAX_MINOR:
        raise ValueError("Amount must be positive" if minor == 0 else "Amount is too large")
    return minor


def _known_currency(value: str) -> str:
    if value not in CURRENCIES:
        raise ValueError("Incorrect currency")
    return value


def _web_address(value: str) -> str:
    HTTP_URL.validate_python(value)
    return value


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
WebAddress = Annotated[str, StringConstraints(max_length=2048), AfterValidator(_web_address), Storable]
Description = Annotated[str, StringConstraints(max_length=128), Storable]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=32), Storable]
MetadataValue = Annotated[str, StringConstraints(max_length=512), Storable]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=MAX_METADATA_KEYS)]
MethodType = Annotated[str, AfterValidator(lambda value: _known_method(value))]


def _known_method(value: str) -> str:
    if value not in TERMS:
        raise ValueError("Payment method is not available")
    return value


class AmountField(Loose):
    """Money: a string or a number with up to two digits after the point."""

    amount_minor: Annotated[int, BeforeValidator(_minor)] = Field(alias="value")
    currency: Annotated[str, AfterValidator(_known_currency)]

    @model_serializer
    def _write(self) -> dict[str, str]:
        return money(self.amount_minor, self.currency)


class CustomerField(Loose):
    """Who gets a receipt."""

    full_name: Annotated[str, StringConstraints(max_length=256), Storable] | None = None
    inn: Annotated[str, StringConstraints(pattern=r"^([0-9]{10}|[0-9]{12})$")] | None = None
    email: (
        Annotated[str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), Storable] | None
    ) = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{4,15}$")] | None = None

    @model_validator(mode="after")
    def _check(self) -> "CustomerField":
        if not self.email and not self.phone:
            raise ValueError("Receipt is missing or illegal: the customer needs an email or a phone")
        return self


class ItemField(Loose):
    """A line of a receipt; `amount` is the price of one unit. Further fields of the law are kept as they come."""

    model_config = ConfigDict(extra="allow", frozen=True)

    description: Annotated[str, StringConstraints(min_length=1, max_length=128), Storable]
    quantity: Annotated[Decimal, Field(gt=0, max_digits=16, decimal_places=6), PlainSerializer(float)]
    amount: AmountField
    vat_code: Annotated[int, Field(ge=1, le=12)] | None = None


class ReceiptData(Loose):
    """The receipt that comes with a payment, a capture or a refund."""

    customer: CustomerField
    items: Annotated[list[ItemField], Field(min_length=1, max_length=100)]
    tax_system_code: Annotated[int, Field(ge=1, le=6)] | None = None
    timezone: Annotated[int, Field(ge=1, le=11)] | None = None
    internet: bool | None = None

    @model_validator(mode="after")
    def _check(self) -> "ReceiptData":
        if self.tax_system_code is None and any(item.vat_code is None for item in self.items):
            raise ValueError("Receipt is missing or illegal: an item needs a vat_code")
        return self

    def to_content(self) -> dict[str, Any]:
        """Give what is stored and shown of it."""
        return self.model_dump(mode="json", exclude_none=True)


class RecipientField(Loose):
    """A sub-account."""

    gateway_id: str | None = None


class MethodData(Loose):
    """The way to pay that the shop chose; card data is for certified shops, which ours are not."""

    type: MethodType
    card: Any = None


class ConfirmationField(Loose):
    """How the payer confirms."""

    type: Literal["redirect", "embedded", "qr", "external", "mobile_application"]
    return_url: WebAddress | None = None
    enforce: bool | None = None
    locale: Literal["ru_RU", "en_US"] | None = None

    @model_validator(mode="after")
    def _check(self) -> "ConfirmationField":
        if self.type in {"redirect", "mobile_application"} and not self.return_url:
            raise ValueError("return_url is missing")
        return self


class PaymentOrder(Loose):
    """The body of `POST /payments`."""

    amount: AmountField
    description: Description | None = None
    receipt: ReceiptData | None = None
    recipient: RecipientField | None = None
    payment_token: str | None = None
    payment_method_id: UUID | None = None
    payment_method_data: MethodData | None = None
    confirmation: ConfirmationField | None = None
    save_payment_method: bool | None = None
    capture: bool = False
    client_ip: IPvAnyAddress | None = None
    metadata: Metadata | None = None
    merchant_customer_id: Annotated[str, StringConstraints(max_length=200), Storable] | None = None


class CaptureOrder(Loose):
    """The body of `POST /payments/{id}/capture`; without an amount all of it is captured."""

    amount: AmountField | None = None
    receipt: ReceiptData | None = None


class RefundOrder(Loose):
    """The body of `POST /refunds`."""

    payment_id: UUID
    amount: AmountField
    description: Annotated[str, StringConstraints(max_length=250), Storable] | None = None
    receipt: ReceiptData | None = None
    metadata: Metadata | None = None


class SettlementField(Loose):
    """How an operation was paid."""

    type: Literal["cashless", "prepayment", "postpayment", "consideration"]
    amount: AmountField


class ReceiptOrder(ReceiptData):
    """The body of `POST /receipts`."""

    type: Literal["payment", "refund"]
    payment_id: UUID | None = None
    refund_id: UUID | None = None
    send: bool
    settlements: Annotated[list[SettlementField], Field(min_length=1)]
    on_behalf_of: str | None = None

    @model_validator(mode="after")
    def _check_owner(self) -> "ReceiptOrder":
        if (self.payment_id is None) == (self.refund_id is None):
            raise ValueError("Either payment_id or refund_id is needed")
        return self


class WebhookOrder(Loose):
    """The body of `POST /webhooks`."""

    event: Literal["payment.waiting_for_capture", "payment.succeeded", "payment.canceled", "refund.succeeded"]
    url: WebAddress


class ListFilter(Loose):
    """What every list can be asked for."""

    created_at_gte: Moment | None = Field(None, alias="created_at.gte")
    created_at_gt: Moment | None = Field(None, alias="created_at.gt")
    created_at_lte: Moment | None = Field(None, alias="created_at.lte")
    created_at_lt: Moment | None = Field(None, alias="created_at.lt")
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    cursor: Annotated[str, StringConstraints(max_length=512)] | None = None


class PaymentFilter(ListFilter):
    """Query of `GET /payments`."""

    captured_at_gte: Moment | None = Field(None, alias="captured_at.gte")
    captured_at_gt: Moment | None = Field(None, alias="captured_at.gt")
    captured_at_lte: Moment | None = Field(None, alias="captured_at.lte")
    captured_at_lt: Moment | None = Field(None, alias="captured_at.lt")
    payment_method: MethodType | None = None
    status: Literal["pending", "waiting_for_capture", "succeeded", "canceled"] | None = None


class RefundFilter(ListFilter):
    """Query of `GET /refunds`."""

    payment_id: UUID | None = None
    status: Literal["pending", "succeeded", "canceled"] | None = None


class ReceiptFilter(ListFilter):
    """Query of `GET /receipts`."""

    payment_id: UUID | None = None
    refund_id: UUID | None = None
    status: Literal["pending", "succeeded", "canceled"] | None = None

    @model_validator(mode="after")
    def _check_owner(self) -> "ReceiptFilter":
        if self.payment_id is not None and self.refund_id is not None:
            raise ValueError("Only one of payment_id and refund_id may be given")
        return self
