"""Questions in tantivy's words, and what it answers."""

from collections.abc import Iterable, Sequence
from typing import Any

import tantivy
from tantivy import Occur, Query

from theatre.movies.search import FACETS, Found
from theatre.movies.search.asking import MAX_BUCKETS, Look, counted_apart, counts_in
from theatre.movies.search.documents import Shelf

OTHERS_COUNT = 0.1


class TantivyQueries:
    """See `Queries`."""

    def __init__(self, schema: tantivy.Schema) -> None:
        self.schema = schema

    def everything(self) -> Query:
        # in company a bare one scores nothing, so that no rating would order what it finds
        return Query.const_score_query(Query.all_query(), 1.0)

    def term(self, field: str, word: str, boost: float = 1.0) -> Query:
        return Query.boost_query(Query.term_query(self.schema, field, word), boost)

    def begun(self, field: str, word: str) -> Query:
        return Query.fuzzy_term_query(self.schema, field, word, distance=0, prefix=True)

    def slipped(self, field: str, word: str, slips: int) -> Query:
        return Query.fuzzy_term_query(self.schema, field, word, distance=slips)

    def slipped_begun(self, field: str, word: str) -> Query:
        return Query.fuzzy_term_query(self.schema, field, word, distance=1, prefix=True)

    def between(self, field: str, lower: int | None, upper: int | None) -> Query:
        return Query.range_query(self.schema, field, tantivy.FieldType.Integer, lower, upper)

    def best(self, ways: Sequence[Query]) -> Query:
        return Query.disjunction_max_query(ways, tie_breaker=OTHERS_COUNT)

    def several(self, queries: Sequence[Query], *, least: int) -> Query:
        return Query.boolean_query(_occurring(Occur.Should, queries), minimum_number_should_match=least)

    def helped(self, text: Query, *, field: str, word: str, score: float) -> Query:
        help = Query.const_score_query(Query.term_query(self.schema, field, word), score)
        return Query.boolean_query([(Occur.Must, text), (Occur.Should, help)])

    def narrowed(self, text: Query, musts: Sequence[Query], must_nots: Sequence[Query]) -> Query:
        silent = [Query.const_score_query(query, 0.0) for query in musts]
        clauses = _occurring(Occur.Must, [text, *silent]) + _occurring(Occur.MustNot, must_nots)
        return Query.boolean_query(clauses)


def _occurring(occur: Occur, queries: Iterable[Query]) -> list[tuple[Occur, Query]]:
    return [(occur, query) for query in queries]


def answer(shelf: Shelf, look: Look[Query]) -> Found | None:
    """Put a question to a commit of the index; None if it finds nothing and another reading may."""
    result: Any = shelf.searcher.search(
        look.narrowed(look.text, look.names()),
        limit=max(look.wanted, 1),
        count=True,
        weight_by_field="weight",
    )
    total = int(result.count)
    found = [shelf.read(address) for _, address in result.hits[: look.wanted]]
    is_counted = look.question.with_facets and (total or not look.reading.words)
    return look.answer(found, total, _facets(shelf, look) if is_counted else {})


def _facets(shelf: Shelf, look: Look[Query]) -> dict[str, dict[str, int]]:
    """Count what is narrowed by itself apart, all else in one go."""
    apart = counted_apart(look.filters)
    together = [name for name in FACETS if name not in apart]
    counts: dict[str, dict[str, int]] = {}
    for without, names in (("", together), *((name, [name]) for name in apart)):
        asked = {name: {"terms": {"field": name, "size": MAX_BUCKETS}} for name in names}
        query = look.narrowed(look.text, look.names(without=[without]))
        answer = shelf.searcher.aggregate(query, asked)
        counts.update((name, counts_in(answer[name]["buckets"])) for name in names)
    return counts
