"""What notification's doors for staff take and give."""

from datetime import datetime
from typing import Any
from uuid import UUID

from theatre.kit.fields import Answer
from theatre.notification.models import AuditRecord, Delivery


class DeliveryAnswer(Answer):
    """One notification by one channel. `reason` is why it is not sent; `next_try_at` is null when it is not tried any
    more.
    """

    id: UUID
    notification_id: UUID
    user_id: UUID
    kind: str
    channel: str
    status: str
    reason: str | None
    tries: int
    created_at: datetime
    next_try_at: datetime | None
    sent_at: datetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryAnswer":
        return cls(
            id=delivery.id,
            notification_id=delivery.notification_id,
            user_id=delivery.user_id,
            kind=delivery.kind,
            channel=delivery.channel,
            status=delivery.status,
            reason=delivery.last_error,
            tries=delivery.tries,
            created_at=delivery.created_at,
            next_try_at=delivery.next_try_at if delivery.status in {"queued", "sending"} else None,
            sent_at=delivery.sent_at,
        )


class AuditAnswer(Answer):
    """One thing that a member of staff did; `hash` binds it to all before it."""

    number: int
    occurred_at: datetime
    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    hash: str

    @classmethod
    def of(cls, record: AuditRecord) -> "AuditAnswer":
        names = [name for name in cls.model_fields if name != "hash"]
        return cls(**{name: getattr(record, name) for name in names}, hash=record.hash.hex())
