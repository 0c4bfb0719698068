"""Mailings, and each time that one goes out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "notification_0008"
down_revision = "notification_0007"

SCHEMA = "notification"
MOMENT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    create_mailings()
    create_runs()


def create_mailings() -> None:
    op.create_table(
        "mailing",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("lines", JSONB, nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("template_code", sa.Text),
        sa.Column("template_version", sa.Integer),
        sa.Column("values", JSONB, nullable=False),
        sa.Column("audience", JSONB, nullable=False),
        sa.Column("rate_per_minute", sa.Integer, nullable=False),
        sa.Column("cron", sa.Text),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("author_id", sa.Uuid, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mailing"),
        sa.CheckConstraint(
            "status IN ('scheduled', 'running', 'paused', 'canceled', 'finished')", name="ck_mailing_status"
        ),
        sa.CheckConstraint(
            "(due_at IS NOT NULL) = (status IN ('scheduled', 'running'))", name="ck_mailing_due_while_open"
        ),
        sa.CheckConstraint(
            "(template_code IS NULL) = (template_version IS NULL)", name="ck_mailing_version_of_template"
        ),
        sa.CheckConstraint("rate_per_minute > 0", name="ck_mailing_rate_above_zero"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_mailing_due_at",
        "mailing",
        ["due_at"],
        schema=SCHEMA,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index("ix_mailing_status", "mailing", ["status", "id"], schema=SCHEMA)


def create_runs() -> None:
    op.create_table(
        "mailing_run",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("mailing_id", sa.Uuid, nullable=False),
        sa.Column("planned_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("cursor", sa.Uuid),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_mailing_run"),
        sa.UniqueConstraint("mailing_id", "planned_at", name="uq_mailing_run_mailing_id_planned_at"),
        sa.ForeignKeyConstraint(["mailing_id"], [f"{SCHEMA}.mailing.id"], name="fk_mailing_run_mailing_id"),
        sa.CheckConstraint("status IN ('running', 'finished', 'canceled')", name="ck_mailing_run_status"),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (status = 'running')", name="ck_mailing_run_ended_when_over"
        ),
        schema=SCHEMA,
    )
    op.create_index(
        "uq_mailing_run_open",
        "mailing_run",
        ["mailing_id"],
        unique=True,
        schema=SCHEMA,
        postgresql_where=sa.text("status = 'running'"),
    )


def downgrade() -> None:
    for table in ("mailing_run", "mailing"):
        op.drop_table(table, schema=SCHEMA)
