"""What a reference of ours at YooMoney says: a link that is not paid yet, or an operation and what it charged."""

import re
from dataclasses import dataclass
from uuid import UUID

from theatre.kit.money import Money
from theatre.payment.providers.yoomoney_objects import CURRENCY, Notification, money_of, uuid_in

LINK = re.compile(r"(?P<attempt_id>[0-9a-f-]{36})\.(?P<minor>[0-9]{1,16})", re.ASCII)
CLAIM = re.compile(
    r"(?P<operation_id>[0-9A-Za-z_-]{1,64})(?:(?P<kind>[:~])(?P<minor>[0-9]{1,16}))?", re.ASCII
)
SIGNED, UNSIGNED = ":", "~"


@dataclass(frozen=True, slots=True)
class Link:
    """A page of ours: YooMoney knows nothing of it before somebody pays."""

    attempt_id: UUID
    total: Money

    @property
    def written(self) -> str:
        """The link as a reference."""
        return f"{self.attempt_id}.{self.total.amount_minor}"

    @classmethod
    def read(cls, reference: str) -> "Link | None":
        """Read a reference; None if it names no link."""
        match = LINK.fullmatch(reference)
        attempt_id = uuid_in(match["attempt_id"]) if match else None
        return cls(attempt_id, Money(int(match["minor"]), CURRENCY)) if match and attempt_id else None


@dataclass(frozen=True, slots=True)
class Claim:
    """An operation, with what a notification says was charged. Our wallet's history does not tell that."""

    operation_id: str
    charged: Money | None = None
    is_signed: bool = False

    @property
    def written(self) -> str:
        """The claim as the id of what a notification is about."""
        if self.charged is None:
            return self.operation_id
        kind = SIGNED if self.is_signed else UNSIGNED
        return f"{self.operation_id}{kind}{self.charged.amount_minor}"

    @classmethod
    def of(cls, said: Notification) -> "Claim":
        """Take what an authentic notification claims; only `sign` covers the sum that was charged."""
        charged = None if said.withdraw_amount is None else money_of(said.withdraw_amount)
        return cls(said.operation_id, charged, is_signed=said.sign is not None)

    @classmethod
    def read(cls, reference: str) -> "Claim | None":
        """Read a reference; None if it names no operation."""
        match = CLAIM.fullmatch(reference)
        if match is None:
            return None
        charged = Money(int(match["minor"]), CURRENCY) if match["minor"] else None
        return cls(match["operation_id"], charged, is_signed=match["kind"] == SIGNED)
