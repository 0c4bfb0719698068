"""The search in a folder of this machine, by tantivy: one process writes, others see its commits within a moment.

The folder holds a generation of the index and a file that names it. A rebuild writes another generation
beside and then replaces the file, so that there is no moment without an index.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import tantivy
from tantivy import Occur, Query

from theatre.kit.ids import new_id
from theatre.movies.search import Entry, Found, Kind, Question, SearchAway
from theatre.movies.search.matching import Candidate, corrected, nearness
from theatre.movies.search.readings import Reading, list_readings
from theatre.movies.spelling import sound_of, words_of

# another number with every change of the schema or of what is written: an older index counts as none, and is built anew
SCHEMA = 1
CURRENT = f"current-{SCHEMA}"
WRITER_BYTES = 50_000_000
BUILDER_BYTES = 128_000_000
RELOAD_SECONDS = 0.2
MAX_WORDS = 12
RANKED = 40
FACETS = {"genre": "genre", "access": "access", "decade": "decade"}
MAX_BUCKETS = 100


def make_schema() -> tantivy.Schema:
    """Make the schema; words come folded, so tokens are parted by spaces alone."""
    builder = tantivy.SchemaBuilder()
    for field in ("id", "kind"):
        builder.add_text_field(field, stored=True, tokenizer_name="raw", index_option="basic")
    for field in ("name", "person", "sound"):
        builder.add_text_field(field, tokenizer_name="words", index_option="freq")
    builder.add_text_field("whole", tokenizer_name="raw", index_option="basic")
    for field in FACETS.values():
        builder.add_text_field(field, fast=True, tokenizer_name="raw", index_option="basic")
    for field in ("year", "age"):
        builder.add_integer_field(field, indexed=True)
    builder.add_float_field("weight", fast=True)
    for field in ("shown", "digest"):
        builder.add_bytes_field(field, stored=True)
    return builder.build()


def open_index(folder: Path) -> tantivy.Index:
    """Open a generation."""
    index = tantivy.Index(make_schema(), path=str(folder))
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", words)
    index.config_reader(reload_policy="manual")
    return index


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
    for genre_id in entry.genre_ids:
        document.add_text("genre", genre_id)
    document.add_text("access", entry.access)
    document.add_text("decade", str(entry.year // 10 * 10))
    document.add_integer("year", entry.year)
    document.add_integer("age", entry.age)
    document.add_float("weight", 0.6 + entry.rating / 20)
    shown = "\n".join([f"{entry.rating}", " ".join(people), *map(" ".join, names)])
    document.add_bytes("shown", shown.encode())
    document.add_bytes("digest", entry.digest().encode())
    return document


def candidate_of(document: tantivy.Document) -> Candidate:
    """Read back what matching needs."""
    rating, people, *names = bytes(document.get_first("shown") or b"").decode().split("\n")
    return Candidate([name.split() for name in names], frozenset(people.split()), float(rating))


def add(writer: Any, entries: Collection[Entry]) -> None:
    """Write entries."""
    for entry in entries:
        writer.add_document(document_of(entry))


def put(writer: Any, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
    """Write entries in place of what was known of them, and commit."""
    for kind, id in [*((entry.kind, entry.id) for entry in entries), *gone]:
        writer.delete_documents_by_term("id", key_of(kind, id))
    add(writer, entries)
    writer.commit()


@dataclass
class Generation:
    """An open generation of the index."""

    name: str
    index: tantivy.Index
    looked_at: float


class EmbeddedBuild:
    """A generation in the making."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = str(new_id())
        self.is_switched = False
        (folder / self.name).mkdir(parents=True)
        self._writer = open_index(folder / self.name).writer(BUILDER_BYTES, 1)

    async def add(self, entries: Collection[Entry]) -> None:
        """See `Build`. It is written by `put` or `switch`."""
        await asyncio.to_thread(add, self._writer, entries)

    async def put(self, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
        """See `Build`."""
        await asyncio.to_thread(put, self._writer, entries, gone)

    async def switch(self) -> None:
        """See `Build`."""
        await asyncio.to_thread(self._writer.commit)
        await asyncio.to_thread(self._writer.wait_merging_threads)
        pointer = self.folder / f"{self.name}.new"
        pointer.write_text(self.name)
        pointer.replace(self.folder / CURRENT)
        self.is_switched = True
        for other in self.folder.iterdir():
            if other.is_dir() and other.name != self.name:
                # whoever still writes there may put something back; the next switch takes it away
                await asyncio.to_thread(shutil.rmtree, other, ignore_errors=True)

    def abandon(self) -> None:
        """Leave nothing of a generation that did not come to be."""
        if not self.is_switched:
            # its threads may still be writing: they end first
            self._writer.rollback()
            self._writer.wait_merging_threads()
            shutil.rmtree(self.folder / self.name)


class EmbeddedIndex:
    """The search port on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: Generation | None = None
        self._writer: tuple[str, Any] | None = None

    def is_built(self) -> bool:
        """See `SearchIndex`."""
        return (self.folder / CURRENT).exists()

    def _generation(self) -> Generation:
        """Give the generation in use, with what was committed until a moment ago."""
        now = time.monotonic()
        if self._open is not None and now - self._open.looked_at < RELOAD_SECONDS:
            return self._open
        try:
            name = (self.folder / CURRENT).read_text()
            if self._open is None or self._open.name != name:
                self._open = Generation(name, open_index(self.folder / name), now)
        except (OSError, ValueError) as error:
            raise SearchAway from error
        self._open.index.reload()
        self._open.looked_at = now
        return self._open

    async def put(self, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
        """See `SearchIndex`.

        Raises:
            SearchAway: not built yet, or another process writes.
        """
        generation = self._generation()
        if self._writer is None or self._writer[0] != generation.name:
            try:
                self._writer = (generation.name, generation.index.writer(WRITER_BYTES, 1))
            except ValueError as error:
                raise SearchAway("Another process writes the index.") from error
        await asyncio.to_thread(put, self._writer[1], entries, gone)
        generation.looked_at = 0.0

    @asynccontextmanager
    async def building(self) -> AsyncIterator[EmbeddedBuild]:
        """See `SearchIndex`."""
        build = EmbeddedBuild(self.folder)
        try:
            yield build
        finally:
            build.abandon()

    async def digests(self) -> AsyncIterator[tuple[Kind, UUID, str]]:
        """See `SearchIndex`."""
        searcher = self._generation().index.searcher()
        hits = searcher.search(Query.all_query(), limit=max(searcher.num_docs, 1), count=False).hits
        for _, address in hits:
            document = searcher.doc(address)
            kind, _, id = str(document.get_first("id")).partition(":")
            yield Kind(kind), UUID(id), bytes(document.get_first("digest") or b"").decode()

    async def close(self) -> None:
        """Let go of the folder."""
        self._open = self._writer = None

    async def find(self, question: Question) -> Found:
        """See `SearchIndex`."""
        index = self._generation().index
        searcher, schema = index.searcher(), index.schema
        for reading in list_readings(question.text, MAX_WORDS):
            look = Look(searcher, schema, question=question, reading=reading)
            if found := look.found():
                return found
        return Found((), 0, words_of(question.text)[:MAX_WORDS])


class Look:
    """One try: the text, read in one way, asked of the engine."""

    def __init__(
        self, searcher: tantivy.Searcher, schema: tantivy.Schema, *, question: Question, reading: Reading
    ) -> None:
        self.searcher = searcher
        self.schema = schema
        self.question = question
        self.reading = reading

    def found(self) -> Found | None:
        """Give what this reading finds; None if it finds nothing."""
        question = self.question
        text = self._text()
        query = self._with_filters(text)
        wanted = max(question.offset + question.limit, RANKED)
        result: Any = self.searcher.search(query, limit=wanted, count=True, weight_by_field="weight")
        if not result.hits and not question.offset:
            return None
        documents = [self.searcher.doc(address) for _, address in result.hits]
        ranked = self._ranked(documents[:RANKED]) + documents[RANKED:]
        page = ranked[question.offset : question.offset + question.limit]
        return Found(
            ids=[UUID(str(document.get_first("id")).partition(":")[2]) for document in page],
            total=int(result.count),
            words=self.reading.words,
            corrected=self._corrected(ranked[0]) if ranked else None,
            facets=self._facets(text) if question.with_facets else {},
        )

    def _ranked(self, documents: Sequence[tantivy.Document]) -> list[tantivy.Document]:
        """Order by nearness; of those that are as near the engine's order stands."""
        if not self.reading.words:
            return list(documents)
        return sorted(documents, key=lambda document: -nearness(self.reading.words, candidate_of(document)))

    def _corrected(self, best: tantivy.Document) -> str | None:
        reading = self.reading
        if reading.is_as_written:
            return None
        words = list(reading.words)
        if reading.is_forgiving:
            candidate = candidate_of(best)
            words = corrected(
                words, {*candidate.people, *(word for name in candidate.names for word in name)}
            )
        return " ".join(words)

    def _text(self) -> Query:
        reading = self.reading
        if not reading.words:
            return Query.all_query()
        musts = [
            self._word(word, is_last=place == len(reading.words) - 1)
            for place, word in enumerate(reading.words)
        ]
        least = 1 if reading.may_lack else len(musts)
        text = Query.boolean_query(
            [(Occur.Should, must) for must in musts], minimum_number_should_match=least
        )
        whole = Query.term_query(self.schema, "whole", " ".join(reading.words))
        return Query.boolean_query(
            [(Occur.Must, text), (Occur.Should, Query.boost_query(Query.const_score_query(whole, 1.0), 30.0))]
        )

    def _word(self, word: str, *, is_last: bool) -> Query:
        """Ask for a word in names, among people, and by its sound; the last one may still be being written."""
        schema, sound = self.schema, sound_of(word)
        ways = [
            Query.boost_query(Query.term_query(schema, "name", word), 4.0),
            Query.boost_query(Query.term_query(schema, "person", word), 2.5),
            Query.boost_query(Query.term_query(schema, "sound", sound), 2.0),
        ]
        if is_last:
            ways += [_begun(schema, "name", word), _begun(schema, "sound", sound)]
        if self.reading.is_forgiving:
            ways += self._forgiven(word, is_last=is_last)
        return Query.disjunction_max_query(ways, tie_breaker=0.1)

    def _forgiven(self, word: str, *, is_last: bool) -> Iterator[Query]:
        for field, form in (("name", word), ("person", word), ("sound", sound_of(word))):
            distance = slips_in(form)
            if distance:
                yield Query.fuzzy_term_query(self.schema, field, form, distance=distance)
                if is_last and len(form) > 4:
                    yield Query.fuzzy_term_query(self.schema, field, form, distance=1, prefix=True)

    def _filters(self) -> dict[str, list[Query]]:
        question, schema = self.question, self.schema
        years = (question.year_from, question.year_to)
        return {
            "kind": [Query.term_query(schema, "kind", question.kind)],
            "genre": [Query.term_query(schema, "genre", str(genre_id)) for genre_id in question.genre_ids],
            "access": [Query.term_query(schema, "access", question.access)] if question.access else [],
            "decade": [self._range("year", *years)] if years != (None, None) else [],
            "age": [] if question.age_to is None else [self._range("age", None, question.age_to)],
        }

    def _range(self, field: str, lower: int | None, upper: int | None) -> Query:
        return Query.range_query(self.schema, field, tantivy.FieldType.Integer, lower, upper)

    def _with_filters(self, text: Query, *, without: str = "") -> Query:
        filters = [query for name, queries in self._filters().items() if name != without for query in queries]
        narrowed = [(Occur.Must, Query.const_score_query(query, 0.0)) for query in filters]
        return Query.boolean_query([(Occur.Must, text), *narrowed])

    def _facets(self, text: Query) -> dict[str, dict[str, int]]:
        counts = {}
        for name, field in FACETS.items():
            asked = {name: {"terms": {"field": field, "size": MAX_BUCKETS}}}
            answer = self.searcher.aggregate(self._with_filters(text, without=name), asked)
            counts[name] = {
                str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer[name]["buckets"]
            }
        return counts


def _begun(schema: tantivy.Schema, field: str, word: str) -> Query:
    return Query.fuzzy_term_query(schema, field, word, distance=0, prefix=True)


def slips_in(word: str) -> int:
    """Tell how many slips of the finger a word may have, by its letters."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2
