"""What the search index has still to learn: films and people that were changed, whoever changed them."""

import sqlalchemy as sa
from alembic import op

revision = "movies_0002"
down_revision = "movies_0001"

SCHEMA = "movies"
MOMENT = sa.TIMESTAMP(timezone=True)

# in the order of ids, so that two who change many never wait for each other crosswise
NOTE = """
CREATE FUNCTION movies.note_change(of_kind text, ids uuid[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO movies.index_change AS known (kind, subject_id, number, changed_at)
    SELECT of_kind, id, nextval('movies.index_change_number'), now()
    FROM (SELECT DISTINCT unnest(ids) AS id ORDER BY id) AS changed
    ON CONFLICT (kind, subject_id)
    DO UPDATE SET number = excluded.number, changed_at = excluded.changed_at, indexed_at = NULL
$$"""

# what is loaded in bulk is indexed by a rebuild: it says so by a setting of its transaction
FUNCTION = """
CREATE FUNCTION movies.note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('movies.is_bulk', true) = 'on' THEN
        RETURN NULL;
    END IF;
    {body}
    RETURN NULL;
END $$"""

FILMS = "PERFORM movies.note_change('film', ARRAY(SELECT {column} FROM changed));"
PEOPLE = "PERFORM movies.note_change('person', ARRAY(SELECT {column} FROM changed));"
FILMS_OF_PEOPLE = """PERFORM movies.note_change('film', ARRAY(
        SELECT film_id FROM movies.credit WHERE person_id IN (SELECT id FROM changed)));"""

BODIES = {
    "film": FILMS.format(column="id"),
    "film_genre": FILMS.format(column="film_id"),
    "credit": FILMS.format(column="film_id") + PEOPLE.format(column="person_id"),
    "person": PEOPLE.format(column="id") + FILMS_OF_PEOPLE,
}
# how an operation calls the rows that it changed
TRANSITIONS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


def upgrade() -> None:
    op.execute("CREATE SEQUENCE movies.index_change_number")
    op.create_table(
        "index_change",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("indexed_at", MOMENT),
        sa.PrimaryKeyConstraint("kind", "subject_id", name="pk_index_change"),
        sa.CheckConstraint("kind IN ('film', 'person')", name="ck_index_change_kind_known"),
        schema=SCHEMA,
    )
    op.create_index(
        "ix_index_change_pending",
        "index_change",
        ["number"],
        schema=SCHEMA,
        postgresql_where=sa.text("indexed_at IS NULL"),
    )
    op.create_index("ix_index_change_indexed_at", "index_change", ["indexed_at"], schema=SCHEMA)
    op.execute(NOTE)
    for table, body in BODIES.items():
        op.execute(FUNCTION.format(table=table, body=body))
        for operation, transition in TRANSITIONS.items():
            op.execute(
                f"CREATE TRIGGER note_{operation.lower()} AFTER {operation} ON movies.{table} "
                f"REFERENCING {transition} TABLE AS changed "
                f"FOR EACH STATEMENT EXECUTE FUNCTION movies.note_{table}()"
            )


def downgrade() -> None:
    for table in BODIES:
        op.execute(f"DROP FUNCTION movies.note_{table} CASCADE")
    op.execute("DROP FUNCTION movies.note_change")
    op.drop_table("index_change", schema=SCHEMA)
    op.execute("DROP SEQUENCE movies.index_change_number")
