"""What Stripe's merchants send. Unlike YooKassa Stripe refuses parameters that it does not know."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from theatre.kit.fields import Storable
from theatre.kit.money import MoneyError, digits
from theatre.sandbox.errors import InvalidRequest
from theatre.sandbox.schemas import WebAddress
from theatre.sandbox.stripe.forms import Fields

MAX_UNITS = 99_999_999
MAX_METADATA_KEYS = 50
THREE_DIGITS = 3

S = TypeVar("S", bound="Strict")


class Strict(BaseModel):
    """Fields of a request."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _whole(value: Any) -> Any:
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("Invalid integer")
    return value


def _known_currency(value: str) -> str:
    try:
        digits(value.upper())
    except MoneyError as error:
        raise ValueError("Invalid currency") from error
    return value.upper()


def _as_list(value: Any) -> Any:
    return list(value.values()) if isinstance(value, dict) else value


Whole = Annotated[int, BeforeValidator(_whole)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{3}$"), AfterValidator(_known_currency)]
Text = Annotated[str, StringConstraints(max_length=500), Storable]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40), Storable]
Metadata = Annotated[dict[MetadataKey, Text], Field(max_length=MAX_METADATA_KEYS)]
Expand = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[a-z_.]{1,200}$")]], BeforeValidator(_as_list)
]
Identity = Annotated[str, StringConstraints(max_length=255)]


class Opening(Strict):
    """What any request may ask: which references to open."""

    expand: Expand = []


class ProductData(Strict):
    name: Annotated[str, StringConstraints(min_length=1, max_length=250), Storable]
    description: Text | None = None
    images: list[WebAddress] | None = None
    metadata: Metadata | None = None
    tax_code: Text | None = None


class PriceData(Strict):
    currency: Currency
    unit_amount: Annotated[Whole, Field(ge=1, le=MAX_UNITS)]
    product_data: ProductData
    tax_behavior: Literal["exclusive", "inclusive", "unspecified"] | None = None


class LineItem(Strict):
    price_data: PriceData
    quantity: Annotated[Whole, Field(ge=1, le=999_999)] = 1


class IntentData(Strict):
    capture_method: Literal["automatic", "automatic_async"] | None = None
    description: Text | None = None
    metadata: Metadata = {}
    receipt_email: Text | None = None
    setup_future_usage: Literal["on_session", "off_session"] | None = None
    statement_descriptor: Text | None = None


class SessionOrder(Opening):
    """The body of `POST /checkout/sessions`; of its modes and looks only a hosted payment is played here."""

    mode: Literal["payment"]
    line_items: Annotated[list[LineItem], Field(min_length=1, max_length=100)]
    success_url: WebAddress
    cancel_url: WebAddress | None = None
    client_reference_id: Annotated[str, StringConstraints(max_length=200), Storable] | None = None
    customer_email: Text | None = None
    customer_creation: Literal["always", "if_required"] | None = None
    expires_at: Whole | None = None
    locale: Text | None = None
    metadata: Metadata = {}
    payment_intent_data: IntentData = IntentData()
    submit_type: Text | None = None
    ui_mode: Literal["hosted_page"] | None = None

    @property
    def currency(self) -> str:
        return self.line_items[0].price_data.currency

    @property
    def total_units(self) -> int:
        """Add up what is to be paid."""
        return sum(item.price_data.unit_amount * item.quantity for item in self.line_items)

    @model_validator(mode="after")
    def _check(self) -> "SessionOrder":
        if {item.price_data.currency for item in self.line_items} != {self.currency}:
            raise ValueError("All prices must be in one currency")
        if self.total_units > MAX_UNITS:
            raise ValueError("The total amount is too large")
        if digits(self.currency) == THREE_DIGITS and self.total_units % 10:
            raise ValueError("Amounts in this currency must end in 0")
        return self


class RefundOrder(Opening):
    """The body of `POST /refunds`; without an amount all that is left is given back."""

    payment_intent: Identity | None = None
    charge: Identity | None = None
    amount: Annotated[Whole, Field(ge=1)] | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _check(self) -> "RefundOrder":
        if (self.payment_intent is None) == (self.charge is None):
            raise ValueError("One of payment_intent and charge must be given")
        return self


class Created(Strict):
    """A range of moments."""

    gt: Whole | None = None
    gte: Whole | None = None
    lt: Whole | None = None
    lte: Whole | None = None


class ListFilter(Opening):
    """What every list can be asked for."""

    created: Created = Created()
    limit: Annotated[Whole, Field(ge=1, le=100)] = 10
    starting_after: Identity | None = None
    ending_before: Identity | None = None


class SessionFilter(ListFilter):
    """Query of `GET /checkout/sessions`."""

    payment_intent: Identity | None = None
    status: Literal["open", "complete", "expired"] | None = None


class RefundFilter(ListFilter):
    """Query of `GET /refunds`."""

    payment_intent: Identity | None = None
    charge: Identity | None = None


class TransactionFilter(ListFilter):
    """Query of `GET /balance_transactions`; a type that is none of ours has no transactions here."""

    type: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,60}$")] | None = None
    source: Identity | None = None
    currency: Currency | None = None


def read_as(shape: type[S], fields: Fields) -> S:
    """Read fields, naming the first that is wrong.

    Raises:
        InvalidRequest
    """
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        head, *rest = [str(part) for part in first["loc"]] or [""]
        parameter = head + "".join(f"[{part}]" for part in rest)
        raise InvalidRequest(f"{first['msg']}: {parameter}", parameter=parameter or None) from error


def moment_of(units: int) -> datetime:
    """Read a moment.

    Raises:
        InvalidRequest
    """
    try:
        return datetime.fromtimestamp(units, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise InvalidRequest("Invalid timestamp") from error
