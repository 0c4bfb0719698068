"""Short links."""

import sqlalchemy as sa
from alembic import op

revision = "short_link_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "link",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("user_id", sa.Uuid),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("clicks", sa.BigInteger, server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_link"),
        sa.CheckConstraint("clicks >= 0", name="ck_link_clicks_not_negative"),
        sa.CheckConstraint("expires_at > created_at", name="ck_link_expires_after_creation"),
        schema="short_link",
    )


def downgrade() -> None:
    op.drop_table("link", schema="short_link")
