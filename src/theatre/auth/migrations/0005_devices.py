"""Known devices; how a try to sign in was made and how it ended."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

revision = "auth_0005"
down_revision = "auth_0004"

ID = pg.UUID(as_uuid=True)
KINDS = ("verify_email", "reset_password", "email_changed", "password_changed", "session_stolen")


def upgrade() -> None:
    add_results()
    name_kinds((*KINDS, "new_device"))
    op.create_table(
        "known_device",
        sa.Column("user_id", ID, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("last_seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "digest", name="pk_known_device"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["auth.user.id"], name="fk_known_device_user_id", ondelete="CASCADE"
        ),
        schema="auth",
    )
    op.create_index("ix_known_device_last_seen_at", "known_device", ["last_seen_at"], schema="auth")


def add_results() -> None:
    for name in ("method", "result"):
        op.add_column("login_attempt", sa.Column(name, sa.Text), schema="auth")
    op.execute(
        "UPDATE auth.login_attempt SET method = 'password',"
        " result = CASE WHEN succeeded THEN 'succeeded' ELSE 'wrong_password' END"
    )
    for name in ("method", "result"):
        op.alter_column("login_attempt", name, nullable=False, schema="auth")
    op.create_check_constraint(
        "ck_login_attempt_method", "login_attempt", "method IN ('password')", schema="auth"
    )
    op.create_check_constraint(
        "ck_login_attempt_result",
        "login_attempt",
        "result IN ('succeeded', 'wrong_password', 'blocked', 'throttled')",
        schema="auth",
    )
    op.drop_column("login_attempt", "succeeded", schema="auth")


def name_kinds(kinds: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.drop_constraint("ck_notice_kind", "notice", schema="auth")
    op.create_check_constraint("ck_notice_kind", "notice", f"kind IN ({listed})", schema="auth")


def downgrade() -> None:
    op.drop_table("known_device", schema="auth")
    op.execute("DELETE FROM auth.notice WHERE kind = 'new_device'")
    name_kinds(KINDS)
    op.add_column("login_attempt", sa.Column("succeeded", sa.Boolean), schema="auth")
    op.execute("UPDATE auth.login_attempt SET succeeded = (result = 'succeeded')")
    op.alter_column("login_attempt", "succeeded", nullable=False, schema="auth")
    for name in ("result", "method"):
        op.drop_column("login_attempt", name, schema="auth")
