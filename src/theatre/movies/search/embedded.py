"""The search in a folder of this machine, by tantivy: one process writes, others see its commits within a moment.

The folder holds a generation of the index and a file that names it. A rebuild writes another generation
beside and then replaces the file, so that there is no moment without an index.
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import tantivy
from tantivy import Query

from theatre.kit.ids import new_id
from theatre.movies.search import Entry, Found, Kind, Question, SearchAway
from theatre.movies.search.asking import Look, nothing
from theatre.movies.search.documents import Shelf, bytes_in, document_of, make_schema
from theatre.movies.search.engine import TantivyQueries, answer
from theatre.movies.search.readings import list_readings
from theatre.movies.search.writing import SCHEMA, id_of, key_of

CURRENT = f"current-{SCHEMA}"
WRITER_BYTES = 50_000_000
BUILDER_BYTES = 128_000_000
RELOAD_SECONDS = 0.2
SEARCHERS = 2


def open_index(folder: Path) -> tantivy.Index:
    """Open a generation."""
    index = tantivy.Index(make_schema(), path=str(folder))
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build()
    index.register_tokenizer("words", words)
    index.config_reader(reload_policy="manual")
    return index


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
    shelf: Shelf
    commit: bytes = b""
    """The engine's own list of what is committed."""

    def look(self, commit: bytes) -> None:
        """Go on with what is committed."""
        self.looked_at = time.monotonic()
        if commit != self.commit:
            self.index.reload()
            # what was committed since the list was read is then taken for new once more, never for known
            self.commit, self.shelf = commit, Shelf(self.index.searcher())


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
        # the engine lets go of the interpreter while it searches; more threads than this only wait for each other
        self._searching = ThreadPoolExecutor(SEARCHERS, "search")

    async def is_built(self) -> bool:
        """See `SearchIndex`."""
        return (self.folder / CURRENT).exists()

    def _generation(self) -> Generation:
        """Give the generation in use, with what was committed until a moment ago."""
        if self._open is not None and time.monotonic() - self._open.looked_at < RELOAD_SECONDS:
            return self._open
        try:
            name = (self.folder / CURRENT).read_text()
            commit = (self.folder / name / "meta.json").read_bytes()
            if self._open is None or self._open.name != name:
                index = open_index(self.folder / name)
                self._open = Generation(name, index, 0.0, Shelf(index.searcher()))
            self._open.look(commit)
        except (OSError, ValueError) as error:
            raise SearchAway from error
        return self._open

    def version(self) -> str | None:
        """See `SearchIndex`."""
        try:
            generation = self._generation()
        except SearchAway:
            return None
        return generation.shelf.name

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
        searcher = self._generation().shelf.searcher
        hits = searcher.search(Query.all_query(), limit=max(searcher.num_docs, 1), count=False).hits
        for _, address in hits:
            document = searcher.doc(address)
            yield *id_of(str(document.get_first("id"))), bytes_in(document, "digest")

    async def close(self) -> None:
        """Let go of the folder."""
        self._open = self._writer = None
        self._searching.shutdown(wait=False)

    async def find(self, question: Question) -> Found:
        """See `SearchIndex`."""
        generation = self._generation()
        return await asyncio.get_running_loop().run_in_executor(self._searching, ask, generation, question)


def ask(generation: Generation, question: Question) -> Found:
    """Put a question to a generation: read in one way after the other, until something is found."""
    queries = TantivyQueries(generation.index.schema)
    for reading in list_readings(question.text):
        look = Look(queries, question=question, reading=reading)
        if found := answer(generation.shelf, look):
            return found
    return nothing(question)
