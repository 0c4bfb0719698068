"""What the doors of notification take and give."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from theatre.kit.fields import Answer, Body, Line
from theatre.notification.kinds import PaymentStatusData, RegistrationData, SubscriptionStatusData
from theatre.notification.models import ChannelName


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


class SubscriptionStatusBody(EventBody):
    """Something became of a plan, or will."""

    data: SubscriptionStatusData


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
