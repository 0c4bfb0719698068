"""What users were told, for them to read again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0004"
down_revision = "notification_0003"

SCHEMA = "notification"
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "inbox",
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("last_number", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_inbox"),
        schema=SCHEMA,
    )
    op.create_table(
        "inbox_item",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("user_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("notification_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("read_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_inbox_item"),
        sa.UniqueConstraint("user_id", "number", name="uq_inbox_item_user_id_number"),
        sa.UniqueConstraint("notification_id", name="uq_inbox_item_notification_id"),
        sa.ForeignKeyConstraint(["user_id"], [f"{SCHEMA}.inbox.user_id"], name="fk_inbox_item_user_id"),
        sa.ForeignKeyConstraint(
            ["notification_id"], [f"{SCHEMA}.notification.id"], name="fk_inbox_item_notification_id"
        ),
        schema=SCHEMA,
    )
    op.create_index("ix_inbox_item_created_at", "inbox_item", ["created_at"], schema=SCHEMA)
    op.create_index(
        "ix_inbox_item_unread",
        "inbox_item",
        ["user_id", "number"],
        schema=SCHEMA,
        postgresql_where=sa.text("read_at IS NULL"),
    )


def downgrade() -> None:
    for table in ("inbox_item", "inbox"):
        op.drop_table(table, schema=SCHEMA)
