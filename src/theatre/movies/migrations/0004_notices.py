"""Whoever serves the catalogue hears with the commit what changed, so that nothing is shown as it was before."""

from alembic import op

revision = "movies_0004"
down_revision = "movies_0003"

# a notice says `film` and ids, `person`, or nothing, which is everything; it must stay under 8000 bytes
TELL = """
CREATE FUNCTION movies.tell_change(of_kind text, ids uuid[]) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('movies_changes', CASE
        WHEN of_kind <> 'film' THEN of_kind
        WHEN cardinality(told.ids) > 100 THEN ''
        ELSE concat_ws(' ', of_kind, array_to_string(told.ids, ' ')) END)
    FROM (SELECT ARRAY(SELECT DISTINCT unnest(tell_change.ids)) AS ids) AS told
    WHERE cardinality(told.ids) > 0
$$"""
TELL_EVERYTHING = """
CREATE FUNCTION movies.tell_everything() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('movies_changes', '');
    RETURN NULL;
END $$"""
TELL_PICTURES = """
CREATE FUNCTION movies.tell_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM movies.tell_change('film', ARRAY(SELECT film_id FROM changed));
    RETURN NULL;
END $$"""

FUNCTION = """
CREATE OR REPLACE FUNCTION movies.note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('movies.is_bulk', true) = 'on' THEN
        {bulk}
        RETURN NULL;
    END IF;
    {body}
    RETURN NULL;
END $$"""
BULK = "PERFORM pg_notify('movies_changes', '');"
NOTE = "PERFORM movies.note_change('{kind}', ARRAY({select}));"
NOTE_AND_TELL = NOTE + "PERFORM movies.tell_change('{kind}', ARRAY({select}));"
BODIES = {
    "film": [("film", "SELECT id FROM changed")],
    "film_genre": [("film", "SELECT film_id FROM changed")],
    "credit": [("film", "SELECT film_id FROM changed"), ("person", "SELECT person_id FROM changed")],
    "person": [
        ("person", "SELECT id FROM changed"),
        ("film", "SELECT film_id FROM movies.credit WHERE person_id IN (SELECT id FROM changed)"),
    ],
}
TRANSITIONS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}
TABLES = ("film", "film_genre", "credit", "person", "genre", "image")


def note(template: str, *, bulk: str) -> None:
    """Write the functions that note what the index has still to learn."""
    for table, parts in BODIES.items():
        body = "".join(template.format(kind=kind, select=select) for kind, select in parts)
        op.execute(FUNCTION.format(table=table, body=body, bulk=bulk))


def upgrade() -> None:
    for function in (TELL, TELL_EVERYTHING, TELL_PICTURES):
        op.execute(function)
    note(NOTE_AND_TELL, bulk=BULK)
    for operation, transition in TRANSITIONS.items():
        op.execute(
            f"CREATE TRIGGER tell_{operation.lower()} AFTER {operation} ON movies.image "
            f"REFERENCING {transition} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION movies.tell_image()"
        )
    op.execute(
        "CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON movies.genre "
        "FOR EACH STATEMENT EXECUTE FUNCTION movies.tell_everything()"
    )
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER tell_truncate AFTER TRUNCATE ON movies.{table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION movies.tell_everything()"
        )


def downgrade() -> None:
    op.execute("DROP FUNCTION movies.tell_everything, movies.tell_image CASCADE")
    note(NOTE, bulk="")
    op.execute("DROP FUNCTION movies.tell_change")
