"""The wallet port: what a payer's own wallet must be able to do for us once its owner has allowed it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from pydantic import SecretStr

from theatre.kit.money import Money


class TokenRefused(Exception):
    """The wallet does not take this token, or not for this: its owner has to allow it anew."""


class TransferRefused(Exception):
    """A definite no: nothing was moved. `code` is the wallet's word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TransferStatus(StrEnum):
    """How a transfer stands. `waiting`: at work, or not known; `asked`: the payer's bank wants to ask the payer."""

    DONE = "done"
    REFUSED = "refused"
    WAITING = "waiting"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Progress:
    """What a wallet says of a transfer: why it refused, when to ask again, or where the bank asks the payer."""

    status: TransferStatus
    code: str = ""
    again_after_seconds: float = 0.0
    page: str = ""
    page_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """What to move to our wallet. The label comes back with the operation; the payer pays `amount`, fees included."""

    label: UUID
    amount: Money
    purpose: str


@dataclass(frozen=True, slots=True)
class PayForm:
    """A form that takes the payer's browser to the wallet's own page; `ways` are names and values of its buttons."""

    address: str
    fields: Mapping[str, str]
    ways: Mapping[str, tuple[str, str]]


class Wallet(Protocol):
    """A wallet system. Methods that call it raise `OutcomeUnknown` unless its answer decides."""

    @property
    def provider(self) -> str:
        """The provider that tells whether the money came."""

    def pay_form(self, order: TransferOrder, *, return_url: str) -> PayForm:
        """Write the form by which somebody pays on the wallet's page."""

    def authorisation_url(self, amount: Money, *, back_url: str) -> str:
        """Give the page where the owner allows transfers to us of at least `amount`, and comes back with a code."""

    async def exchange(self, code: str, *, back_url: str) -> SecretStr | None:
        """Exchange a code for a token; None if the code is good for nothing.

        Raises:
            OutcomeUnknown
        """

    async def revoke(self, token: SecretStr) -> None:
        """Make a token worthless.

        Raises:
            OutcomeUnknown
        """

    async def request(self, token: SecretStr, order: TransferOrder) -> str:
        """Have a transfer prepared; nothing moves yet. Give the id under which it is sent.

        Raises:
            TokenRefused, TransferRefused, OutcomeUnknown
        """

    async def send(self, token: SecretStr, request_id: str, *, back_url: str) -> Progress:
        """Have a prepared transfer done, or learn how it stands: with the same id it is done once.

        Raises:
            TokenRefused, OutcomeUnknown
        """


@dataclass(frozen=True, slots=True)
class Prepared:
    """A transfer that was prepared for a label: the only one that is ever sent for it."""

    request_id: str
    amount: Money


class PreparedTransfers(Protocol):
    """Where it is kept, durably, which transfer was prepared for a label."""

    async def find(self, label: UUID) -> Prepared | None:
        """Give what was kept."""

    async def keep(self, label: UUID, prepared: Prepared) -> Prepared:
        """Keep it unless another was kept before; give the one that counts."""


@dataclass(frozen=True, slots=True)
class Total:
    """What an attempt is to bring; of one that succeeded what it brought, and what was kept of that."""

    charged: Money
    fee: Money | None = None


class Totals(Protocol):
    """Where it is known what attempts are to bring."""

    async def find(self, attempt_ids: Collection[UUID]) -> Mapping[UUID, Total]:
        """Give those of attempts that we know."""
