"""What notification-service promises to other services."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from theatre.kit.http import ServiceClient

PREFIX = "/notification/internal/v1"
PAYMENT_STATUS = "payment_status"


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


class NotificationClient:
    """Notification-service's internal door for events."""

    def __init__(self, client: ServiceClient) -> None:
        self._client = client

    async def tell(self, kind: str, event: NotificationEvent) -> Accepted:
        """Hand over an event of a kind (`payment_status`, `registration`, …).

        For `payment_status` the data are `{status: succeeded|failed|refunded, payment_id, title, amount, currency,
        message?}` with `amount` as a decimal string.

        Raises:
            Unknown, Refused
        """
        return await self._client.post(f"{PREFIX}/events/{kind}", event, Accepted)

    async def close(self) -> None:
        await self._client.close()
