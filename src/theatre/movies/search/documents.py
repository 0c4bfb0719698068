"""Films and people as documents of the embedded search: the schema, what is written, what is read back."""

from dataclasses import dataclass
from sys import intern
from uuid import UUID

import tantivy

from theatre.kit.ids import new_id
from theatre.movies.search import FACETS, Entry, Kind
from theatre.movies.search.matching import Candidate
from theatre.movies.spelling import sound_of, words_of

# another number with every change of the schema or of what is written: an older index counts as none, and is built anew
SCHEMA = 2
MOST_READ = 10_000
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


@dataclass(frozen=True, slots=True)
class Known:
    """What the index knows of a document."""

    id: UUID
    candidate: Candidate


def known_of(document: tantivy.Document) -> Known:
    """Read back what a search needs."""
    rating, people, *names = bytes(document.get_first("shown") or b"").decode().split("\n")
    # the same words stand in very many names
    own = [tuple(map(intern, name.split())) for name in names]
    candidate = Candidate(own, frozenset(map(intern, people.split())), float(rating))
    return Known(UUID(str(document.get_first("id")).partition(":")[2]), candidate)


class Shelf:
    """What was read of one commit of the index, so that it is not fetched and read again for the next question."""

    def __init__(self, searcher: tantivy.Searcher) -> None:
        self.name = str(new_id())
        self.searcher = searcher
        self._known: dict[tuple[int, int], Known] = {}

    def read(self, address: tantivy.DocAddress) -> Known:
        """Give what is known of a document."""
        place = (address.segment_ord, address.doc)
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = known_of(self.searcher.doc(address))
            if len(self._known) > MOST_READ:
                # the first that was read is as good as any to go; another thread may have taken it away
                self._known.pop(next(iter(self._known)), None)
        return known
