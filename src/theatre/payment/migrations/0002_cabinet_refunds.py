"""Refunds that were made in a provider's cabinet."""

import sqlalchemy as sa
from alembic import op

revision = "payment_0002"
down_revision = "payment_0001"


def upgrade() -> None:
    op.add_column(
        "refund",
        sa.Column("made_by_provider", sa.Boolean, server_default=sa.text("false"), nullable=False),
        schema="payment",
    )


def downgrade() -> None:
    op.drop_column("refund", "made_by_provider", schema="payment")
