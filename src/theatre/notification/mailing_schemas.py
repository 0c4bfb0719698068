"""What the doors of mailings take and give."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from theatre.kit.fields import Answer, Body, Line, Moment, Storable
from theatre.notification.audiences import AudienceKind
from theatre.notification.kinds import Category
from theatre.notification.mailings import Plan
from theatre.notification.models import Mailing, MailingRun
from theatre.notification.quiet_hours import check_zone
from theatre.notification.schedules import check_cron
from theatre.notification.template_schemas import Code, Variables

MOST_NAMED = 10_000
Leavable = Literal[Category.SUBSCRIPTION, Category.NEW_FILMS, Category.OFFERS]
Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000), Storable]
SitePath = Annotated[
    str,
    StringConstraints(
        max_length=500, pattern=r"^(/([A-Za-z0-9._~!$&'()*+,;=:@%?#-][A-Za-z0-9._~!$&'()*+,;=:@%/?#-]*)?)?$"
    ),
    Field(description="a path of our site, or nothing", examples=["/films"]),
]
Cron = Annotated[
    str, StringConstraints(max_length=100), AfterValidator(check_cron), Field(examples=["0 18 * * FRI"])
]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(check_zone)]


class EveryoneField(Body):
    """All active accounts."""

    kind: Literal[AudienceKind.ALL]


class NamedField(Body):
    """Those who are named; one makes a personal message."""

    kind: Literal[AudienceKind.USERS]
    user_ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_NAMED)]


Audience = Annotated[EveryoneField | NamedField, Field(discriminator="kind")]


class LinesField(Body):
    """What the inbox says, and the mail where it has no template of its own."""

    title: Line
    text: Text


class LocalLinesField(Body):
    """The same in every language that we write in."""

    ru: LinesField
    en: LinesField


class MailingBody(Body):
    """One text for many. Without `starts_at` and `cron` it goes out at once; with `cron` again and again, by the clock
    of `zone`. With `template_code` that template is mailed, with `values` for what it declares.
    """

    name: Line
    category: Leavable
    lines: LocalLinesField
    link: SitePath = ""
    template_code: Code | None = None
    values: Variables = {}
    audience: Audience
    starts_at: Moment | None = None
    cron: Cron | None = None
    zone: Zone = "UTC"
    rate_per_minute: Annotated[int, Field(strict=True, ge=1, le=60_000)] = 600

    def plan(self, author_id: UUID) -> Plan:
        """Give the plan of a mailing."""
        return Plan(
            name=self.name,
            category=self.category,
            lines=self.lines.model_dump(),
            link=self.link,
            template_code=self.template_code,
            values=self.values,
            audience=self.audience.model_dump(mode="json"),
            rate_per_minute=self.rate_per_minute,
            starts_at=self.starts_at,
            cron=self.cron,
            zone=self.zone,
            author_id=author_id,
        )


class RunAnswer(Answer):
    """One time that a mailing goes out: `told` of `total`, which is null until it is counted."""

    id: UUID
    status: str
    planned_at: datetime
    told: int
    total: int | None
    started_at: datetime
    ended_at: datetime | None


class MailingAnswer(Answer):
    """A mailing; `planned_at` is when it goes out next, or went out last. Of those named their number is told."""

    id: UUID
    name: str
    status: str
    category: str
    lines: dict[str, LinesField]
    link: str
    template_code: str | None
    template_version: int | None
    values: dict[str, str]
    audience: dict[str, Any]
    rate_per_minute: int
    cron: str | None
    zone: str
    planned_at: datetime
    author_id: UUID
    created_at: datetime


class MailingDetails(MailingAnswer):
    """A mailing with its newest run."""

    run: RunAnswer | None

    @classmethod
    def of(cls, mailing: Mailing, run: MailingRun | None = None) -> "MailingDetails":
        return cls(**_mailing(mailing), run=None if run is None else RunAnswer.model_validate(run))


def _mailing(mailing: Mailing) -> dict[str, Any]:
    known = {name: getattr(mailing, name) for name in MailingAnswer.model_fields}
    audience = mailing.audience
    named = {"count": len(audience["user_ids"])} if "user_ids" in audience else {}
    return {**known, "audience": {"kind": audience["kind"], **named}}


class DryRunBody(Body):
    """Whom to count."""

    category: Leavable
    audience: Audience


class DryRunAnswer(Answer):
    """How many would be told, and how many of them get no mail of the category."""

    total: int
    without_mail: int
