"""Notifications, their deliveries, the inbox and the local mailbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0001"
down_revision = None

SCHEMA = "notification"
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    create_notifications()
    create_mail()
    op.create_table(
        "inbox_message",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("message_id", sa.Uuid, primary_key=True),
        sa.Column("tries", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("handled_at", MOMENT),
        sa.Column("dead_at", MOMENT),
        sa.Column("last_error", sa.Text),
        schema=SCHEMA,
    )
    op.create_index("ix_inbox_message_first_seen_at", "inbox_message", ["first_seen_at"], schema=SCHEMA)


def create_notifications() -> None:
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("dedupe_key", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notification"),
        sa.UniqueConstraint("dedupe_key", name="uq_notification_dedupe_key"),
        schema=SCHEMA,
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("notification_id", "channel", name="uq_delivery_notification_id_channel"),
        sa.ForeignKeyConstraint(
            ["notification_id"], [f"{SCHEMA}.notification.id"], name="fk_delivery_notification_id"
        ),
        sa.CheckConstraint("channel IN ('email')", name="ck_delivery_channel"),
        sa.CheckConstraint(
            "status IN ('queued', 'sending', 'sent', 'failed', 'dead')", name="ck_delivery_status"
        ),
        sa.CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="ck_delivery_sent_at_when_sent"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_delivery_open",
        "delivery",
        ["next_try_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("status IN ('queued', 'sending')"),
    )


def create_mail() -> None:
    op.create_table(
        "mail",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail"),
        sa.UniqueConstraint("message_id", name="uq_mail_message_id"),
        schema=SCHEMA,
    )
    op.create_index("ix_mail_sent_at", "mail", ["sent_at", "id"], schema=SCHEMA)
    op.create_index("ix_mail_to", "mail", [sa.text('lower("to")'), "sent_at"], schema=SCHEMA)


def downgrade() -> None:
    for table in ("inbox_message", "mail", "delivery", "notification"):
        op.drop_table(table, schema=SCHEMA)
