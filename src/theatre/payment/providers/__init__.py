"""The provider port: what every payment system must be able to do for us, in our own words.

A member turns whatever comes over the wire into a reading, a refusal or `OutcomeUnknown`; nothing else leaves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol
from uuid import UUID

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.contracts.payment_disputes import (
    DisputeStatus,
)
from theatre.contracts.payment_methods import SavedMethod
from theatre.kit.money import Money
from theatre.payment.errors import ProviderUnknown

Address = IPv4Address | IPv6Address


class ObjectKind(StrEnum):
    """What a notification may be about."""

    PAYMENT = "payment"
    REFUND = "refund"
    DISPUTE = "dispute"


class ProviderRefused(Exception):
    """A definite no: nothing was done and the same request will never be done. `words` are the provider's."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider is and can do.

    `link_lifetime` is how long its page may be paid, `key_lifetime` how long it remembers our idempotency keys.
    With `has_cancel` a page can be made worthless before its time. `minimums` are the smallest amounts it takes, in
    minor units by currency, as far as it publishes them: of others it decides itself.
    """

    title: str
    link_lifetime: timedelta
    key_lifetime: timedelta
    has_partial_refunds: bool
    has_cancel: bool = False
    minimums: Mapping[str, int] = field(default_factory=dict)

    def takes(self, total: Money) -> bool:
        """Tell whether an amount is worth asking for."""
        return total.amount_minor >= self.minimums.get(total.currency, 0)


@dataclass(frozen=True, slots=True)
class Order:
    """What to collect; the attempt's id is the idempotency key.

    `expires_at` is until when the page may be paid, for providers that let us say so; the same at every repetition.
    """

    attempt_id: UUID
    payment_id: UUID
    total: Money
    description: str
    return_url: str
    save_method: bool
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    """What to take by a saved method, without its payer; the attempt's id is the idempotency key."""

    attempt_id: UUID
    payment_id: UUID
    total: Money
    description: str
    method_reference: str


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """What to give back; the refund's id is the idempotency key."""

    refund_id: UUID
    payment_reference: str
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A payment as the provider has it now. With a `doubt` it must not be believed; that says why.

    `fee` is what the provider keeps of the amount, `expires_at` until when its page may be paid, where it says so;
    `method` is the way to pay that it keeps for charges without the payer.
    """

    reference: str
    status: AttemptStatus
    attempt_id: UUID | None
    amount: Money
    captured_at: datetime | None = None
    confirmation_url: str | None = None
    failure_code: str | None = None
    doubt: str | None = None
    fee: Money | None = None
    expires_at: datetime | None = None
    method: SavedMethod | None = None


@dataclass(frozen=True, slots=True)
class RefundReading:
    """A refund as the provider has it now."""

    reference: str
    status: RefundStatus
    refund_id: UUID | None
    amount: Money
    failure_code: str | None = None
    payment_reference: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DisputeReading:
    """A dispute as the provider has it now. With a `doubt` it must not be believed; that says why.

    `withdrawn` is what was taken for it and not put back, `fee` what the provider keeps for its trouble. `moves` counts
    the times that money moved for it, which only grows.
    """

    reference: str
    status: DisputeStatus
    attempt_id: UUID | None
    disputed: Money
    withdrawn: Money
    moves: int
    reason: str
    fee: Money | None = None
    answer_due_at: datetime | None = None
    doubt: str | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """A notification as it came, and from where."""

    headers: Mapping[str, str]
    body: bytes
    sender: Address | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification claims. `kind` is None where we have no use for it."""

    event: str
    object_id: str
    kind: ObjectKind | None
    claimed: str

    def agrees_with(self, reading: Reading | RefundReading | DisputeReading) -> bool:
        """Tell whether the object may have been as claimed: it is so now, or has gone on since."""
        return self.claimed in {"pending", str(reading.status)}


class Provider(Protocol):
    """A payment system. Methods that call it raise `OutcomeUnknown` unless its answer decides."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    async def create(self, order: Order) -> Reading:
        """Begin to collect; repeated with the same attempt id within `key_lifetime`, give what was begun.

        Raises:
            OutcomeUnknown, ProviderRefused
        """

    async def read(self, reference: str) -> Reading | None:
        """Read a payment; None if the provider does not know it.

        Raises:
            OutcomeUnknown
        """

    async def find_by_attempt(self, attempt_id: UUID, *, since: datetime) -> Reading | None:
        """Find the payment that was begun for an attempt by the id we gave along.

        Raises:
            OutcomeUnknown
        """

    async def cancel(self, reference: str) -> Reading:
        """Make a payment's page worthless, and tell how the payment stands then: it may have been paid first.

        Raises:
            OutcomeUnknown
            ProviderRefused: always, where `capabilities.has_cancel` says no.
        """

    async def refund(self, order: RefundOrder) -> RefundReading:
        """Give money back; repeated with the same refund id within `key_lifetime`, give what was begun.

        Raises:
            OutcomeUnknown, ProviderRefused
        """

    async def read_refund(self, reference: str) -> RefundReading | None:
        """Read a refund; None if the provider does not know it.

        Raises:
            OutcomeUnknown
        """

    async def find_refund(self, refund_id: UUID, *, payment_reference: str) -> RefundReading | None:
        """Find a refund by the id we gave along.

        Raises:
            OutcomeUnknown
        """

    def authenticate(self, callback: Callback) -> None:
        """Make sure, as far as the callback itself can tell, that the provider sent it.

        Raises:
            ForgedCallback
        """

    def parse(self, body: bytes) -> Notice:
        """Read what a callback claims.

        Raises:
            MalformedCallback
        """


class DisputeDesk(Protocol):
    """Where a payment system shows what payers' banks dispute."""

    async def read(self, reference: str) -> DisputeReading | None:
        """Read a dispute; None if there is none.

        Raises:
            OutcomeUnknown
        """


class Charger(Protocol):
    """Where a payment system takes money by the methods that it keeps."""

    async def charge(self, order: ChargeOrder) -> Reading:
        """Take money by a saved method; repeated with the same attempt id within `key_lifetime`, give what was begun.

        Raises:
            OutcomeUnknown, ProviderRefused
        """


Providers = Mapping[str, Provider]
Chargers = Mapping[str, Charger]
DisputeDesks = Mapping[str, DisputeDesk]


def choose(providers: Providers, name: str) -> Provider:
    """Give the provider of a name.

    Raises:
        ProviderUnknown
    """
    try:
        return providers[name]
    except KeyError:
        raise ProviderUnknown from None


def foremost(found: Sequence[Reading]) -> Reading | None:
    """Give, of the payments that were begun for one attempt, the one that took money, else the first listed."""
    paid = (reading for reading in found if reading.status == AttemptStatus.SUCCEEDED)
    return next(paid, found[0] if found else None)
