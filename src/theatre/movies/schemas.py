"""What movies' doors take and give."""

from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Annotated, Any, Literal, Self
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, HttpUrl, StringConstraints, model_validator

from theatre.kit.audit import AuditColumns
from theatre.kit.fields import Answer, Body, Line, Moment, Storable
from theatre.kit.pagination import PageAnswer
from theatre.movies.films import FilmDraft
from theatre.movies.models import Film, FilmAccess, Genre, ImageKind, Person, Role

PUBLIC = "/movies/api/v1"

Paragraph = Annotated[str, StringConstraints(min_length=1, max_length=4_000), Storable]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Year = Annotated[int, Field(strict=True, ge=1888, le=2100)]
Minutes = Annotated[int, Field(strict=True, ge=1, le=1000)]
Age = Annotated[Literal[0, 6, 12, 16, 18], Field(description="from how many years on it may be seen")]
Rating = Annotated[float, Field(ge=1, le=10), AfterValidator(lambda value: round(value, 1))]


class Names(Body):
    """A name by language."""

    ru: Line
    en: Line


class Descriptions(Body):
    """A description by language."""

    ru: Paragraph
    en: Paragraph


class GenreBody(Body):
    """A genre to be; `slug` is its word in imports."""

    slug: Slug
    names: Names


class NamesBody(Body):
    """Other names for a genre or a person."""

    names: Names


class CreditBody(Body):
    """Who did what."""

    person_id: UUID
    role: Role


class ImageBody(Body):
    """A picture that lies elsewhere."""

    kind: ImageKind
    url: Annotated[HttpUrl, Field(max_length=1_000)]


class FilmBody(Body):
    """All that staff say of a film. People are named in the order of `credits`."""

    titles: Names
    descriptions: Descriptions
    original_title: Line
    year: Year
    countries: Annotated[list[Country], Field(min_length=1, max_length=20)]
    runtime_minutes: Minutes
    age: Age
    access: FilmAccess
    rating: Rating | None = None
    is_published: bool = False
    available_from: Moment | None = None
    available_until: Moment | None = None
    genre_ids: Annotated[list[UUID], Field(min_length=1, max_length=10)]
    credits: Annotated[list[CreditBody], Field(max_length=200)] = []
    images: Annotated[list[ImageBody], Field(max_length=50)] = []

    @model_validator(mode="after")
    def _window_forward(self) -> Self:
        if self.available_from and self.available_until and self.available_from >= self.available_until:
            raise ValueError("available_until must be later than available_from")
        return self

    def draft(self) -> FilmDraft:
        """Give what the verbs take."""
        own = self.model_dump(exclude={"rating", "genre_ids", "credits", "images"})
        return FilmDraft(
            **own,
            rating_tenths=round((self.rating or 0) * 10),
            genre_ids=list(dict.fromkeys(self.genre_ids)),
            credits=[(credit.person_id, credit.role) for credit in self.credits],
            images=[(image.kind, str(image.url)) for image in self.images],
        )


class GenreAnswer(Answer):
    """A genre, named in the language of the answer."""

    id: UUID
    slug: str
    name: str

    @classmethod
    def of(cls, genre: Genre, locale: str) -> Self:
        """Show a genre."""
        return cls(id=genre.id, slug=genre.slug, name=genre.names[locale])


class PersonAnswer(Answer):
    """Somebody who made films, named in the language of the answer."""

    id: UUID
    name: str

    @classmethod
    def of(cls, person: Person, locale: str) -> Self:
        """Show a person."""
        return cls(id=person.id, name=person.names[locale])


class FilmAnswer(Answer):
    """A film. `rating` is null as long as it has none; before `available_from` it cannot be watched yet."""

    id: UUID
    title: str
    original_title: str
    description: str
    year: int
    countries: list[str]
    rating: float | None
    runtime_minutes: int
    age_rating: str = Field(examples=["16+"])
    genres: list[GenreAnswer]
    actors: list[PersonAnswer]
    directors: list[PersonAnswer]
    writers: list[PersonAnswer]
    access: FilmAccess
    poster_url: str
    backdrop_url: str | None
    available_from: datetime | None
    available_until: datetime | None


class FilmsAnswer(PageAnswer[FilmAnswer]):
    """A page of films. With `facets=true` also how many there are in all, and how many by genre id, access, decade,
    country and age, each as if its own filter were not set; null if not asked for, or while nobody can count."""

    total: int | None
    facets: dict[str, dict[str, int]] | None


def join(items: Sequence[bytes], **rest: object) -> bytes:
    """Write an answer of items that are written already; fields go by the same order as in its model."""
    return b"".join((b'{"items":[', b",".join(items), b"],", orjson.dumps(rest)[1:]))


def film_fields(film: Film | SimpleNamespace, locale: str) -> dict[str, Any]:
    """Give what every answer says of a film, in the order in which it is said."""
    pictures = {image["kind"]: image["url"] for image in reversed(film.images or [])}
    return {
        "id": str(film.id),
        "title": film.titles[locale],
        "original_title": film.original_title,
        "description": film.descriptions[locale],
        "year": film.year,
        "countries": film.countries,
        "rating": film.rating_tenths / 10 or None,
        "runtime_minutes": film.runtime_minutes,
        "age_rating": f"{film.age}+",
        "genres": [
            {"id": genre["id"], "slug": genre["slug"], "name": genre["names"][locale]}
            for genre in film.genres or []
        ],
        **{f"{role}s": _people(film, role, locale) for role in Role},
        "access": film.access,
        "poster_url": pictures.get(ImageKind.POSTER, f"{PUBLIC}/films/{film.id}/poster.svg"),
        "backdrop_url": pictures.get(ImageKind.BACKDROP),
        "available_from": film.available_from,
        "available_until": film.available_until,
    }


def _people(film: Film | SimpleNamespace, role: Role, locale: str) -> list[dict[str, str]]:
    return [
        {"id": person["id"], "name": person["names"][locale]}
        for person in film.people or []
        if person["role"] == role
    ]


class StaffFilmAnswer(Answer):
    """A film as staff keep it: with every language, and whether it is live. It can be sent back as it is, without
    `id` and moments."""

    id: UUID
    titles: dict[str, str]
    descriptions: dict[str, str]
    original_title: str
    year: int
    countries: list[str]
    runtime_minutes: int
    age: int
    access: FilmAccess
    rating: float | None
    is_published: bool
    available_from: datetime | None
    available_until: datetime | None
    genre_ids: list[UUID]
    credits: list[dict[str, str]]
    images: list[dict[str, str]]
    published_at: datetime | None
    created_at: datetime
    changed_at: datetime

    @classmethod
    def of(cls, film: Film) -> Self:
        """Show a film."""
        own = {
            name: getattr(film, name)
            for name in cls.model_fields
            if name not in {"rating", "genre_ids", "credits", "images"}
        }
        return cls(
            **own,
            rating=film.rating_tenths / 10 or None,
            genre_ids=[genre["id"] for genre in film.genres or []],
            credits=[{"person_id": person["id"], "role": person["role"]} for person in film.people or []],
            images=film.images or [],
        )


class StaffGenreAnswer(Answer):
    """A genre with its names in every language."""

    id: UUID
    slug: str
    names: dict[str, str]


class StaffPersonAnswer(Answer):
    """A person with the names in every language."""

    id: UUID
    names: dict[str, str]


class AuditAnswer(Answer):
    """What a member of staff did."""

    number: int
    occurred_at: datetime
    actor_id: UUID
    action: str
    subject_kind: str
    subject_id: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str

    @classmethod
    def of(cls, record: AuditColumns) -> Self:
        """Show a record."""
        return cls.model_validate(record)
