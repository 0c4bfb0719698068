"""Films, genres, people, pictures; facts to send; what staff did."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from theatre.kit.outbox import wakeup_statements

revision = "movies_0001"
down_revision = None

SCHEMA = "movies"
MOMENT = sa.TIMESTAMP(timezone=True)
KEY = sa.Text(collation="C")
FILM_ID = f"{SCHEMA}.film.id"

REFUSE_CHANGE = """
CREATE FUNCTION movies.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$"""


def upgrade() -> None:
    create_genres_and_people()
    create_films()
    create_links()
    create_outbox()
    create_audit()


def create_genres_and_people() -> None:
    op.create_table(
        "genre",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("names", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_genre"),
        sa.UniqueConstraint("slug", name="uq_genre_slug"),
        sa.CheckConstraint("names ?& array['ru', 'en']", name="ck_genre_names_whole"),
        schema=SCHEMA,
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("names", JSONB, nullable=False),
        sa.Column("name_key_ru", KEY, nullable=False),
        sa.Column("name_key_en", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.CheckConstraint("names ?& array['ru', 'en']", name="ck_person_names_whole"),
        schema=SCHEMA,
    )
    op.create_index("ix_person_name_key_ru", "person", ["name_key_ru", "id"], schema=SCHEMA)
    op.create_index("ix_person_name_key_en", "person", ["name_key_en", "id"], schema=SCHEMA)


def create_films() -> None:
    op.create_table(
        "film",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("titles", JSONB, nullable=False),
        sa.Column("descriptions", JSONB, nullable=False),
        sa.Column("original_title", sa.Text, nullable=False),
        sa.Column("title_key_ru", KEY, nullable=False),
        sa.Column("title_key_en", KEY, nullable=False),
        sa.Column("year", sa.Integer, nullable=False),
        sa.Column("countries", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("runtime_minutes", sa.Integer, nullable=False),
        sa.Column("age", sa.Integer, nullable=False),
        sa.Column("access", sa.Text, nullable=False),
        sa.Column("rating_tenths", sa.Integer, nullable=False),
        sa.Column("is_published", sa.Boolean, nullable=False),
        sa.Column("published_at", MOMENT),
        sa.Column("available_from", MOMENT),
        sa.Column("available_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_film"),
        sa.CheckConstraint(
            "titles ?& array['ru', 'en'] AND descriptions ?& array['ru', 'en']", name="ck_film_texts_whole"
        ),
        sa.CheckConstraint("year BETWEEN 1888 AND 2100", name="ck_film_year_plausible"),
        sa.CheckConstraint("runtime_minutes BETWEEN 1 AND 1000", name="ck_film_runtime_plausible"),
        sa.CheckConstraint("age IN (0, 6, 12, 16, 18)", name="ck_film_age_known"),
        sa.CheckConstraint("access IN ('free', 'subscription', 'purchase')", name="ck_film_access_known"),
        sa.CheckConstraint(
            "rating_tenths = 0 OR rating_tenths BETWEEN 10 AND 100", name="ck_film_rating_plausible"
        ),
        sa.CheckConstraint("available_from < available_until", name="ck_film_window_forward"),
        sa.CheckConstraint("NOT is_published OR published_at IS NOT NULL", name="ck_film_published_whole"),
        schema=SCHEMA,
    )
    op.create_index("ix_film_title_key_en", "film", ["title_key_en", "year"], schema=SCHEMA)
    for name, column in (
        ("rating", "rating_tenths"),
        ("year", "year"),
        ("runtime", "runtime_minutes"),
        ("published", "published_at"),
        ("title_ru", "title_key_ru"),
        ("title_en", "title_key_en"),
    ):
        op.create_index(
            f"ix_film_by_{name}",
            "film",
            [column, "id"],
            schema=SCHEMA,
            postgresql_where=sa.text("is_published"),
        )


def create_links() -> None:
    op.create_table(
        "film_genre",
        sa.Column("film_id", sa.Uuid, nullable=False),
        sa.Column("genre_id", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("film_id", "genre_id", name="pk_film_genre"),
        sa.ForeignKeyConstraint(["film_id"], [FILM_ID], name="fk_film_genre_film_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["genre_id"], [f"{SCHEMA}.genre.id"], name="fk_film_genre_genre_id"),
        schema=SCHEMA,
    )
    op.create_index("ix_film_genre_genre_id", "film_genre", ["genre_id", "film_id"], schema=SCHEMA)
    op.create_table(
        "credit",
        sa.Column("film_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("film_id", "person_id", "role", name="pk_credit"),
        sa.ForeignKeyConstraint(["film_id"], [FILM_ID], name="fk_credit_film_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["person_id"], [f"{SCHEMA}.person.id"], name="fk_credit_person_id"),
        sa.CheckConstraint("role IN ('actor', 'director', 'writer')", name="ck_credit_role_known"),
        schema=SCHEMA,
    )
    op.create_index("ix_credit_person_id", "credit", ["person_id", "film_id"], schema=SCHEMA)
    op.create_table(
        "image",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("film_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_image"),
        sa.ForeignKeyConstraint(["film_id"], [FILM_ID], name="fk_image_film_id", ondelete="CASCADE"),
        sa.CheckConstraint("kind IN ('poster', 'backdrop')", name="ck_image_kind_known"),
        schema=SCHEMA,
    )
    op.create_index("ix_image_film_id", "image", ["film_id", "position"], schema=SCHEMA)


def create_outbox() -> None:
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("aggregate_id", sa.Uuid, nullable=False),
        sa.Column("trace", sa.Text),
        sa.Column("data", JSONB, nullable=False),
        sa.Column("tries", sa.Integer, server_default=sa.text("0"), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=False),
        sa.Column("sent_at", MOMENT),
        sa.Column("dead_at", MOMENT),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_outbox_message"),
        schema=SCHEMA,
    )
    for name, column, where in (
        ("unsent", "next_try_at", "sent_at IS NULL AND dead_at IS NULL"),
        ("dead_at", "dead_at", "dead_at IS NOT NULL"),
        ("sent_at", "sent_at", "sent_at IS NOT NULL"),
    ):
        op.create_index(
            f"ix_outbox_message_{name}",
            "outbox_message",
            [column],
            schema=SCHEMA,
            postgresql_where=sa.text(where),
        )
    for statement in wakeup_statements(SCHEMA):
        op.execute(statement)


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
        schema=SCHEMA,
    )
    latest = sa.text("number DESC")
    op.create_index("ix_audit_record_actor_id", "audit_record", ["actor_id", latest], schema=SCHEMA)
    op.create_index(
        "ix_audit_record_subject", "audit_record", ["subject_kind", "subject_id", latest], schema=SCHEMA
    )
    op.execute(REFUSE_CHANGE)
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON movies.audit_record FROM movies")
    op.execute(
        "CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON movies.audit_record "
        "FOR EACH ROW EXECUTE FUNCTION movies.refuse_change()"
    )


def downgrade() -> None:
    tables = ("audit_record", "outbox_message", "image", "credit", "film_genre", "film", "person", "genre")
    for table in tables:
        op.drop_table(table, schema=SCHEMA)
    op.execute("DROP FUNCTION movies.refuse_change, movies.wake_relay")
