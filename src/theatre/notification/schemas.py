"""What the doors of notification take and give."""

from datetime import datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from theatre.kit.fields import Answer, Body, Line
from theatre.kit.pagination import PageAnswer
from theatre.notification.kinds import CRITICAL, Category, NewMovieData, PaymentStatusData, RegistrationData
from theatre.notification.models import ChannelName, InboxItem
from theatre.notification.preferences import Wishes
from theatre.notification.quiet_hours import QuietHours, check_zone

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$"), Field(examples=["22:00"])]


class EventBody(Body):
    """Something a user is to be told. Without `channels` all that the kind knows are used."""

    user_id: UUID
    dedupe_key: Line
    channels: Annotated[list[ChannelName], Field(min_length=1, max_length=10)] | None = None


class RegistrationBody(EventBody):
    """An account was made."""

    data: RegistrationData


class PaymentStatusBody(EventBody):
    """Something became of a payment."""

    data: PaymentStatusData


class NewMovieBody(Body):
    """A film came into the theatre; without `user_id` everybody is told, by a mailing."""

    user_id: UUID | None = None
    dedupe_key: Line
    channels: Annotated[list[ChannelName], Field(min_length=1, max_length=10)] | None = None
    data: NewMovieData


class Accepted(Answer):
    """It is stored; deliveries follow."""

    id: UUID


class MailAnswer(Answer):
    """A mail of the local mailbox."""

    id: UUID
    to: str
    subject: str
    text: str
    html: str
    sent_at: datetime


class MailsAnswer(Answer):
    """Mails of the local mailbox, newest first."""

    items: list[MailAnswer]


class ItemAnswer(Answer):
    """What a user was told, in the language of the request; `link` is a path of the site."""

    id: UUID
    kind: str
    category: str
    title: str
    text: str
    link: str
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, item: InboxItem, locale: str) -> "ItemAnswer":
        return cls(
            id=item.id,
            kind=item.kind,
            category=item.category,
            title=item.lines[locale]["title"],
            text=item.lines[locale]["text"],
            link=item.link,
            created_at=item.created_at,
            read_at=item.read_at,
        )


class InboxAnswer(PageAnswer[ItemAnswer]):
    """One page of an inbox, newest first, and how much of the whole is unread."""

    unread: int


class UnreadAnswer(Answer):
    """How much of an inbox is unread."""

    unread: int


class QuietHoursField(Body):
    """From `starts` to `ends` by the clock of `zone` only what is critical is sent; the rest waits for the end."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"starts": "22:00", "ends": "08:00", "zone": "Europe/Moscow"}]}
    )

    starts: ClockTime
    ends: ClockTime
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(check_zone)]

    @model_validator(mode="after")
    def _check_length(self) -> "QuietHoursField":
        if self.starts == self.ends:
            raise ValueError("starts and ends must differ")
        return self

    @classmethod
    def of(cls, hours: QuietHours) -> "QuietHoursField":
        return cls(starts=f"{hours.starts:%H:%M}", ends=f"{hours.ends:%H:%M}", zone=hours.zone)

    def hours(self) -> QuietHours:
        """Give the hours."""
        return QuietHours(time.fromisoformat(self.starts), time.fromisoformat(self.ends), self.zone)


class ChannelsField(Body):
    """Whether a category comes by each channel. Everything comes into the inbox."""

    email: bool = True
    inbox: Literal[True] = True


class PreferencesBody(Body):
    """Everything as it should be; a category that is not named is switched on. `critical` is ours to say: given back,
    it changes nothing.
    """

    channels: dict[Category, ChannelsField] = Field(
        examples=[{"offers": {"email": False, "inbox": True}, "new_films": {"email": True, "inbox": True}}]
    )
    quiet_hours: QuietHoursField | None = None
    critical: list[Category] = []

    @field_validator("channels")
    @classmethod
    def _check_critical(cls, value: dict[Category, ChannelsField]) -> dict[Category, ChannelsField]:
        if forced := sorted(
            category for category in CRITICAL if category in value and not value[category].email
        ):
            raise ValueError(f"cannot be switched off: {', '.join(forced)}")
        return value

    def wishes(self) -> Wishes:
        """Give what is wished."""
        without = frozenset(category for category, channels in self.channels.items() if not channels.email)
        return Wishes(without, self.quiet_hours.hours() if self.quiet_hours else None)


class PreferencesAnswer(Answer):
    """What a user is told. Categories that are `critical` cannot be switched off and do not wait."""

    channels: dict[Category, ChannelsField]
    quiet_hours: QuietHoursField | None
    critical: list[Category]

    @classmethod
    def of(cls, wishes: Wishes) -> "PreferencesAnswer":
        return cls(
            channels={
                category: ChannelsField(email=not wishes.forbid_mail(category)) for category in Category
            },
            quiet_hours=QuietHoursField.of(wishes.quiet_hours) if wishes.quiet_hours else None,
            critical=sorted(CRITICAL),
        )
