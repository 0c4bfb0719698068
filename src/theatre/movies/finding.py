"""What viewers look for: films and people from the index, shown as the tables have them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from theatre.kit.db import Session, Sessions, transaction
from theatre.movies import genres
from theatre.movies.cards import Card, Cards
from theatre.movies.films import WHOLE, is_public
from theatre.movies.models import Film, Genre, Person
from theatre.movies.search import Found, Kind, Question, SearchIndex
from theatre.movies.spelling import on_other_keyboard, words_of

MOST_FILMS = 5
MOST_PERSONS = 3
MOST_GENRES = 2


@dataclass(frozen=True)
class Suggestions:
    """What somebody may be about to write, and the words that it was read as."""

    films: Sequence[Card]
    persons: Sequence[Person]
    genres: Sequence[Genre]
    words: Sequence[str]


async def films_of(session: Session, ids: Sequence[UUID], *, now: datetime) -> list[Film]:
    """Read films in the order of ids; those that the public does not see any more are left out."""
    statement = select(Film).where(Film.id.in_(ids), is_public(now)).options(*WHOLE)
    films = {film.id: film for film in await session.scalars(statement)}
    return [films[id] for id in ids if id in films]


async def persons_of(session: Session, ids: Sequence[UUID]) -> list[Person]:
    """Read people in the order of ids."""
    persons = {
        person.id: person for person in await session.scalars(select(Person).where(Person.id.in_(ids)))
    }
    return [persons[id] for id in ids if id in persons]


async def suggest(
    sessions: Sessions, text: str, *, index: SearchIndex, cards: Cards, locale: str
) -> Suggestions:
    """Guess what a text will become, by kind; at most ten in all."""
    question = Question(Kind.FILM, text, limit=MOST_FILMS)
    found = await index.find(question)
    people = await index.find(replace(question, kind=Kind.PERSON, limit=MOST_PERSONS))
    async with transaction(sessions) as session:
        persons = await persons_of(session, people.ids)
        begun = [genre for genre in await genres.list_all(session) if _is_begun(genre, text)]
    return Suggestions(
        films=await cards.list_by_ids(found.ids, locale),
        persons=persons,
        genres=begun[:MOST_GENRES],
        words=_words(found, people),
    )


def _words(*found: Found) -> list[str]:
    return list(dict.fromkeys(word for one in found for word in one.words))


def _is_begun(genre: Genre, text: str) -> bool:
    written = " ".join(words_of(text))
    other = " ".join(words_of(on_other_keyboard(text)))
    names = [" ".join(words_of(name)) for name in genre.names.values()]
    return bool(written) and any(
        name.startswith(start) for name in names for start in (written, other) if start
    )
