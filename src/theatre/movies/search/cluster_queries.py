"""Entries and questions in the words of OpenSearch and Elasticsearch: what both of them understand."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from theatre.movies.search import FACETS, Entry
from theatre.movies.search.asking import MAX_BUCKETS, Look
from theatre.movies.search.writing import NUMBERS, TEXTS, number_of, written_of

OTHERS_COUNT = 0.1
# a word's beginnings, so that one may be misspelt: shorter ones are not forgiven, longer ones are not looked for
SHORTEST_BEGUN, LONGEST_BEGUN = 4, 12

Json: TypeAlias = dict[str, Any]

KEYWORD: Json = {"type": "keyword", "doc_values": False}
COUNTED: Json = {"type": "keyword"}
KEPT: Json = {"type": "keyword", "index": False, "doc_values": False}


def begun_of(field: str) -> str:
    """Name the field of beginnings of words."""
    return f"{field}_begun"


def mapping(schema: int) -> Json:
    """Give the mapping of an index; words come folded, so tokens are parted by spaces alone."""
    words = {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
    begun = {"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": False}
    return {
        "dynamic": "strict",
        "_meta": {"schema": schema},
        "properties": {
            # of those that are alike in all else it says which comes first
            "id": COUNTED,
            **dict.fromkeys(("kind", "whole", "credit"), KEYWORD),
            **dict.fromkeys(TEXTS, words),
            **{begun_of(field): begun for field in TEXTS},
            **dict.fromkeys(FACETS, COUNTED),
            **{number_of(name): {"type": "integer", "doc_values": False} for name in NUMBERS},
            "weight": {"type": "float", "index": False},
            **dict.fromkeys(("shown", "digest"), KEPT),
        },
    }


def document_of(entry: Entry) -> Json:
    """Write an entry as a document."""
    written = written_of(entry)
    return {**written, **{begun_of(field): beginnings(str(written[field])) for field in TEXTS}}


def beginnings(text: str) -> str:
    """Give the beginnings of the words of a text."""
    begun = (
        word[:length]
        for word in text.split()
        for length in range(SHORTEST_BEGUN, min(len(word), LONGEST_BEGUN) + 1)
    )
    return " ".join(dict.fromkeys(begun))


class JsonQueries:
    """See `Queries`."""

    def everything(self) -> Json:
        return {"match_all": {}}

    def term(self, field: str, word: str, boost: float = 1.0) -> Json:
        return {"term": {field: {"value": word, "boost": boost}}}

    def begun(self, field: str, word: str) -> Json:
        return {"prefix": {field: {"value": word}}}

    def slipped(self, field: str, word: str, slips: int) -> Json:
        return {"fuzzy": {field: {"value": word, "fuzziness": slips, "rewrite": "constant_score"}}}

    def slipped_begun(self, field: str, word: str) -> Json:
        return self.slipped(begun_of(field), word, 1)

    def between(self, field: str, lower: int | None, upper: int | None) -> Json:
        bounds = {"gte": lower, "lte": upper}
        return {"range": {field: {name: bound for name, bound in bounds.items() if bound is not None}}}

    def best(self, ways: Sequence[Json]) -> Json:
        return {"dis_max": {"queries": list(ways), "tie_breaker": OTHERS_COUNT}}

    def several(self, queries: Sequence[Json], *, least: int) -> Json:
        return {"bool": {"should": list(queries), "minimum_should_match": least}}

    def helped(self, text: Json, *, field: str, word: str, score: float) -> Json:
        help = {"constant_score": {"filter": {"term": {field: word}}, "boost": score}}
        return {"bool": {"must": [text], "should": [help]}}

    def narrowed(self, text: Json, musts: Sequence[Json], must_nots: Sequence[Json]) -> Json:
        return {"bool": {"must": [text], "filter": list(musts), "must_not": list(must_nots)}}


def body_of(look: Look[Json]) -> Json:
    """Write a question whole: what is counted is so before what is found is narrowed by it."""
    question = look.question
    late = [name for name in look.names() if name in FACETS] if question.with_facets else []
    body = {
        "query": _weighed(look.narrowed(look.text, look.names(without=late))),
        "size": look.wanted,
        "track_total_hits": True,
        "_source": ["shown"],
        "sort": ["_score", {"id": "asc"}],
    }
    if question.with_facets:
        body["aggs"] = {name: _counted(look, name, late) for name in FACETS}
    if late:
        body["post_filter"] = _narrowing(look, late)
    return body


def _weighed(query: Json) -> Json:
    # the embedded engine's own way to weigh, so that both order alike
    weight = {"field_value_factor": {"field": "weight", "modifier": "ln2p"}}
    return {"function_score": {"query": query, "functions": [weight]}}


def _narrowing(look: Look[Json], names: Sequence[str]) -> Json:
    return look.narrowed(look.queries.everything(), names)


def _counted(look: Look[Json], facet: str, late: Sequence[str]) -> Json:
    others = [name for name in late if name != facet]
    counted = {"counted": {"terms": {"field": facet, "size": MAX_BUCKETS}}}
    return {"filter": _narrowing(look, others), "aggs": counted}
