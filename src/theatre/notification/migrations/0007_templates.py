"""Templates that staff write, in versions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0007"
down_revision = "notification_0006"

SCHEMA = "notification"
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.create_table(
        "template",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("active_version", sa.Integer, nullable=False),
        sa.Column("latest_version", sa.Integer, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("archived_at", MOMENT),
        sa.PrimaryKeyConstraint("code", name="pk_template"),
        schema=SCHEMA,
    )
    op.create_table(
        "template_version",
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("variables", JSONB, nullable=False),
        sa.Column("texts", JSONB, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("code", "number", name="pk_template_version"),
        sa.ForeignKeyConstraint(["code"], [f"{SCHEMA}.template.code"], name="fk_template_version_code"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    for table in ("template_version", "template"):
        op.drop_table(table, schema=SCHEMA)
