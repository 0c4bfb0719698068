"""What payment's doors take and give beyond the contract's own shapes."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from theatre.contracts.money import Amount
from theatre.contracts.payment import AttemptStart, AttemptStatus, OperationQuestion, RefundStart
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


class StateAnswer(Answer):
    """How an attempt stands; nothing else about it is told here."""

    status: AttemptStatus


class ProviderAnswer(Answer):
    """A payment system that may be chosen at checkout."""

    name: str
    title: Line
    is_default: bool
    has_partial_refunds: bool


class ProvidersAnswer(Answer):
    items: list[ProviderAnswer]


class Taken(Answer):
    """The callback is stored, or was known."""
