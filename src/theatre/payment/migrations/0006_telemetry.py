"""The trace in which an attempt or a refund was asked for; an index by which dead facts are counted."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0006"
down_revision = "payment_0005"


def upgrade() -> None:
    for table in ("attempt", "refund"):
        op.add_column(table, sa.Column("trace", sa.Text), schema="payment")
    op.create_index(
        "ix_outbox_message_dead_at",
        "outbox_message",
        ["dead_at"],
        schema="payment",
        postgresql_where=sa.text("dead_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_message_dead_at", "outbox_message", schema="payment")
    for table in ("attempt", "refund"):
        op.drop_column(table, "trace", schema="payment")
