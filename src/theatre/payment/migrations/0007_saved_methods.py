"""What the payer of an attempt let its provider keep for later charges."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "payment_0007"
down_revision = "payment_0006"


def upgrade() -> None:
    op.add_column("attempt", sa.Column("method", postgresql.JSONB), schema="payment")


def downgrade() -> None:
    op.drop_column("attempt", "method", schema="payment")
