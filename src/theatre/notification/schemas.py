"""What the doors of notification take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from theatre.kit.fields import Answer, Body, Line
from theatre.kit.pagination import PageAnswer
from theatre.notification.kinds import PaymentStatusData, RegistrationData
from theatre.notification.models import ChannelName, InboxItem


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
