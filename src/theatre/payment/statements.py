"""The statement port: what a payment system says it took and gave back in a time, page by page.

It is a port of its own, since a payment system may be able to take money without being able to list it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from theatre.contracts.payment import OperationKind
from theatre.kit.money import Money


@dataclass(frozen=True, slots=True)
class Period:
    """A time from `since` until before `until`."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class ListedOperation:
    """One capture or refund. `own_id` is the id that we gave along, if we did; `fee` what the provider kept."""

    kind: OperationKind
    reference: str
    payment_reference: str
    own_id: UUID | None
    amount: Money
    fee: Money | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class ListedPage:
    """At most a hundred operations; without `next_cursor` they are the last."""

    items: Sequence[ListedOperation]
    next_cursor: str | None


class Statement(Protocol):
    """What one payment system did. Nothing of it is kept between pages: the cursor says all."""

    async def read_page(self, period: Period, cursor: str | None) -> ListedPage:
        """Give a page of the captures and refunds that succeeded and whose moment lies in a period.

        Raises:
            OutcomeUnknown: no answer that could be understood; the same page may be asked for again.
        """


Statements = Mapping[str, Statement]
