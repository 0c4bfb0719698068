"""An index by which dead facts are counted."""

import sqlalchemy as sa
from alembic import op

revision = "auth_0002"
down_revision = "auth_0001"


def upgrade() -> None:
    op.create_index(
        "ix_outbox_message_dead_at",
        "outbox_message",
        ["dead_at"],
        schema="auth",
        postgresql_where=sa.text("dead_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_message_dead_at", "outbox_message", schema="auth")
