"""Genres."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.movies.errors import GenreNotFound, GenreTaken
from theatre.movies.models import Genre

FIRST = {
    "action": ("боевик", "Action"),
    "adventure": ("приключения", "Adventure"),
    "animation": ("мультфильм", "Animation"),
    "biography": ("биография", "Biography"),
    "comedy": ("комедия", "Comedy"),
    "crime": ("криминал", "Crime"),
    "documentary": ("документальный", "Documentary"),
    "drama": ("драма", "Drama"),
    "family": ("семейный", "Family"),
    "fantasy": ("фэнтези", "Fantasy"),
    "history": ("история", "History"),
    "horror": ("ужасы", "Horror"),
    "music": ("музыка", "Music"),
    "mystery": ("детектив", "Mystery"),
    "romance": ("мелодрама", "Romance"),
    "science_fiction": ("фантастика", "Science fiction"),
    "sport": ("спорт", "Sport"),
    "thriller": ("триллер", "Thriller"),
    "war": ("военный", "War"),
    "western": ("вестерн", "Western"),
}
"""The genres that every catalogue begins with, by their words: in Russian and in English."""


async def list_all(session: Session) -> Sequence[Genre]:
    """List all genres by their words; there are a few dozen."""
    return (await session.scalars(select(Genre).order_by(Genre.slug))).all()


async def get(session: Session, genre_id: UUID) -> Genre:
    """Read a genre.

    Raises:
        GenreNotFound
    """
    genre = await session.get(Genre, genre_id)
    if genre is None:
        raise GenreNotFound
    return genre


async def create(session: Session, slug: str, names: dict[str, str]) -> Genre:
    """Make a genre.

    Raises:
        GenreTaken
    """
    statement = insert(Genre).values(id=new_id(), slug=slug, names=names)
    made = await session.scalar(statement.on_conflict_do_nothing(index_elements=["slug"]).returning(Genre.id))
    if made is None:
        raise GenreTaken
    return await get(session, made)


async def seed(session: Session) -> None:
    """Make the genres that every catalogue begins with; those that exist stay as staff named them."""
    rows = [{"id": new_id(), "slug": slug, "names": {"ru": ru, "en": en}} for slug, (ru, en) in FIRST.items()]
    await session.execute(insert(Genre).on_conflict_do_nothing(index_elements=["slug"]), rows)
