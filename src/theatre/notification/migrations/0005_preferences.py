"""What users want to be told: categories of notifications, wishes, deliveries that were not wanted or have to wait."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0005"
down_revision = "notification_0004"

SCHEMA = "notification"
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "preference",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("without_mail", JSONB, nullable=False),
        sa.Column("quiet_from", sa.Time),
        sa.Column("quiet_until", sa.Time),
        sa.Column("quiet_zone", sa.Text),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_preference"),
        sa.CheckConstraint(
            "num_nulls(quiet_from, quiet_until, quiet_zone) IN (0, 3)", name="ck_preference_quiet_whole"
        ),
        schema=SCHEMA,
    )
    sort_notifications()
    let_deliveries_wait()


def sort_notifications() -> None:
    op.add_column("notification", sa.Column("category", sa.Text), schema=SCHEMA)
    op.execute(
        "UPDATE notification.notification SET category ="
        " CASE kind WHEN 'payment_status' THEN 'payments' ELSE 'security' END"
    )
    op.alter_column("notification", "category", nullable=False, schema=SCHEMA)


def let_deliveries_wait() -> None:
    op.add_column("delivery", sa.Column("give_up_at", MOMENT), schema=SCHEMA)
    op.execute("UPDATE notification.delivery SET give_up_at = created_at + interval '24 hours'")
    op.alter_column("delivery", "give_up_at", nullable=False, schema=SCHEMA)
    op.drop_constraint("ck_delivery_status", "delivery", schema=SCHEMA)
    op.create_check_constraint(
        "ck_delivery_status",
        "delivery",
        "status IN ('queued', 'sending', 'sent', 'failed', 'dead', 'suppressed')",
        schema=SCHEMA,
    )
