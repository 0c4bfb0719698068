"""Notifications are found by the payment that they are about: staff ask what its buyer was told."""

import sqlalchemy as sa
from alembic import op

revision = "notification_0002"
down_revision = "notification_0001"

SCHEMA = "notification"


def upgrade() -> None:
    op.create_index(
        "ix_notification_payment_id",
        "notification",
        [sa.text("(data ->> 'payment_id')"), "created_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("data ->> 'payment_id' IS NOT NULL"),
    )
