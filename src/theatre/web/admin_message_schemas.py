"""Templates, mailings and deliveries as the admin panel reads them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from theatre.web.schemas import Read


class Reading(Read):
    """A letter in one language, as it is written; without `html` its text is set as paragraphs."""

    subject: str
    text: str
    html: str | None = None


class Template(Read):
    """A template; `active_version` 0 says what it came with, if it is one of the house."""

    code: str
    description: str
    is_packaged: bool
    active_version: int
    latest_version: int
    updated_at: datetime | None


class Wording(Read):
    """What is said in every language, and the values that may be named, each with a sample."""

    texts: dict[str, Reading]
    variables: dict[str, str]


class TemplateDetails(Template, Wording):
    """A template with what it says now."""


class Version(Read):
    """One version of a template."""

    number: int
    is_active: bool
    note: str
    author_id: UUID
    created_at: datetime


class VersionDetails(Version, Wording):
    """One version with what it says."""


class Letter(Read):
    """A letter as its reader would get it."""

    subject: str
    text: str
    html: str


class Lines(Read):
    """What the inbox says."""

    title: str
    text: str


class Audience(Read):
    """Whom a mailing is for: `count` of those who are named."""

    kind: str
    count: int | None = None


class MailingRun(Read):
    """One time that a mailing goes out; `total` is unknown until it is counted."""

    id: UUID
    status: str
    planned_at: datetime
    told: int
    total: int | None
    started_at: datetime
    ended_at: datetime | None


class Mailing(Read):
    """A mailing; `planned_at` is when it goes out next, or went out last."""

    id: UUID
    name: str
    status: str
    category: str
    lines: dict[str, Lines]
    link: str
    template_code: str | None
    template_version: int | None
    values: dict[str, str]
    audience: Audience
    rate_per_minute: int
    cron: str | None
    zone: str
    planned_at: datetime
    author_id: UUID
    created_at: datetime
    run: MailingRun | None = None


class Reach(Read):
    """How many a mailing would tell, and how many of them get no letter of its kind."""

    total: int
    without_mail: int


class Delivery(Read):
    """One notification by one channel; `reason` is why it is not sent."""

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


class LetterRecord(Read):
    """One thing that a member of staff did to what people are told."""

    number: int
    occurred_at: datetime
    actor_id: UUID
    action: str
    subject_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
