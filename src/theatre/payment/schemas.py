"""What payment's doors take and give beyond the contract's own shapes."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from theatre.contracts.money import Amount
from theatre.contracts.payment import (
    AttemptStart,
    AttemptStatus,
    OperationQuestion,
    ReceiptStart,
    RefundStart,
)
from theatre.contracts.payment_methods import ChargeStart
from theatre.kit.fields import Answer, Line, Storable, Word
from theatre.kit.money import digits
from theatre.payment.addresses import MAX_CHARACTERS

Text = Annotated[str, StringConstraints(min_length=1, max_length=1_000), Storable]
Address = Annotated[str, StringConstraints(max_length=MAX_CHARACTERS), Storable]


def _collectable(amount: Amount) -> Amount:
    digits(amount.currency)
    if amount.amount_minor == 0:
        raise ValueError("must be above zero")
    return amount


Collectable = Annotated[Amount, AfterValidator(_collectable)]


class AttemptBody(AttemptStart):
    """`AttemptStart` as it may come over the wire."""

    total: Collectable
    description: Text
    provider: Word | None = None
    return_url: Address
    save_method: Annotated[bool, Field(strict=True)] = False


class ChargeBody(ChargeStart):
    """`ChargeStart` as it may come over the wire."""

    total: Collectable
    description: Text
    provider: Word
    method_reference: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,255}$")]


class RefundBody(RefundStart):
    """`RefundStart` as it may come over the wire."""

    amount: Collectable
    reason: Text


class OperationBody(OperationQuestion):
    """`OperationQuestion` as it may come over the wire."""

    reference: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,255}$")] | None = None

    @model_validator(mode="after")
    def _check_one(self) -> "OperationBody":
        if (self.operation_id is None) == (self.reference is None):
            raise ValueError("either operation_id or reference is needed")
        return self


class ReceiptBody(ReceiptStart):
    """`ReceiptStart` as it may come over the wire: its lines must make its total."""

    reference: Word | None = None
    total: Collectable
    vat_code: Annotated[int, Field(strict=True, ge=1, le=12)]
    tax_system_code: Annotated[int, Field(strict=True, ge=1, le=6)] | None

    @model_validator(mode="after")
    def _check_sum(self) -> "ReceiptBody":
        if {line.unit.currency for line in self.lines} != {self.total.currency}:
            raise ValueError("all amounts must be in one currency")
        if sum(line.unit.amount_minor * line.quantity for line in self.lines) != self.total.amount_minor:
            raise ValueError("the lines must make the total")
        return self


class StateAnswer(Answer):
    """How an attempt stands; nothing else about it is told here."""

    status: AttemptStatus


class ProviderAnswer(Answer):
    """A payment system that may be chosen at checkout. `has_saved_methods`: it keeps ways to pay for later charges."""

    name: str
    title: Line
    is_default: bool
    has_partial_refunds: bool
    has_saved_methods: bool


class ProvidersAnswer(Answer):
    items: list[ProviderAnswer]


class Taken(Answer):
    """The callback is stored, or was known."""
