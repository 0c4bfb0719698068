"""Money as services tell it to each other: whole minor units, no text to parse."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from theatre.kit.money import MAX_MINOR, Money


class Amount(BaseModel):
    """An amount in minor units of an ISO 4217 currency."""

    model_config = ConfigDict(frozen=True)

    amount_minor: Annotated[int, Field(strict=True, ge=0, le=MAX_MINOR)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]

    @classmethod
    def of(cls, money: Money) -> "Amount":
        return cls(amount_minor=money.amount_minor, currency=money.currency)

    def to_money(self) -> Money:
        return Money(self.amount_minor, self.currency)
