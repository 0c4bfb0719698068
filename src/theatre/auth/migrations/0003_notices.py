"""Notices to users, links by mail, and who asked for one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "auth_0003"
down_revision = "auth_0002"

MOMENT = sa.TIMESTAMP(timezone=True)
ID = pg.UUID(as_uuid=True)
LINKS = "kind IN ('verify_email', 'reset_password')"


def upgrade() -> None:
    op.create_table(
        "notice",
        sa.Column("id", ID),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("user_agent", sa.Text),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.ForeignKeyConstraint(["user_id"], ["auth.user.id"], name="fk_notice_user_id", ondelete="CASCADE"),
        sa.CheckConstraint(
            "kind IN ('verify_email', 'reset_password', 'email_changed', 'password_changed', 'session_stolen')",
            name="ck_notice_kind",
        ),
        sa.CheckConstraint(f"({LINKS}) = (expires_at IS NOT NULL)", name="ck_notice_link_expires"),
        sa.CheckConstraint("used_at IS NULL OR expires_at IS NOT NULL", name="ck_notice_only_links_are_used"),
        schema="auth",
    )
    op.create_index("ix_notice_user_id_kind", "notice", ["user_id", "kind"], schema="auth")
    op.create_index("ix_notice_created_at", "notice", ["created_at"], schema="auth")
    op.create_table(
        "link_request",
        sa.Column("id", ID),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_link_request"),
        sa.CheckConstraint(LINKS, name="ck_link_request_kind"),
        schema="auth",
    )


def downgrade() -> None:
    op.drop_table("link_request", schema="auth")
    op.drop_table("notice", schema="auth")
