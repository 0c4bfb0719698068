"""A question put to the embedded search: the text read in one way, what it is narrowed by, what is counted beside."""

from collections.abc import Iterator
from typing import Any

import tantivy
from tantivy import Occur, Query

from theatre.movies.search import FACETS, Found, Question
from theatre.movies.search.documents import Known, Shelf, number_of
from theatre.movies.search.matching import Candidate, Matcher, corrected
from theatre.movies.search.readings import Reading
from theatre.movies.spelling import sound_of

RANKED = 40
MAX_BUCKETS = 300
Clause = tuple[Occur, Query]


class Look:
    """One try: the text, read in one way, asked of the engine."""

    def __init__(self, shelf: Shelf, schema: tantivy.Schema, *, question: Question, reading: Reading) -> None:
        self.shelf = shelf
        self.schema = schema
        self.question = question
        self.reading = reading
        self.filters = filters_of(schema, question)

    def found(self) -> Found | None:
        """Give what this reading finds; None if it finds nothing."""
        question = self.question
        text = self._text()
        last = question.offset + question.limit
        wanted = max(last, RANKED) if question.limit and self.reading.words else max(last, 1)
        result: Any = self.shelf.searcher.search(
            self._with_filters(text), limit=wanted, count=True, weight_by_field="weight"
        )
        if not result.hits and not question.offset and self.reading.words:
            return None
        addresses = [address for _, address in result.hits] if question.limit else []
        ranked = self._ranked([self.shelf.read(address) for address in addresses])
        return Found(
            ids=[known.id for known in ranked[question.offset : last]],
            total=int(result.count),
            words=self.reading.words,
            corrected=self._corrected(ranked[0].candidate) if ranked else None,
            facets=self._facets(text) if question.with_facets else {},
        )

    def _ranked(self, found: list[Known]) -> list[Known]:
        """Order the first by nearness; of those that are as near the engine's order stands."""
        if not self.reading.words:
            return found
        matcher = Matcher(self.reading.words)
        first = sorted(found[:RANKED], key=lambda known: -matcher.nearness(known.candidate))
        return first + found[RANKED:]

    def _corrected(self, best: Candidate) -> str | None:
        reading = self.reading
        if reading.is_as_written:
            return None
        words = list(reading.words)
        if reading.is_forgiving:
            words = corrected(words, {*best.people, *(word for name in best.names for word in name)})
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
            ways.append(_begun(schema, "name", word))
            # what begins with a sound is half of all there is
            if len(word) > 1:
                ways.append(_begun(schema, "sound", sound))
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

    def _with_filters(self, text: Query, *, without: str = "") -> Query:
        narrowed = [clause for name, clauses in self.filters.items() if name != without for clause in clauses]
        return Query.boolean_query([(Occur.Must, text), *narrowed])

    def _facets(self, text: Query) -> dict[str, dict[str, int]]:
        """Count what is narrowed by itself apart, all else in one go."""
        apart = [name for name in FACETS if self.filters.get(name)]
        together = [name for name in FACETS if name not in apart]
        counts: dict[str, dict[str, int]] = {}
        for without, names in (("", together), *((name, [name]) for name in apart)):
            asked = {name: {"terms": {"field": name, "size": MAX_BUCKETS}} for name in names}
            answer = self.shelf.searcher.aggregate(self._with_filters(text, without=without), asked)
            for name in names:
                counts[name] = {
                    str(bucket["key"]): int(bucket["doc_count"]) for bucket in answer[name]["buckets"]
                }
        return counts


def filters_of(schema: tantivy.Schema, question: Question) -> dict[str, list[Clause]]:
    """Give what must hold of what is found, by facet or otherwise."""

    def are(field: str, *words: object, occur: Occur = Occur.Must) -> list[Clause]:
        terms = [Query.term_query(schema, field, str(word)) for word in words if word is not None]
        return [(occur, Query.const_score_query(term, 0.0)) for term in terms]

    def lie(name: str, lower: int | None, upper: int | None) -> list[Clause]:
        if lower is None and upper is None:
            return []
        field = number_of(name)
        query = Query.range_query(schema, field, tantivy.FieldType.Integer, lower, upper)
        return [(Occur.Must, Query.const_score_query(query, 0.0))]

    role = f"{question.role}:" if question.role else ""
    least = None if question.rating_from is None else round(question.rating_from * 10)
    genres = are("genre", *question.genre_ids) + are("genre", *question.no_genre_ids, occur=Occur.MustNot)
    if question.any_genre_ids:
        either = Query.boolean_query(are("genre", *question.any_genre_ids, occur=Occur.Should))
        genres.append((Occur.Must, either))
    return {
        "kind": are("kind", question.kind),
        "genre": genres,
        "country": are("country", question.country),
        "access": are("access", question.access),
        "decade": lie("year", question.year_from, question.year_to),
        "age": lie("age", None, question.age_to),
        "credit": are("credit", *(f"{role}{person_id}" for person_id in question.person_ids)),
        "runtime": lie("runtime", question.runtime_from, question.runtime_to),
        "rating": lie("tenths", least, None),
    }


def _begun(schema: tantivy.Schema, field: str, word: str) -> Query:
    return Query.fuzzy_term_query(schema, field, word, distance=0, prefix=True)


def slips_in(word: str) -> int:
    """Tell how many slips of the finger a word may have, by its letters."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2
