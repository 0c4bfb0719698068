"""Users, roles, sessions, tries to log in, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from theatre.kit.outbox import wakeup_statements

revision = "auth_0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.TIMESTAMP(timezone=True)
ID = pg.UUID(as_uuid=True)


def upgrade() -> None:
    create_users()
    create_roles()
    create_sessions()
    create_login_attempts()
    create_outbox()


def create_users() -> None:
    op.create_table(
        "user",
        sa.Column("id", ID),
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("login_key", sa.Text, nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", sa.Text, nullable=False),
        sa.Column("email_verified", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("locale", sa.Text, nullable=False),
        sa.Column("is_superuser", sa.Boolean, nullable=False),
        sa.Column("is_active", sa.Boolean, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("login_key", name="uq_user_login_key"),
        sa.UniqueConstraint("email_key", name="uq_user_email_key"),
        sa.CheckConstraint("locale IN ('ru', 'en')", name="ck_user_locale"),
        sa.CheckConstraint("position('@' in login_key) = 0", name="ck_user_login_is_no_address"),
        sa.CheckConstraint("position('@' in email_key) > 1", name="ck_user_email_is_address"),
        schema="auth",
    )


def create_roles() -> None:
    op.create_table(
        "role",
        sa.Column("id", ID),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_role"),
        sa.UniqueConstraint("name", name="uq_role_name"),
        schema="auth",
    )
    op.create_table(
        "role_permission",
        sa.Column("role_id", ID, nullable=False),
        sa.Column("permission", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("role_id", "permission", name="pk_role_permission"),
        _reference("role_permission", "role_id", "role"),
        schema="auth",
    )
    op.create_table(
        "user_role",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("role_id", ID, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "role_id", name="pk_user_role"),
        _reference("user_role", "user_id", "user"),
        _reference("user_role", "role_id", "role"),
        schema="auth",
    )
    op.create_index("ix_user_role_role_id", "user_role", ["role_id"], schema="auth")


def create_sessions() -> None:
    op.create_table(
        "session",
        sa.Column("id", ID),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("access_jti", ID, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("rotated_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.Column("end_reason", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        _reference("session", "user_id", "user"),
        sa.CheckConstraint("generation >= 1", name="ck_session_generation"),
        sa.CheckConstraint(
            "(revoked_at IS NULL) = (end_reason IS NULL) AND end_reason"
            " IN ('logout', 'ended', 'token_reused', 'password_changed')",
            name="ck_session_end_reason",
        ),
        schema="auth",
    )
    op.create_index("ix_session_user_id_address", "session", ["user_id", "address"], schema="auth")
    op.create_index("ix_session_expires_at", "session", ["expires_at"], schema="auth")
    op.create_index(
        "ix_session_revoked_at",
        "session",
        ["revoked_at"],
        schema="auth",
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )


def create_login_attempts() -> None:
    op.create_table(
        "login_attempt",
        sa.Column("id", ID),
        sa.Column("user_id", ID),
        sa.Column("succeeded", sa.Boolean, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_login_attempt"),
        _reference("login_attempt", "user_id", "user"),
        schema="auth",
    )
    op.create_index("ix_login_attempt_user_id_id", "login_attempt", ["user_id", "id"], schema="auth")
    op.create_index("ix_login_attempt_occurred_at", "login_attempt", ["occurred_at"], schema="auth")
    op.create_table(
        "guesses",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_guesses"),
        sa.CheckConstraint("count >= 0", name="ck_guesses_count"),
        schema="auth",
    )
    op.create_index("ix_guesses_last_at", "guesses", ["last_at"], schema="auth")


def create_outbox() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", ID),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("aggregate_id", ID, nullable=False),
        sa.Column("trace", sa.Text),
        sa.Column("data", pg.JSONB, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("next_try_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("dead_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_message"),
        schema="auth",
    )
    op.create_index(
        "ix_outbox_message_unsent",
        "outbox_message",
        ["next_try_at"],
        schema="auth",
        postgresql_where=sa.text("sent_at IS NULL AND dead_at IS NULL"),
    )
    op.create_index(
        "ix_outbox_message_sent_at",
        "outbox_message",
        ["sent_at"],
        schema="auth",
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    for statement in wakeup_statements("auth"):
        op.execute(statement)


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"auth.{target}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE"
    )


def downgrade() -> None:
    for table in (
        "outbox_message",
        "guesses",
        "login_attempt",
        "session",
        "user_role",
        "role_permission",
        "role",
        "user",
    ):
        op.drop_table(table, schema="auth")
    op.execute("DROP FUNCTION auth.wake_relay()")
