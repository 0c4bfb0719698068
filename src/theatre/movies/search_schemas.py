"""What the doors for searching give. Highlights are from where to where, in characters of the text beside them."""

from collections.abc import Sequence
from typing import Self
from uuid import UUID

import orjson
from pydantic import Field

from theatre.kit.fields import Answer
from theatre.movies.cards import Card
from theatre.movies.finding import Suggestions
from theatre.movies.highlights import spans_of
from theatre.movies.models import Person, Role
from theatre.movies.schemas import FilmAnswer, PersonAnswer, film_fields, join
from theatre.movies.search import Found
from theatre.movies.similar import Similar

Spans = list[tuple[int, int]]


class FilmFound(FilmAnswer):
    """A film, and where its title and people match."""

    highlights: dict[str, Spans] = Field(examples=[{"title": [[0, 7]], "Andrei Tarkovsky": [[7, 16]]}])


class PersonFound(PersonAnswer):
    """A person, and where the name matches."""

    highlights: Spans

    @classmethod
    def found(cls, person: Person, locale: str, words: Sequence[str]) -> Self:
        """Show a person who was found by words."""
        name = person.names[locale]
        return cls(id=person.id, name=name, highlights=spans_of(name, words))


class FilmsFoundAnswer(Answer):
    """Films that were found, the best first. `corrected_query` says what was looked for, if not what was written;
    `facets` count by genre id, access and decade, each as if its own filter were not set."""

    items: list[FilmFound]
    total: int
    corrected_query: str | None
    facets: dict[str, dict[str, int]]
    next_cursor: str | None


def write_found(cards: Sequence[Card], found: Found, next_cursor: str | None) -> bytes:
    """Write the answer of films that were found."""
    words = _meant(found)
    return join(
        [_marked(card, words) for card in cards],
        total=found.total,
        corrected_query=found.corrected,
        facets=found.facets,
        next_cursor=next_cursor,
    )


def _marked(card: Card, words: Sequence[str]) -> bytes:
    """Write on a card where it matches."""
    fields = card.fields()
    named = [person["name"] for role in Role for person in fields[f"{role}s"]]
    shown = {"title": fields["title"], **{name: name for name in named}}
    marked = {key: spans for key, text in shown.items() if (spans := spans_of(text, words))}
    return b"".join((card.json[:-1], b',"highlights":', orjson.dumps(marked), b"}"))


class PersonsFoundAnswer(Answer):
    """People who were found, the best first."""

    items: list[PersonFound]
    total: int
    corrected_query: str | None
    next_cursor: str | None

    @classmethod
    def of(cls, persons: Sequence[Person], found: Found, next_cursor: str | None, *, locale: str) -> Self:
        """Show who was found."""
        return cls(
            items=[PersonFound.found(person, locale, _meant(found)) for person in persons],
            total=found.total,
            corrected_query=found.corrected,
            next_cursor=next_cursor,
        )


def _meant(found: Found) -> Sequence[str]:
    return found.corrected.split() if found.corrected else found.words


class FilmSuggested(Answer):
    """A film that may be meant."""

    id: UUID
    title: str
    year: int
    poster_url: str
    highlights: Spans


class Suggested(Answer):
    """A person or a genre that may be meant."""

    id: UUID
    name: str
    highlights: Spans


class SuggestionsAnswer(Answer):
    """What a few letters may become, by kind."""

    films: list[FilmSuggested]
    persons: list[Suggested]
    genres: list[Suggested]

    @classmethod
    def of(cls, suggestions: Suggestions, *, locale: str) -> Self:
        """Show suggestions."""
        words = suggestions.words

        def named(id: UUID, name: str) -> Suggested:
            return Suggested(id=id, name=name, highlights=spans_of(name, words))

        return cls(
            films=[_film(card, words) for card in suggestions.films],
            persons=[named(person.id, person.names[locale]) for person in suggestions.persons],
            genres=[named(genre.id, genre.names[locale]) for genre in suggestions.genres],
        )


def _film(card: Card, words: Sequence[str]) -> FilmSuggested:
    fields = card.fields()
    own = {name: fields[name] for name in ("id", "title", "year", "poster_url")}
    return FilmSuggested(**own, highlights=spans_of(fields["title"], words))


REASONS = {
    "ru": {Role.DIRECTOR: "Режиссёр", Role.WRITER: "Сценарий", Role.ACTOR: "В ролях", None: "Жанр"},
    "en": {Role.DIRECTOR: "Director", Role.WRITER: "Writer", Role.ACTOR: "With", None: "Genre"},
}


class FilmAlike(FilmAnswer):
    """A film like another, and why, in words for people."""

    reason: str = Field(examples=["Director: Andrei Tarkovsky"])

    @classmethod
    def alike(cls, similar: Similar, locale: str) -> Self:
        """Show a film that is like another."""
        names = ", ".join(shared["names"][locale] for shared in similar.people or similar.genres)
        reason = f"{REASONS[locale][similar.role]}: {names}"
        return cls(**film_fields(similar.film, locale), reason=reason)


class FilmsAlikeAnswer(Answer):
    """Films like another one, the likest first."""

    items: list[FilmAlike]

    @classmethod
    def of(cls, similar: Sequence[Similar], *, locale: str) -> Self:
        """Show films like another one."""
        return cls(items=[FilmAlike.alike(one, locale) for one in similar])
