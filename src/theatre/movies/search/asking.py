"""A question as every member of the port asks it: the text read in one way, what it is narrowed by, what is counted
beside, and what becomes of what the engine found. How a query is written is each engine's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Generic, NamedTuple, Protocol, TypeVar

from theatre.movies.search import FACETS, Found, Question
from theatre.movies.search.matching import Candidate, Matcher, corrected
from theatre.movies.search.readings import Reading, read_words
from theatre.movies.search.writing import Known, number_of
from theatre.movies.spelling import slips_in, sound_of
from theatre.movies.synonyms import Words

RANKED = 40
MAX_BUCKETS = 300
AS_A_WHOLE = 30.0
# of two that are as near, the one that was written comes before the one that is called so too
OTHER_WORDS = 0.02

Q = TypeVar("Q")


class Queries(Protocol[Q]):
    """Writes queries for an engine. One that is slipped or begun scores 1, whatever it finds."""

    def everything(self) -> Q: ...

    def term(self, field: str, word: str, boost: float = 1.0) -> Q: ...

    def begun(self, field: str, word: str) -> Q:
        """Ask for words that begin so."""

    def slipped(self, field: str, word: str, slips: int) -> Q:
        """Ask for words that differ by so many letters put in, left out, changed or swapped."""

    def slipped_begun(self, field: str, word: str) -> Q:
        """Ask for words that begin so, but for one slip."""

    def between(self, field: str, lower: int | None, upper: int | None) -> Q: ...

    def best(self, ways: Sequence[Q]) -> Q:
        """Score by the best of several, and a little by the others."""

    def several(self, queries: Sequence[Q], *, least: int) -> Q:
        """Ask that so many of them hold."""

    def helped(self, text: Q, *, field: str, word: str, score: float) -> Q:
        """Score what a text finds higher if it has a word too."""

    def narrowed(self, text: Q, musts: Sequence[Q], must_nots: Sequence[Q]) -> Q:
        """Ask that all of some and none of others hold, which scores nothing."""


@dataclass(frozen=True, slots=True)
class Filter(Generic[Q]):
    """What must and what must not hold."""

    musts: Sequence[Q] = ()
    must_nots: Sequence[Q] = ()

    def __bool__(self) -> bool:
        return bool(self.musts or self.must_nots)


class Nearness(NamedTuple):
    """How near something is to which words."""

    score: float
    words: Sequence[str]


class Look(Generic[Q]):
    """One try: the text, read in one way."""

    def __init__(self, queries: Queries[Q], *, question: Question, reading: Reading) -> None:
        self.queries = queries
        self.question = question
        self.reading = reading
        self.filters = filters_of(queries, question)
        self.last = question.offset + question.limit

    @property
    def wanted(self) -> int:
        """Tell how many are to be fetched."""
        if not self.question.limit:
            return 0
        return max(self.last, RANKED) if self.reading.words else self.last

    @cached_property
    def text(self) -> Q:
        """Give the query of the words alone."""
        if not self.reading.words:
            return self.queries.everything()
        said = [self._said(words) for words in self.reading.variants]
        return said[0] if len(said) == 1 else self.queries.best(said)

    def narrowed(self, text: Q, names: Sequence[str]) -> Q:
        """Narrow a query by the filters of these names."""
        chosen = [self.filters[name] for name in names if name in self.filters]
        musts = [query for each in chosen for query in each.musts]
        must_nots = [query for each in chosen for query in each.must_nots]
        return self.queries.narrowed(text, musts, must_nots)

    def names(self, *, without: Sequence[str] = ()) -> list[str]:
        """Name the filters that narrow, but for some."""
        return [name for name, each in self.filters.items() if each and name not in without]

    def answer(
        self, found: Sequence[Known], total: int, facets: Mapping[str, Mapping[str, int]]
    ) -> Found | None:
        """Give what this reading found, the nearest first; None if it found nothing and another may."""
        if not total and self.reading.words:
            return None
        ranked = self._ranked(found)
        words = self._nearness(ranked[0].candidate).words if ranked else self.reading.words
        return Found(
            ids=[known.id for known in ranked[self.question.offset : self.last]],
            total=total,
            words=words,
            corrected=self._corrected(words, ranked[0].candidate) if ranked else None,
            facets=facets,
        )

    def _ranked(self, found: Sequence[Known]) -> Sequence[Known]:
        """Order the first by nearness; of those that are as near the engine's order stands."""
        if not self.reading.words:
            return found
        first = sorted(found[:RANKED], key=lambda known: -self._nearness(known.candidate).score)
        return [*first, *found[RANKED:]]

    def _nearness(self, candidate: Candidate) -> Nearness:
        """Tell how near a candidate is to what was written, or to what is the same in other words."""
        near = (
            Nearness(matcher.nearness(candidate) - (OTHER_WORDS if place else 0.0), matcher.words)
            for place, matcher in enumerate(self._matchers)
        )
        return max(near, key=attrgetter("score"), default=Nearness(0.0, ()))

    @cached_property
    def _matchers(self) -> list[Matcher]:
        return [Matcher(words) for words in self.reading.variants if words]

    def _corrected(self, words: Sequence[str], best: Candidate) -> str | None:
        if self.reading.is_as_written:
            return None
        if self.reading.is_forgiving:
            words = corrected(words, {*best.people, *(word for name in best.names for word in name)})
        return " ".join(words)

    def _said(self, words: Words) -> Q:
        """Ask for what is said in one way."""
        queries = self.queries
        asked = [self._word(word, is_last=place == len(words) - 1) for place, word in enumerate(words)]
        text = queries.several(asked, least=1 if self.reading.may_lack else len(asked))
        return queries.helped(text, field="whole", word=" ".join(words), score=AS_A_WHOLE)

    def _word(self, word: str, *, is_last: bool) -> Q:
        """Ask for a word in names, among people, and by its sound; the last one may still be being written."""
        queries, sound = self.queries, sound_of(word)
        ways = [
            queries.term("name", word, 4.0),
            queries.term("person", word, 2.5),
            queries.term("sound", sound, 2.0),
        ]
        if is_last:
            ways.append(queries.begun("name", word))
            # what begins with a sound is half of all there is
            if len(word) > 1:
                ways.append(queries.begun("sound", sound))
        if self.reading.is_forgiving:
            ways += self._forgiven(word, is_last=is_last)
        return queries.best(ways)

    def _forgiven(self, word: str, *, is_last: bool) -> Iterator[Q]:
        for field, form in (("name", word), ("person", word), ("sound", sound_of(word))):
            if slips := slips_in(form):
                yield self.queries.slipped(field, form, slips)
                if is_last and len(form) > 4:
                    yield self.queries.slipped_begun(field, form)


def filters_of(queries: Queries[Q], question: Question) -> dict[str, Filter[Q]]:
    """Give what must hold of what is found, by facet or otherwise."""

    def are(field: str, *words: object) -> list[Q]:
        return [queries.term(field, str(word)) for word in words if word is not None]

    def lie(name: str, lower: int | None, upper: int | None) -> Filter[Q]:
        if lower is None and upper is None:
            return Filter()
        return Filter([queries.between(number_of(name), lower, upper)])

    role = f"{question.role}:" if question.role else ""
    least = None if question.rating_from is None else round(question.rating_from * 10)
    genres = are("genre", *question.genre_ids)
    if question.any_genre_ids:
        genres.append(queries.several(are("genre", *question.any_genre_ids), least=1))
    return {
        "kind": Filter(are("kind", question.kind)),
        "genre": Filter(genres, are("genre", *question.no_genre_ids)),
        "country": Filter(are("country", question.country)),
        "access": Filter(are("access", question.access)),
        "decade": lie("year", question.year_from, question.year_to),
        "age": lie("age", None, question.age_to),
        "credit": Filter(are("credit", *(f"{role}{person_id}" for person_id in question.person_ids))),
        "runtime": lie("runtime", question.runtime_from, question.runtime_to),
        "rating": lie("tenths", least, None),
    }


def counts_in(buckets: Sequence[Mapping[str, object]]) -> dict[str, int]:
    """Read what an engine counted."""
    return {str(bucket["key"]): int(str(bucket["doc_count"])) for bucket in buckets}


def counted_apart(filters: Mapping[str, Filter[Q]]) -> list[str]:
    """Name what is counted without its own filter, since it has one."""
    return [name for name in FACETS if filters[name]]


def nothing(question: Question) -> Found:
    """Give the answer to a question of which no reading finds anything."""
    return Found((), 0, read_words(question.text))
