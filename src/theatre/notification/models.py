"""Tables of notification, and how a delivery goes through its states."""

from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from theatre.kit import db
from theatre.kit.audit import AuditColumns
from theatre.kit.idempotency import IdempotencyColumns
from theatre.kit.inbox import InboxColumns

GIVE_UP_AFTER = timedelta(hours=24)


class ChannelName(StrEnum):
    """Ways to reach a person."""

    EMAIL = "email"


class DeliveryStatus(StrEnum):
    """`failed`: the address said no for good. `dead`: we gave up, and a person should look. `suppressed`: its reader
    wants none.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    DEAD = "dead"
    SUPPRESSED = "suppressed"


DELIVERY_TRANSITIONS: dict[DeliveryStatus, frozenset[DeliveryStatus]] = {
    DeliveryStatus.QUEUED: frozenset({DeliveryStatus.SENDING}),
    # from sending to sending: whoever had it died, and its claim ran out
    DeliveryStatus.SENDING: frozenset(DeliveryStatus),
    DeliveryStatus.SENT: frozenset(),
    # a member of staff has seen to the cause
    DeliveryStatus.FAILED: frozenset({DeliveryStatus.QUEUED}),
    DeliveryStatus.DEAD: frozenset({DeliveryStatus.QUEUED}),
    DeliveryStatus.SUPPRESSED: frozenset(),
}
RETRYABLE = (DeliveryStatus.FAILED, DeliveryStatus.DEAD)
CLAIMABLE = tuple(was for was, becomes in DELIVERY_TRANSITIONS.items() if DeliveryStatus.SENDING in becomes)


class MailingStatus(StrEnum):
    """`running`: a run of it is under way."""

    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELED = "canceled"
    FINISHED = "finished"


MAILING_TRANSITIONS: dict[MailingStatus, frozenset[MailingStatus]] = {
    MailingStatus.SCHEDULED: frozenset({MailingStatus.RUNNING, MailingStatus.PAUSED, MailingStatus.CANCELED}),
    MailingStatus.RUNNING: frozenset(
        {MailingStatus.SCHEDULED, MailingStatus.FINISHED, MailingStatus.PAUSED, MailingStatus.CANCELED}
    ),
    MailingStatus.PAUSED: frozenset({MailingStatus.SCHEDULED, MailingStatus.RUNNING, MailingStatus.CANCELED}),
    MailingStatus.CANCELED: frozenset(),
    MailingStatus.FINISHED: frozenset(),
}


class RunStatus(StrEnum):
    """Of one time that a mailing goes out."""

    RUNNING = "running"
    FINISHED = "finished"
    CANCELED = "canceled"


class Base(DeclarativeBase):
    metadata = db.metadata("notification")
    type_annotation_map = db.TYPES


class Notification(Base):
    """What somebody is to be told. `dedupe_key` recognises a repeat; `trace` is the one in which we were asked."""

    __tablename__ = "notification"
    __table_args__ = (
        Index(
            "ix_notification_payment_id",
            text("(data ->> 'payment_id')"),
            "created_at",
            postgresql_where=text("data ->> 'payment_id' IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    category: Mapped[str]
    user_id: Mapped[UUID]
    data: Mapped[dict[str, Any]]
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    trace: Mapped[str | None]


class Delivery(Base):
    """One notification by one channel.

    It is due when `next_try_at` has passed; a worker that tries it pushes that ahead, which is its claim. After
    `give_up_at` it is not tried again. `kind` and `user_id` are those of its notification, for staff to find it by.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel"),
        CheckConstraint("channel IN ('email')", name="channel"),
        CheckConstraint(
            "status IN ('queued', 'sending', 'sent', 'failed', 'dead', 'suppressed')", name="status"
        ),
        CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_at_when_sent"),
        Index("ix_delivery_open", "next_try_at", postgresql_where=text("status IN ('queued', 'sending')")),
        Index("ix_delivery_unsent", "status", "id", postgresql_where=text("status <> 'sent'")),
        Index("ix_delivery_user_id", "user_id", "id"),
        Index("ix_delivery_kind", "kind", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    notification_id: Mapped[UUID] = mapped_column(ForeignKey(Notification.id))
    kind: Mapped[str]
    user_id: Mapped[UUID]
    channel: Mapped[str]
    status: Mapped[str]
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    next_try_at: Mapped[datetime]
    give_up_at: Mapped[datetime]
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class Preference(Base):
    """What a user wants no mail of, and when it is quiet: all three, or none."""

    __tablename__ = "preference"
    __table_args__ = (
        CheckConstraint("num_nulls(quiet_from, quiet_until, quiet_zone) IN (0, 3)", name="quiet_whole"),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    without_mail: Mapped[list[str]]
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    quiet_zone: Mapped[str | None]
    updated_at: Mapped[datetime]


class Inbox(Base):
    """One user's inbox: the number of its newest item, and a count of all its changes."""

    __tablename__ = "inbox"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_number: Mapped[int]
    version: Mapped[int]


class InboxItem(Base):
    """What a user was told, in the words of then."""

    __tablename__ = "inbox_item"
    __table_args__ = (
        UniqueConstraint("user_id", "number"),
        Index("ix_inbox_item_unread", "user_id", "number", postgresql_where=text("read_at IS NULL")),
        Index("ix_inbox_item_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(Inbox.user_id))
    number: Mapped[int]
    notification_id: Mapped[UUID] = mapped_column(ForeignKey(Notification.id), unique=True)
    kind: Mapped[str]
    category: Mapped[str]
    lines: Mapped[dict[str, Any]]
    link: Mapped[str]
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class StoredMail(Base):
    """A mail caught in the local mailbox."""

    __tablename__ = "mail"
    __table_args__ = (
        Index("ix_mail_sent_at", "sent_at", "id"),
        Index("ix_mail_to", text('lower("to")'), "sent_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    to: Mapped[str]
    subject: Mapped[str]
    text: Mapped[str]
    html: Mapped[str]
    sent_at: Mapped[datetime]


class InboxMessage(InboxColumns, Base):
    """Facts that were heard already."""

    __tablename__ = "inbox_message"


class Template(Base):
    """A template that staff have written. Without an active version (0) the one of the code counts, if there is one."""

    __tablename__ = "template"

    code: Mapped[str] = mapped_column(primary_key=True)
    description: Mapped[str]
    active_version: Mapped[int]
    latest_version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class TemplateVersion(Base):
    """One wording of a template, never changed."""

    __tablename__ = "template_version"

    code: Mapped[str] = mapped_column(ForeignKey(Template.code), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    variables: Mapped[dict[str, Any]]
    texts: Mapped[dict[str, Any]]
    note: Mapped[str]
    author_id: Mapped[UUID]
    created_at: Mapped[datetime]


class Mailing(Base):
    """One text for many. A worker is to look at it from `due_at` on; who does pushes that ahead, which is its lease,
    and counts a `turn`, by which it is told from an earlier holder.
    """

    __tablename__ = "mailing"
    __table_args__ = (
        CheckConstraint(
            "status IN ('scheduled', 'running', 'paused', 'canceled', 'finished')", name="status"
        ),
        CheckConstraint("(due_at IS NOT NULL) = (status IN ('scheduled', 'running'))", name="due_while_open"),
        CheckConstraint("(template_code IS NULL) = (template_version IS NULL)", name="version_of_template"),
        CheckConstraint("rate_per_minute > 0", name="rate_above_zero"),
        Index("ix_mailing_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_mailing_status", "status", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    category: Mapped[str]
    lines: Mapped[dict[str, Any]]
    link: Mapped[str]
    template_code: Mapped[str | None]
    template_version: Mapped[int | None]
    values: Mapped[dict[str, Any]]
    audience: Mapped[dict[str, Any]]
    rate_per_minute: Mapped[int]
    cron: Mapped[str | None]
    zone: Mapped[str]
    status: Mapped[str]
    planned_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    turn: Mapped[int]
    author_id: Mapped[UUID]
    created_at: Mapped[datetime]


class MailingRun(Base):
    """One time that a mailing goes out, by pages of its audience; `cursor` is the last user told."""

    __tablename__ = "mailing_run"
    __table_args__ = (
        UniqueConstraint("mailing_id", "planned_at"),
        CheckConstraint("status IN ('running', 'finished', 'canceled')", name="status"),
        CheckConstraint("(ended_at IS NULL) = (status = 'running')", name="ended_when_over"),
        Index("uq_mailing_run_open", "mailing_id", unique=True, postgresql_where=text("status = 'running'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mailing_id: Mapped[UUID] = mapped_column(ForeignKey(Mailing.id))
    planned_at: Mapped[datetime]
    status: Mapped[str]
    cursor: Mapped[UUID | None]
    told: Mapped[int]
    total: Mapped[int | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class AuditRecord(AuditColumns, Base):
    """What staff did."""

    __tablename__ = "audit_record"


class IdempotencyKey(IdempotencyColumns, Base):
    """Requests of staff that came under a key, and their answers."""

    __tablename__ = "idempotency_key"
