"""What testers send to the control panel and get from it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from pydantic import Field, SecretStr, StringConstraints

from theatre.kit.fields import Answer, Body, MoneyField
from theatre.kit.money import Money
from theatre.sandbox.models import Dispute, DisputeStatus, FaultKind, Notification, Shop
from theatre.sandbox.operations import Operation
from theatre.sandbox.schemas import WebAddress
from theatre.sandbox.yoomoney_models import Behaviour, Signing

MAX_STEP_SECONDS = 10 * 366 * 24 * 3600
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_./*?-]+$")]


class ClockStep(Body):
    """How far to move the clock forward; it never goes back."""

    advance_seconds: Annotated[int, Field(strict=True, ge=0, le=MAX_STEP_SECONDS)]


class ClockAnswer(Answer):
    """What time it is in the sandbox."""

    now: datetime
    offset_seconds: float


class FaultOrder(Body):
    """A fault for the next `count` calls whose method and path fit, or notifications whose event fits `path`.

    `path` is a pattern such as `/sandbox/v3/refunds*` or `payment.*`.
    """

    kind: FaultKind
    method: Annotated[str, StringConstraints(pattern=r"^(\*|GET|POST|DELETE)$")] = "*"
    path: Pattern = "*"
    count: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 1
    delay_ms: Annotated[int, Field(strict=True, ge=0, le=60_000)] = 1_000


class FaultAnswer(Answer):
    """A fault that is on."""

    id: UUID
    kind: FaultKind
    method: str
    path: str
    remaining: int
    delay_ms: int


class FaultsAnswer(Answer):
    """All faults that are on."""

    items: list[FaultAnswer]


class SendingAnswer(Answer):
    """What came of sending a notification."""

    id: UUID
    tries: int
    created_at: datetime
    next_try_at: datetime | None
    delivered_at: datetime | None
    last_status: int | None
    last_error: str | None


class NotificationAnswer(SendingAnswer):
    """A notification and what came of it."""

    payment_id: UUID
    event: str
    body: dict[str, Any]
    is_lost: bool

    @classmethod
    def of(cls, row: Notification) -> "NotificationAnswer":
        plain = {name: getattr(row, name) for name in cls.model_fields if name != "body"}
        return cls(body=orjson.loads(row.body), **plain)


class OperationAnswer(Answer):
    """Money that was really taken or given back, and the key with which the shop asked for it."""

    kind: str
    payment_id: UUID
    refund_id: UUID | None
    amount: MoneyField
    idempotence_key: str
    capture_key: str | None
    happened_at: datetime

    @classmethod
    def of(cls, operation: Operation) -> "OperationAnswer":
        money = Money(operation.amount_minor, operation.currency)
        plain = {name: getattr(operation, name) for name in cls.model_fields if name != "amount"}
        return cls(amount=MoneyField.model_validate(money), **plain)


class ShopChange(Body):
    """What to change of a shop; a shop that does not exist is made and needs a key."""

    secret_key: Annotated[SecretStr, Field(min_length=8, max_length=200)] | None = None
    oauth_token: Annotated[SecretStr, Field(min_length=8, max_length=200)] | None = None
    notification_url: WebAddress | None = None
    webhook_secret: Annotated[SecretStr, Field(min_length=8, max_length=200)] | None = None
    is_cancel_refused: bool | None = None


class ShopAnswer(Answer):
    """A shop, without its key."""

    id: str
    gateway_id: str
    notification_url: str | None
    is_cancel_refused: bool

    @classmethod
    def of(cls, shop: Shop) -> "ShopAnswer":
        return cls.model_validate(shop)


class ShopsAnswer(Answer):
    """All shops."""

    items: list[ShopAnswer]


class DisputeOrder(Body):
    """What a payer's bank wants back: all of a payment unless an amount is named, or only an answer."""

    amount_minor: Annotated[int, Field(strict=True, ge=1, le=10**12)] | None = None
    is_inquiry: bool = False


class DisputeAnswer(Answer):
    """A dispute of a payment."""

    id: UUID
    payment_id: UUID
    status: DisputeStatus
    is_inquiry: bool
    amount_minor: int
    withdrawn_minor: int | None
    currency: str
    created_at: datetime

    @classmethod
    def of(cls, dispute: Dispute) -> "DisputeAnswer":
        return cls.model_validate(dispute)


class WalletChange(Body):
    """What to change of a wallet; one that does not exist is made, empty."""

    balance_minor: Annotated[int, Field(strict=True, ge=0, le=10**12)] = 0
    behaviour: Behaviour = Behaviour.PLAIN
    notification_url: WebAddress | None = None
    notification_secret: Annotated[str, StringConstraints(max_length=200)] = ""
    signing: Signing = Signing.BOTH


class WalletAnswer(Answer):
    """A wallet, without its secrets."""

    number: str
    balance_minor: int
    behaviour: Behaviour
    notification_url: str | None
    signing: Signing


class WalletsAnswer(Answer):
    """All wallets."""

    items: list[WalletAnswer]


class WalletNotificationAnswer(SendingAnswer):
    """A notification to a wallet's owner and what came of it."""

    wallet: str
    operation_id: str
    label: str
    body: str
