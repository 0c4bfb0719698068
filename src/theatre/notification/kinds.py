"""Kinds of notifications and the data that each needs. Unknown fields are ignored: senders may be newer."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from theatre.contracts.auth import NoticeKind
from theatre.kit.fields import Prose
from theatre.kit.money import Money, from_decimal


class Kind(StrEnum):
    """What happened."""

    REGISTRATION = "registration"
    PAYMENT_STATUS = "payment_status"
    NOTICE = "notice"
    MAILING = "mailing"


class Category(StrEnum):
    """What a notification is about, as its reader chooses by."""

    PAYMENTS = "payments"
    SECURITY = "security"
    SUBSCRIPTION = "subscription"
    NEW_FILMS = "new_films"
    OFFERS = "offers"


CRITICAL = frozenset({Category.PAYMENTS, Category.SECURITY})
"""What nobody can switch off: money, and the account with its security."""


class PaymentOutcome(StrEnum):
    """What became of a payment."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REFUNDED = "refunded"


class _Data(BaseModel):
    """`category` is that of the kind, `link` the path of our site to which it leads."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    category: ClassVar[Category] = Category.SECURITY
    link: ClassVar[str] = "/"


class RegistrationData(_Data):
    """An account was made: whose, says the notification."""

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return "registration"


class PaymentStatusData(_Data):
    """Money was taken, not taken or given back; `message` says to the user why it was not."""

    category: ClassVar[Category] = Category.PAYMENTS
    link: ClassVar[str] = "/account/payments"

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


class NoticeData(_Data):
    """Auth has something to say about the account: what exactly, it is asked when the mail is written."""

    notice_id: UUID
    kind: NoticeKind

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return str(self.kind)


class MailingData(_Data):
    """Staff wrote to many at once; what they say stands with the mailing."""

    category: ClassVar[Category] = Category.OFFERS

    mailing_id: UUID
    run_id: UUID

    @property
    def template(self) -> str:
        """Name the mail's template, if the mailing names no other."""
        return "mailing"


Data = RegistrationData | PaymentStatusData | NoticeData | MailingData
DATA_OF: dict[Kind, type[Data]] = {
    Kind.REGISTRATION: RegistrationData,
    Kind.PAYMENT_STATUS: PaymentStatusData,
    Kind.NOTICE: NoticeData,
    Kind.MAILING: MailingData,
}
