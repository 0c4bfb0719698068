"""Types of the fields that doors take and give: text that any store can hold, ids, money, strict whole numbers."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from theatre.kit.money import Money, from_decimal, to_decimal


def _storable(value: str) -> str:
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError("must not contain NUL or half of a surrogate pair")
    return value


def one_line(value: str) -> str:
    """Refuse control characters (a validator of text)."""
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("must not contain control characters")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("must be a moment that a calendar can hold in UTC") from error


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment with its offset, given in UTC."""
Storable = AfterValidator(_storable)
Line = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(one_line), Storable]
"""One line of text, 1 to 200 characters, no control characters."""
Prose = Annotated[str, StringConstraints(max_length=10_000), Storable]
"""Text of several lines, up to 10,000 characters."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""A machine word."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""A currency's code, as ISO 4217 writes it."""
Quantity = Annotated[int, Field(strict=True, ge=1, le=100)]


class Body(BaseModel):
    """What a door takes: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What a door gives."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class MoneyField(Body):
    """Money on the wire. The amount is a string; a JSON number is refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_extra={"examples": [{"amount": "399.00", "currency": "RUB"}]}
    )

    amount: Annotated[str, Field(strict=True, max_length=24, examples=["399.00"])]
    currency: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$", examples=["RUB"])]

    @model_validator(mode="before")
    @classmethod
    def _from_money(cls, value: Any) -> Any:
        if isinstance(value, Money):
            return {"amount": to_decimal(value), "currency": value.currency}
        return value

    @model_validator(mode="after")
    def _check(self) -> "MoneyField":
        self.to_money()
        return self

    def to_money(self) -> Money:
        """Give the amount in minor units.

        Raises:
            MoneyError: negative, other digits than the currency's, too large, or an unknown currency.
        """
        return from_decimal(self.amount, self.currency)
