"""The port to fiscal registers: who registers receipts with the tax service (54-FZ).

A payment system may be one; those that are not are simply not among `Registers`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from theatre.contracts.payment import FiscalDocument, ReceiptLine, ReceiptStatus
from theatre.kit.money import Money


@dataclass(frozen=True, slots=True)
class Subject:
    """The money that a receipt is about, in the provider's references: a payment's, or a refund's."""

    payment_reference: str
    refund_reference: str | None = None


@dataclass(frozen=True, slots=True)
class ReceiptOrder:
    """What to register; the id is the idempotency key."""

    id: UUID
    subject: Subject
    email: str
    vat_code: int
    tax_system_code: int | None
    lines: Sequence[ReceiptLine]
    total: Money


@dataclass(frozen=True, slots=True)
class ReceiptReading:
    """A receipt as the register has it now."""

    reference: str
    status: ReceiptStatus
    document: FiscalDocument | None = None


class FiscalRegister(Protocol):
    """Registers receipts. Methods raise `OutcomeUnknown` unless the answer decides."""

    async def register(self, order: ReceiptOrder) -> ReceiptReading:
        """Hand a receipt in; repeated with the same id while the key lives, give what was handed in.

        Raises:
            OutcomeUnknown, ProviderRefused
        """

    async def read(self, reference: str) -> ReceiptReading:
        """Read a receipt.

        Raises:
            OutcomeUnknown
        """

    async def find(self, subject: Subject) -> ReceiptReading | None:
        """Find the receipt of this money that is registered or may yet be; of some money there is one at most.

        Raises:
            OutcomeUnknown
        """


Registers = Mapping[str, FiscalRegister]
