"""The search in OpenSearch or Elasticsearch, by what their REST interfaces have in common.

An alias names the generation in use. A rebuild makes another index beside and then moves the alias, so that there is no
moment without an index. Any number of processes search; those who write take turns by the lock of `indexing`.
"""

import re
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from hashlib import blake2b
from typing import Any
from uuid import UUID

import structlog

from theatre.kit.ids import new_id
from theatre.movies.search import Entry, Found, Kind, Question, SearchAway
from theatre.movies.search.asking import Look, counts_in, nothing
from theatre.movies.search.cluster_queries import Json, JsonQueries, body_of, document_of, mapping
from theatre.movies.search.readings import list_readings
from theatre.movies.search.wire import Misunderstood, NoIndex, Wire
from theatre.movies.search.writing import SCHEMA, id_of, key_of, known_of

log = structlog.get_logger()

FIND_SECONDS = 3.0
ASK_SECONDS = 10.0
WRITE_SECONDS = 60.0
WRITTEN_AT_ONCE = 500
READ_AT_ONCE = 2_000
# how long the engine keeps its place between two pages of all there is
KEPT = "2m"
NOT_FOUND = 404
TOO_BUSY = 429
SERVER_ERROR = 500

QUERIES = JsonQueries()
# it is refreshed by whoever writes, and has a second copy as soon as there is a second machine
INDEX_SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "-1"}


class ClusterIndex:
    """The search port on a cluster; `prefix` begins the names of all that is ours there."""

    def __init__(self, wire: Wire, prefix: str) -> None:
        self.alias = f"{prefix}-{SCHEMA}"
        self._wire = wire
        self._prefix = prefix
        self._own = re.compile(rf"{re.escape(prefix)}-\d+-[0-9a-f]{{32}}")

    async def is_built(self) -> bool:
        """See `SearchIndex`."""
        try:
            await self._wire.ask("HEAD", f"/_alias/{self.alias}", seconds=ASK_SECONDS)
        except NoIndex:
            return False
        return True

    def version(self) -> str | None:
        """See `SearchIndex`: only the cluster could tell."""
        return None

    async def find(self, question: Question) -> Found:
        """See `SearchIndex`."""
        for reading in list_readings(question.text):
            look = Look(QUERIES, question=question, reading=reading)
            try:
                found = await self._answer(look)
            except NoIndex:
                # the alias was moved and the old index taken away while we asked
                found = await self._answer(look)
            if found:
                return found
        return nothing(question)

    async def _answer(self, look: Look[Json]) -> Found | None:
        question = look.question
        answer = await self._wire.ask(
            "POST",
            f"/{self.alias}/_search",
            body_of(look),
            seconds=FIND_SECONDS,
            allow_partial_search_results="false",
            # copies differ in what they have deleted, and so in scores: all pages of a question come from one
            preference=blake2b(question.text.encode(errors="replace"), digest_size=8).hexdigest(),
        )
        if answer["timed_out"]:
            raise SearchAway
        hits, counted = answer["hits"], answer.get("aggregations", {})
        return look.answer(
            [known_of(hit["_id"], hit["_source"]["shown"]) for hit in hits["hits"]],
            int(hits["total"]["value"]),
            {name: counts_in(counts["counted"]["buckets"]) for name, counts in counted.items()},
        )

    async def put(self, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
        """See `SearchIndex`.

        Raises:
            SearchAway: not built yet, or not reachable.
        """
        # by its own name: an alias that is not there would be taken for the name of an index to be made
        current = await self._wire.ask("GET", f"/_alias/{self.alias}", seconds=ASK_SECONDS)
        await write(self._wire, max(current), entries, gone=gone, refresh="true")

    @asynccontextmanager
    async def building(self) -> AsyncIterator["ClusterBuild"]:
        """See `SearchIndex`."""
        build = ClusterBuild(self, self._wire, f"{self.alias}-{new_id().hex}")
        await build.begin()
        try:
            yield build
        finally:
            await build.abandon()

    async def digests(self) -> AsyncIterator[tuple[Kind, UUID, str]]:
        """See `SearchIndex`; all of it as it was at one moment."""
        body = {"size": READ_AT_ONCE, "sort": ["_doc"], "_source": ["digest"], "query": {"match_all": {}}}
        path = f"/{self.alias}/_search"
        page = await self._wire.ask("POST", path, body, seconds=WRITE_SECONDS, scroll=KEPT)
        try:
            while hits := page["hits"]["hits"]:
                for hit in hits:
                    yield *id_of(hit["_id"]), hit["_source"]["digest"]
                onward = {"scroll": KEPT, "scroll_id": page["_scroll_id"]}
                page = await self._wire.ask("POST", "/_search/scroll", onward, seconds=WRITE_SECONDS)
        finally:
            with suppress(SearchAway):
                ended = {"scroll_id": [page["_scroll_id"]]}
                await self._wire.ask("DELETE", "/_search/scroll", ended, seconds=ASK_SECONDS)

    async def generations(self) -> dict[str, bool]:
        """Name the indices that are ours, of whichever schema, and tell which is in use."""
        known = await self._wire.ask("GET", f"/{self._prefix}-*/_alias", seconds=ASK_SECONDS)
        return {
            name: self.alias in aliases["aliases"]
            for name, aliases in known.items()
            if self._own.fullmatch(name)
        }

    async def close(self) -> None:
        """Close the way to the cluster."""
        await self._wire.close()


class ClusterBuild:
    """A generation in the making."""

    def __init__(self, index: ClusterIndex, wire: Wire, name: str) -> None:
        self.name = name
        self.is_switched = False
        self._index = index
        self._wire = wire

    async def begin(self) -> None:
        """Make an empty index."""
        body = {"settings": INDEX_SETTINGS, "mappings": mapping(SCHEMA)}
        await self._wire.ask("PUT", f"/{self.name}", body, seconds=WRITE_SECONDS)

    async def add(self, entries: Collection[Entry]) -> None:
        """See `Build`. It is found after the `switch`."""
        await write(self._wire, self.name, entries)

    async def put(self, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]) -> None:
        """See `Build`."""
        await write(self._wire, self.name, entries, gone=gone)

    async def switch(self) -> None:
        """See `Build`.

        Raises:
            SearchAway: another build was switched to meanwhile and took this one away.
        """
        await self._check()
        await self._wire.ask("POST", f"/{self.name}/_refresh", seconds=WRITE_SECONDS)
        alias, others = self._index.alias, await self._index.generations()
        others.pop(self.name, None)
        moves: list[Json] = [
            {"remove": {"index": name, "alias": alias}} for name, is_used in others.items() if is_used
        ]
        moves.append({"add": {"index": self.name, "alias": alias}})
        await self._wire.ask("POST", "/_aliases", {"actions": moves}, seconds=WRITE_SECONDS)
        self.is_switched = True
        for name in others:
            await self._delete(name)

    async def _check(self) -> None:
        """Make sure that it is the index that was made: writing to one that is gone makes one without our mapping."""
        answer = await self._wire.ask("GET", f"/{self.name}/_mapping", seconds=ASK_SECONDS)
        if answer[self.name]["mappings"].get("_meta") != {"schema": SCHEMA}:
            raise SearchAway("Another rebuild of the index was faster.")

    async def abandon(self) -> None:
        """Leave nothing of a generation that did not come to be."""
        if not self.is_switched:
            await self._delete(self.name)

    async def _delete(self, name: str) -> None:
        """Take an index away; one that cannot be reached now goes with the next switch."""
        try:
            await self._wire.ask("DELETE", f"/{name}", seconds=WRITE_SECONDS)
        except NoIndex:
            pass
        except SearchAway:
            log.warning("movies.index_left_behind", index=name)


async def write(
    wire: Wire,
    index: str,
    entries: Collection[Entry],
    *,
    gone: Collection[tuple[Kind, UUID]] = (),
    **params: str,
) -> None:
    """Write entries and take others away; when it returns, both are durable.

    Raises:
        SearchAway
        Misunderstood: names the first fault of the entries that were refused.
    """
    steps = list(steps_of(index, entries, gone))
    for start in range(0, len(steps), WRITTEN_AT_ONCE):
        lines = [line for step in steps[start : start + WRITTEN_AT_ONCE] for line in step]
        answer = await wire.ask_lines("/_bulk", lines, seconds=WRITE_SECONDS, **params)
        if answer["errors"]:
            check(answer["items"])


def steps_of(
    index: str, entries: Collection[Entry], gone: Collection[tuple[Kind, UUID]]
) -> Iterator[Sequence[Json]]:
    """Give what is to be done, each step in one line or two."""
    for kind, id in gone:
        yield [{"delete": {"_index": index, "_id": key_of(kind, id)}}]
    for entry in entries:
        yield [{"index": {"_index": index, "_id": key_of(entry.kind, entry.id)}}, document_of(entry)]


def check(items: Sequence[dict[str, Any]]) -> None:
    """Look at what became of each step; what was not there to be taken away is no fault.

    Raises:
        SearchAway, Misunderstood
    """
    for item in items:
        ((_, outcome),) = item.items()
        if "error" not in outcome:
            continue
        status = outcome["status"]
        if status in (NOT_FOUND, TOO_BUSY) or status >= SERVER_ERROR:
            raise SearchAway
        raise Misunderstood(f"{status} {outcome['error'].get('type')}")
