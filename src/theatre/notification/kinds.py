"""Kinds of notifications and the data that each needs. Unknown fields are ignored: senders may be newer."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from theatre.kit.fields import Moment, Prose
from theatre.kit.money import Money, from_decimal


class Kind(StrEnum):
    """What happened."""

    REGISTRATION = "registration"
    PAYMENT_STATUS = "payment_status"
    SUBSCRIPTION_STATUS = "subscription_status"


class PaymentOutcome(StrEnum):
    """What became of a payment."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"


class PlanNews(StrEnum):
    """What became of a plan, or will: `renewing` will be charged soon, `ending` will not."""

    RENEWED = "renewed"
    PAST_DUE = "past_due"
    RENEWING = "renewing"
    ENDING = "ending"
    CANCELED = "canceled"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RegistrationData(_Data):
    """An account was made: whose, says the notification."""

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return "registration"


class PaymentStatusData(_Data):
    """Money was taken, not taken or given back; `message` says to the user why it was not."""

    status: PaymentOutcome
    payment_id: UUID
    title: Prose
    amount: Annotated[str, Field(strict=True, max_length=24, examples=["399.00"])]
    currency: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$", examples=["RUB"])]
    message: Prose | None = None

    @model_validator(mode="after")
    def _check_money(self) -> "PaymentStatusData":
        self.to_money()
        return self

    def to_money(self) -> Money:
        """Give the amount in minor units."""
        return from_decimal(self.amount, self.currency)

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return f"payment_{self.status}"


class SubscriptionStatusData(_Data):
    """A plan was charged, could not be, will be, ends, or was canceled; `until` it can be watched.

    `is_hopeless`: the card will not be tried again, for the reason that `message` says to the user.
    """

    status: PlanNews
    subscription_id: UUID
    title: Prose
    until: Moment
    payment_id: UUID | None = None
    amount: Annotated[str, Field(strict=True, max_length=24, examples=["399.00"])] | None = None
    currency: Annotated[str, Field(strict=True, pattern=r"^[A-Z]{3}$", examples=["RUB"])] | None = None
    message: Prose | None = None
    is_hopeless: bool = False

    @model_validator(mode="after")
    def _check_money(self) -> "SubscriptionStatusData":
        if (self.amount is None) != (self.currency is None):
            raise ValueError("an amount has a currency")
        self.to_money()
        return self

    def to_money(self) -> Money | None:
        """Give the amount in minor units, if there is one."""
        if self.amount is None or self.currency is None:
            return None
        return from_decimal(self.amount, self.currency)

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return "subscription"


Data = RegistrationData | PaymentStatusData | SubscriptionStatusData
DATA_OF: dict[Kind, type[Data]] = {
    Kind.SUBSCRIPTION_STATUS: SubscriptionStatusData,
    Kind.REGISTRATION: RegistrationData,
    Kind.PAYMENT_STATUS: PaymentStatusData,
}
