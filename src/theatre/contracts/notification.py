"""What notification-service promises to other services."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from theatre.kit.http import ServiceClient

PREFIX = "/notification/internal/v1"
PAYMENT_STATUS = "payment_status"
SUBSCRIPTION_STATUS = "subscription_status"


class NotificationEvent(BaseModel):
    """Something a user should be told of. The same `dedupe_key` again is answered and changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: UUID | None
    data: dict[str, Any]
    channels: list[str] | None = None
    dedupe_key: str


class Accepted(BaseModel):
    """The event is stored; deliveries follow."""

    model_config = ConfigDict(frozen=True)

    id: UUID


class DeliveryState(BaseModel):
    """How one delivery of some news stands. `status` is of the delivery, `told` what became of the payment."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    kind: str
    told: str | None
    channel: str
    status: str
    tries: int
    created_at: datetime
    sent_at: datetime | None


class ListingDeliveries(BaseModel):
    """What was told about a payment, oldest first: at most the newest hundred."""

    model_config = ConfigDict(frozen=True)

    items: list[DeliveryState]


class NotificationClient:
    """Notification-service's internal doors."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def tell(self, kind: str, event: NotificationEvent) -> Accepted:
        """Hand over an event of a kind (`payment_status`, `registration`, …).

        For `payment_status` the data are `{status: succeeded|failed|refunded, payment_id, title, amount, currency,
        message?}` with `amount` as a decimal string; for `subscription_status` `{status: renewed|past_due|renewing|
        ending|canceled, subscription_id, title, until, payment_id?, amount?, currency?, message?, is_hopeless?}`.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/events/{kind}", event, Accepted)

    async def list_deliveries(self, payment_id: UUID) -> list[DeliveryState]:
        """List what was told about a payment, oldest first: at most the newest hundred.

        Raises:
            Unknown, Refused
        """
        params = {"payment_id": str(payment_id)}
        return (await self._client.get(f"{PREFIX}/deliveries", ListingDeliveries, params=params)).items

    async def close(self) -> None:
        await self._client.close()
