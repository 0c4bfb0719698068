"""What pages read in the answers of movies; fields they do not show are left out."""

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

from theatre.web.schemas import Read

Access: TypeAlias = Literal["free", "subscription", "purchase"]
Role: TypeAlias = Literal["director", "writer", "actor"]
Spans: TypeAlias = list[tuple[int, int]]
"""From where to where a text matches, in characters."""


class Genre(Read):
    """A genre, named in the visitor's language."""

    id: UUID
    name: str


class Person(Read):
    """Somebody who made films."""

    id: UUID
    name: str


class Film(Read):
    """A film. `highlights` are there if it was found by words, `reason` if it is like another."""

    id: UUID
    title: str
    original_title: str
    description: str
    year: int
    countries: list[str]
    rating: float | None = None
    runtime_minutes: int
    age_rating: str
    genres: list[Genre]
    actors: list[Person] = []
    directors: list[Person] = []
    writers: list[Person] = []
    access: Access
    poster_url: str
    backdrop_url: str | None = None
    available_from: datetime | None = None
    available_until: datetime | None = None
    highlights: dict[str, Spans] = {}
    reason: str | None = None

    def begins_after(self, now: datetime) -> bool:
        """Tell whether its time has not come yet."""
        return self.available_from is not None and self.available_from > now

    @property
    def marked_people(self) -> list[tuple[str, Spans]]:
        """Whoever of its makers was looked for."""
        return [(name, spans) for name, spans in self.highlights.items() if name != "title"]


class FilmList(Read):
    """A page of films. `facets` count what there would be by each filter, as long as movies counts."""

    items: list[Film]
    next_cursor: str | None = None
    total: int | None = None
    facets: dict[str, dict[str, int]] | None = None
    corrected_query: str | None = None


class GenreList(Read):
    """All genres."""

    items: list[Genre]


class FilmSuggested(Read):
    """A film that may be meant."""

    id: UUID
    title: str
    year: int
    poster_url: str
    highlights: Spans = []


class Suggested(Read):
    """A person or a genre that may be meant."""

    id: UUID
    name: str
    highlights: Spans = []


class Suggestions(Read):
    """What a few letters may become."""

    films: list[FilmSuggested] = []
    persons: list[Suggested] = []
    genres: list[Suggested] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.films) + len(self.persons) + len(self.genres)


class Stream(Read):
    """Where a film's stream is, and until when that address is good."""

    url: str
    expires_at: datetime
