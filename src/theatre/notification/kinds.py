"""Kinds of notifications and the data that each needs. Unknown fields are ignored: senders may be newer."""

from enum import StrEnum
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from theatre.contracts.auth import NoticeKind
from theatre.kit.fields import Line, Prose
from theatre.kit.money import Money, from_decimal


class Kind(StrEnum):
    """What happened."""

    REGISTRATION = "registration"
    PAYMENT_STATUS = "payment_status"
    NOTICE = "notice"
    NEW_MOVIE = "new_movie"
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
    """`category` is that of the kind."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    category: ClassVar[Category] = Category.SECURITY

    @property
    def link(self) -> str:
        """Give the path of our site to which it leads."""
        return "/"


class LocalTitles(BaseModel):
    """A title in every language that we write in."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    ru: Line
    en: Line

    def of(self, locale: str) -> str:
        """Give the title in a language."""
        return self.ru if locale == "ru" else self.en


class RegistrationData(_Data):
    """An account was made: whose, says the notification."""

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return "registration"


class PaymentStatusData(_Data):
    """Money was taken, not taken or given back; `message` says to the user why it was not."""

    category: ClassVar[Category] = Category.PAYMENTS

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

    @property
    def link(self) -> str:
        """Lead to the payments of its reader."""
        return "/account/payments"

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


class NewMovieData(_Data):
    """A film came into the theatre; `titles` by language."""

    category: ClassVar[Category] = Category.NEW_FILMS

    film_id: UUID
    titles: LocalTitles

    @property
    def link(self) -> str:
        """Lead to the film."""
        return f"/films/{self.film_id}"

    @property
    def template(self) -> str:
        """Name the mail's template."""
        return "new_movie"


class MailingData(_Data):
    """Staff wrote to many at once; what they say stands with the mailing."""

    category: ClassVar[Category] = Category.OFFERS

    mailing_id: UUID
    run_id: UUID

    @property
    def template(self) -> str:
        """Name the mail's template, if the mailing names no other."""
        return "mailing"


Data = RegistrationData | PaymentStatusData | NoticeData | NewMovieData | MailingData
DATA_OF: dict[Kind, type[Data]] = {
    Kind.REGISTRATION: RegistrationData,
    Kind.PAYMENT_STATUS: PaymentStatusData,
    Kind.NOTICE: NoticeData,
    Kind.NEW_MOVIE: NewMovieData,
    Kind.MAILING: MailingData,
}
