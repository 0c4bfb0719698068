"""Films and people as documents of the embedded search: the schema, what is written, what is read back."""

from uuid import UUID

import tantivy

from theatre.movies.search import FACETS, Entry, Kind
from theatre.movies.search.matching import Candidate
from theatre.movies.spelling import sound_of, words_of

# another number with every change of the schema or of what is written: an older index counts as none, and is built anew
SCHEMA = 2
NUMBERS = ("year", "age", "runtime", "tenths")


def number_of(name: str) -> str:
    """Name the field of a number; words that are counted have plain names."""
    return f"{name}_number"


def make_schema() -> tantivy.Schema:
    """Make the schema; words come folded, so tokens are parted by spaces alone."""
    builder = tantivy.SchemaBuilder()
    for field in ("id", "kind"):
        builder.add_text_field(field, stored=True, tokenizer_name="raw", index_option="basic")
    for field in ("name", "person", "sound"):
        builder.add_text_field(field, tokenizer_name="words", index_option="freq")
    builder.add_text_field("whole", tokenizer_name="raw", index_option="basic")
    for field in FACETS:
        builder.add_text_field(field, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("credit", tokenizer_name="raw", index_option="basic")
    for field in NUMBERS:
        builder.add_integer_field(number_of(field), indexed=True)
    builder.add_float_field("weight", fast=True)
    for field in ("shown", "digest"):
        builder.add_bytes_field(field, stored=True)
    return builder.build()


def key_of(kind: Kind, id: UUID) -> str:
    """Give the word under which an entry is known."""
    return f"{kind}:{id}"


def document_of(entry: Entry) -> tantivy.Document:
    """Write an entry as a document: names as words, run together, and as they sound."""
    document = tantivy.Document()
    names = [words_of(name) for name in dict.fromkeys(entry.names)]
    people = sorted({word for person in entry.people for word in words_of(person)})
    document.add_text("id", key_of(entry.kind, entry.id))
    document.add_text("kind", entry.kind)
    own = dict.fromkeys(word for words in names for word in words)
    joined = ["".join(words) for words in names if len(words) > 1]
    document.add_text("name", " ".join([*own, *joined]))
    document.add_text("person", " ".join(people))
    document.add_text("sound", " ".join(dict.fromkeys(map(sound_of, [*own, *joined, *people]))))
    for whole in {" ".join(words) for words in names}:
        document.add_text("whole", whole)
    add_facts(document, entry)
    document.add_float("weight", 0.6 + entry.rating / 20)
    shown = "\n".join([f"{entry.rating}", " ".join(people), *map(" ".join, names)])
    document.add_bytes("shown", shown.encode())
    document.add_bytes("digest", entry.digest().encode())
    return document


def add_facts(document: tantivy.Document, entry: Entry) -> None:
    """Write what entries are narrowed and counted by."""
    for field, words in (
        ("genre", entry.genre_ids),
        ("country", entry.countries),
        ("access", (entry.access,)),
        ("decade", (entry.year // 10 * 10,)),
        ("age", (entry.age,)),
        # somebody is looked for in a role, or in whichever
        ("credit", {word for role, id in entry.credits for word in (id, f"{role}:{id}")}),
    ):
        for word in words:
            document.add_text(field, str(word))
    tenths = round(entry.rating * 10)
    for name, number in zip(NUMBERS, (entry.year, entry.age, entry.runtime_minutes, tenths), strict=True):
        document.add_integer(number_of(name), number)


def candidate_of(document: tantivy.Document) -> Candidate:
    """Read back what matching needs."""
    rating, people, *names = bytes(document.get_first("shown") or b"").decode().split("\n")
    return Candidate([name.split() for name in names], frozenset(people.split()), float(rating))
