"""What the admin panel reads in the answers of billing's doors for staff, first what all of them share."""

from typing import Annotated, Generic, TypeVar

from pydantic import StringConstraints

from theatre.kit.money import Money, from_decimal
from theatre.web.schemas import Read

R = TypeVar("R", bound=Read)


class ReadPage(Read, Generic[R]):
    """One page of a list."""

    items: list[R]
    next_cursor: str | None = None


class SignedMoney(Read):
    """Money that may be below zero, as books have it."""

    amount: Annotated[str, StringConstraints(max_length=25)]
    currency: str

    def to_money(self) -> Money:
        """Give the amount in minor units."""
        money = from_decimal(self.amount.removeprefix("-"), self.currency)
        return Money(-money.amount_minor, money.currency) if self.amount.startswith("-") else money
