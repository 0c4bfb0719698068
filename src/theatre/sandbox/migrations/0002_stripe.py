"""What Stripe's face needs: a secret to sign with, answers kept as they were, refusals that end nothing."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "sandbox_0002"
down_revision = "sandbox_0001"


def upgrade() -> None:
    op.add_column("shop", sa.Column("webhook_secret", sa.Text), schema="sandbox")
    op.add_column("payment", sa.Column("last_refusal", JSONB), schema="sandbox")
    op.add_column("idempotence_key", sa.Column("answer", sa.Text), schema="sandbox")


def downgrade() -> None:
    op.drop_column("idempotence_key", "answer", schema="sandbox")
    op.drop_column("payment", "last_refusal", schema="sandbox")
    op.drop_column("shop", "webhook_secret", schema="sandbox")
