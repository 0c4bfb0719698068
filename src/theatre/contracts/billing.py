"""The facts that billing tells the world, and its doors for our own services."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from theatre.contracts.money import Amount
from theatre.kit.events import Event
from theatre.kit.http import ServiceClient

PREFIX = "/billing/internal/v1"
PUBLIC = "/billing/api/v1"


class PlayStart(BaseModel):
    """A user begins to watch a film."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: UUID
    film_id: UUID


class PaymentPaid(Event):
    """Money captured, rights granted. `title` names what was bought, in words for the user.

    With `is_renewal` nobody asked for it just now: `billing.subscription.renewed` says what came of it.
    """

    key: ClassVar[str] = "billing.payment.paid"

    payment_id: UUID
    user_id: UUID
    total: Amount
    title: str
    paid_at: datetime
    is_renewal: bool = False


class PaymentFailed(Event):
    """A try to pay failed; the payment itself may be tried again."""

    key: ClassVar[str] = "billing.payment.failed"

    payment_id: UUID
    user_id: UUID
    total: Amount
    title: str
    failure_code: str
    failure_message: str


class PaymentRefunded(Event):
    """Money was given back; `is_whole` tells whether nothing is left."""

    key: ClassVar[str] = "billing.payment.refunded"

    payment_id: UUID
    refund_id: UUID
    user_id: UUID
    amount: Amount
    title: str
    is_whole: bool


class PaymentCanceled(Event):
    """Nothing was taken, by the user's wish."""

    key: ClassVar[str] = "billing.payment.canceled"

    payment_id: UUID
    user_id: UUID


class PaymentExpired(Event):
    """Nothing was taken in time."""

    key: ClassVar[str] = "billing.payment.expired"

    payment_id: UUID
    user_id: UUID


class SubscriptionStarted(Event):
    """A paid plan began."""

    key: ClassVar[str] = "billing.subscription.started"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID
    period_end: datetime


class Charged(BaseModel):
    """What was taken without asking, and for what, in words for the user."""

    model_config = ConfigDict(frozen=True)

    payment_id: UUID
    total: Amount
    title: str


class SubscriptionRenewed(Event):
    """A running plan was extended by a further paid period; `charged` if we did so and not the user."""

    key: ClassVar[str] = "billing.subscription.renewed"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID
    period_end: datetime
    charged: Charged | None = None


class SubscriptionPastDue(Event):
    """A plan could not be charged for its next period. It may be watched, and paid, until `grace_until`.

    With `is_hopeless` the method will not be tried again.
    """

    key: ClassVar[str] = "billing.subscription.past_due"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID
    payment_id: UUID
    total: Amount
    title: str
    failure_code: str
    failure_message: str
    is_hopeless: bool
    grace_until: datetime


class SubscriptionEndAnnounced(Event):
    """What is paid of a plan ends soon. With a `total` that will be taken, and the plan goes on; else it ends."""

    key: ClassVar[str] = "billing.subscription.end_announced"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID
    title: str
    period_end: datetime
    total: Amount | None


class SubscriptionCancelRequested(Event):
    """A user does not want a plan any more; it ends, or has ended, at `ends_at`."""

    key: ClassVar[str] = "billing.subscription.cancel_requested"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID
    title: str
    ends_at: datetime


class SubscriptionCanceled(Event):
    """A plan ended because its user wished so, or because it was given back."""

    key: ClassVar[str] = "billing.subscription.canceled"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID


class SubscriptionExpired(Event):
    """The paid time of a plan ran out."""

    key: ClassVar[str] = "billing.subscription.expired"

    subscription_id: UUID
    user_id: UUID
    product_id: UUID


class EntitlementGranted(Event):
    """A right to watch began."""

    key: ClassVar[str] = "billing.entitlement.granted"

    entitlement_id: UUID
    user_id: UUID
    product_id: UUID
    payment_id: UUID
    ends_at: datetime | None


class EntitlementRevoked(Event):
    """A right to watch was taken back."""

    key: ClassVar[str] = "billing.entitlement.revoked"

    entitlement_id: UUID
    user_id: UUID
    product_id: UUID
    payment_id: UUID


class RefundRequested(Event):
    """Money is to be given back; billing itself hears this and asks payment-service."""

    key: ClassVar[str] = "billing.refund.requested"

    refund_id: UUID
    payment_id: UUID


class ChargeRequested(Event):
    """A saved method is to be charged; billing itself hears this and asks payment-service."""

    key: ClassVar[str] = "billing.charge.requested"

    attempt_id: UUID
    payment_id: UUID


class PaymentMethodChosen(Event):
    """A saved way to pay became the one that a user's renewals are charged to."""

    key: ClassVar[str] = "billing.payment_method.chosen"

    payment_method_id: UUID
    user_id: UUID


class AttemptAbandoned(Event):
    """Nobody waits for an open attempt any more; billing itself hears this and asks payment-service to end its link."""

    key: ClassVar[str] = "billing.attempt.abandoned"

    attempt_id: UUID
    payment_id: UUID


class PlayVerdict(BaseModel):
    """May it be watched: `reason` is the kind of right, or `none`; without `expires_at` it lasts for good."""

    model_config = ConfigDict(frozen=True)

    allowed: bool
    reason: str
    expires_at: datetime | None


class Offers(BaseModel):
    """Products with their prices, as the public price list shows them."""

    model_config = ConfigDict(frozen=True)

    items: list[dict[str, Any]]


class BillingClient:
    """Billing's door for who shows films, and its price list."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def start_play(self, play: PlayStart) -> PlayVerdict:
        """Ask whether a user may watch a film now; if so, the right is used from now on. Safe to repeat.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/plays", play, PlayVerdict)

    async def offers(self, *, language: str, **wanted: str) -> list[dict[str, Any]]:
        """Read the products that can be bought now: by `kind`, or by `film_id`.

        Raises:
            Unknown, Refused
        """
        headers = {"Accept-Language": language}
        listed = await self._client.get(f"{PUBLIC}/products", Offers, params=wanted, headers=headers)
        return listed.items

    async def close(self) -> None:
        await self._client.close()
