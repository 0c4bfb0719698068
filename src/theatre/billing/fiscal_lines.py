"""Lines of a fiscal receipt out of what was sold. Pure: no clock, no database.

A line says quantity × unit price and nothing else, so a discount is spread over the units, and units that cannot all
cost the same stand in two lines: the lines make exactly the money, never a kopeck more or less.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from theatre.billing.models import PaymentItem

MAX_DESCRIPTION_CHARACTERS = 128
"""What the fiscal format leaves for the name of a line (PROVIDERS 1.10)."""


@dataclass(frozen=True, slots=True)
class FiscalLine:
    """One line: `unit_minor` is what a unit was really paid, tax included."""

    description: str
    quantity: int
    unit_minor: int

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_minor

    def to_json(self) -> dict[str, Any]:
        """Write it as a receipt keeps it."""
        return {"description": self.description, "quantity": self.quantity, "unit_minor": self.unit_minor}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "FiscalLine":
        """Read a kept line."""
        return cls(kept["description"], kept["quantity"], kept["unit_minor"])


def net_of(item: PaymentItem) -> int:
    """Give what an item was really sold for, in minor units: its price less its share of the discount."""
    return item.total_minor - item.discount_minor


def lines_of_sale(items: Sequence[PaymentItem]) -> list[FiscalLine]:
    """Write what was sold; what cost nothing stands on no line, for nothing was settled for it."""
    return [line for item in items for line in _spread(item.name, item.quantity, net_of(item))]


def lines_of_return(items: Sequence[PaymentItem], shares: Sequence[int]) -> list[FiscalLine]:
    """Write what was given back: an item given back whole as it was sold, a part of one as one line of that sum."""
    lines: list[FiscalLine] = []
    for item, share in zip(items, shares, strict=True):
        quantity = item.quantity if share == net_of(item) else 1
        lines.extend(_spread(item.name, quantity, share))
    return lines


def _spread(name: str, quantity: int, amount_minor: int) -> Iterator[FiscalLine]:
    unit_minor, dearer = divmod(amount_minor, quantity)
    description = name[:MAX_DESCRIPTION_CHARACTERS]
    for count, unit in ((quantity - dearer, unit_minor), (dearer, unit_minor + 1)):
        if count and unit:
            yield FiscalLine(description, count, unit)
