"""The facts that movies tells the world."""

from typing import ClassVar
from uuid import UUID

from theatre.kit.events import Event


class FilmPublished(Event):
    """A film went live for the first time; `titles` by language."""

    key: ClassVar[str] = "movies.film.published"

    film_id: UUID
    titles: dict[str, str]
    year: int
