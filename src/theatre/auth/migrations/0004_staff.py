"""Staff's doors: the audit, roles that every installation has, names found by their beginning."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "auth_0004"
down_revision = "auth_0003"

MOMENT = sa.TIMESTAMP(timezone=True)
NAMES = ("login_key", "email_key")
SEEDED = ("support", "finance", "content", "marketing")
REASONS = ("logout", "ended", "token_reused", "password_changed")
NEW_REASONS = ("blocked", "ended_by_staff", "rights_changed")
REFUSE_CHANGE = """
CREATE FUNCTION auth.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""


def upgrade() -> None:
    for name in NAMES:
        op.execute(f'ALTER TABLE auth."user" ALTER COLUMN {name} TYPE text COLLATE "C"')
    op.add_column(
        "role", sa.Column("is_seeded", sa.Boolean, nullable=False, server_default=sa.false()), schema="auth"
    )
    role = sa.table("role", sa.column("name"), sa.column("is_seeded"), schema="auth")
    op.execute(role.update().values(is_seeded=True).where(role.c.name.in_(SEEDED)))
    op.alter_column("role", "is_seeded", server_default=None, schema="auth")
    op.execute(
        "INSERT INTO auth.role_permission SELECT id, 'auth.read' FROM auth.role"
        " WHERE name IN ('support', 'finance') ON CONFLICT DO NOTHING"
    )
    op.drop_index("ix_user_role_role_id", "user_role", schema="auth")
    op.create_index("ix_user_role_role_id_user_id", "user_role", ["role_id", "user_id"], schema="auth")
    name_reasons(REASONS + NEW_REASONS)
    create_audit()


def name_reasons(reasons: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    op.drop_constraint("ck_session_end_reason", "session", schema="auth")
    op.create_check_constraint(
        "ck_session_end_reason",
        "session",
        f"(revoked_at IS NULL) = (end_reason IS NULL) AND end_reason IN ({listed})",
        schema="auth",
    )


def create_audit() -> None:
    op.create_table(
        "audit_record",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("actor_id", sa.Uuid, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_record"),
        sa.UniqueConstraint("hash", name="uq_audit_record_hash"),
        schema="auth",
    )
    latest = sa.text("number DESC")
    op.create_index("ix_audit_record_actor_id", "audit_record", ["actor_id", latest], schema="auth")
    op.create_index(
        "ix_audit_record_subject", "audit_record", ["subject_kind", "subject_id", latest], schema="auth"
    )
    op.execute(REFUSE_CHANGE)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON auth.audit_record FROM auth")
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON auth.audit_record "
        "FOR EACH ROW EXECUTE FUNCTION auth.refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("audit_record", schema="auth")
    op.execute("DROP FUNCTION auth.refuse_change")
    session = sa.table("session", sa.column("end_reason"), schema="auth")
    op.execute(session.update().values(end_reason="ended").where(session.c.end_reason.in_(NEW_REASONS)))
    name_reasons(REASONS)
    op.drop_index("ix_user_role_role_id_user_id", "user_role", schema="auth")
    op.create_index("ix_user_role_role_id", "user_role", ["role_id"], schema="auth")
    op.execute("DELETE FROM auth.role_permission WHERE permission IN ('auth.read', 'auth.manage')")
    op.drop_column("role", "is_seeded", schema="auth")
    for name in NAMES:
        op.execute(f'ALTER TABLE auth."user" ALTER COLUMN {name} TYPE text COLLATE "default"')
