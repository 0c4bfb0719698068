"""Tables of movies. Texts for people are kept by language, `{"ru": …, "en": …}`; `*_key_*` is what they are sorted by.

A film's answer needs its genres, people and pictures: they are read with it in the same statement.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, func, select, text
from sqlalchemy.dialects.postgresql import JSON, JSONB, aggregate_order_by
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

from theatre.kit import db
from theatre.kit.audit import AuditColumns
from theatre.kit.idempotency import IdempotencyColumns
from theatre.kit.outbox import OutboxColumns

AGES = (0, 6, 12, 16, 18)
# the same order on every database, whatever its own collation
Key = Text(collation="C")
BY_LANGUAGE = "?& array['ru', 'en']"


class FilmAccess(StrEnum):
    """What a viewer needs to watch a film: nothing, a plan, or to have bought or rented just this one."""

    FREE = "free"
    SUBSCRIPTION = "subscription"
    PURCHASE = "purchase"


class Role(StrEnum):
    """What a person did for a film."""

    ACTOR = "actor"
    DIRECTOR = "director"
    WRITER = "writer"


class ImageKind(StrEnum):
    """What a picture shows."""

    POSTER = "poster"
    BACKDROP = "backdrop"


class Base(DeclarativeBase):
    metadata = db.metadata("movies")
    type_annotation_map = db.TYPES


class Genre(Base):
    """A kind of film; `slug` is its word in imports."""

    __tablename__ = "genre"
    __table_args__ = (CheckConstraint(f"names {BY_LANGUAGE}", name="names_whole"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)


class Person(Base):
    """Somebody who made films."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint(f"names {BY_LANGUAGE}", name="names_whole"),
        Index("ix_person_name_key_ru", "name_key_ru", "id"),
        Index("ix_person_name_key_en", "name_key_en", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    names: Mapped[dict[str, str]] = mapped_column(JSONB)
    name_key_ru: Mapped[str] = mapped_column(Key)
    name_key_en: Mapped[str] = mapped_column(Key)


class FilmGenre(Base):
    """A film is of a genre."""

    __tablename__ = "film_genre"
    __table_args__ = (Index("ix_film_genre_genre_id", "genre_id", "film_id"),)

    film_id: Mapped[UUID] = mapped_column(ForeignKey("movies.film.id", ondelete="CASCADE"), primary_key=True)
    genre_id: Mapped[UUID] = mapped_column(ForeignKey(Genre.id), primary_key=True)


class Credit(Base):
    """A person did something for a film; `position` is the order in which they are named."""

    __tablename__ = "credit"
    __table_args__ = (
        CheckConstraint("role IN ('actor', 'director', 'writer')", name="role_known"),
        Index("ix_credit_person_id", "person_id", "film_id"),
    )

    film_id: Mapped[UUID] = mapped_column(ForeignKey("movies.film.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey(Person.id), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]


class Image(Base):
    """A picture of a film that lies elsewhere."""

    __tablename__ = "image"
    __table_args__ = (
        CheckConstraint("kind IN ('poster', 'backdrop')", name="kind_known"),
        Index("ix_image_film_id", "film_id", "position"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    film_id: Mapped[UUID] = mapped_column(ForeignKey("movies.film.id", ondelete="CASCADE"))
    kind: Mapped[str]
    url: Mapped[str]
    position: Mapped[int]


def _public_index(name: str, *columns: str) -> Index:
    return Index(name, *columns, "id", postgresql_where=text("is_published"))


class Film(Base):
    """A film. It is seen by the public once it is published and until `available_until`.

    `rating_tenths` is from 10 to 100, or 0 as long as it has none. `published_at`: when it went live first.
    """

    __tablename__ = "film"
    __table_args__ = (
        CheckConstraint(f"titles {BY_LANGUAGE} AND descriptions {BY_LANGUAGE}", name="texts_whole"),
        CheckConstraint("year BETWEEN 1888 AND 2100", name="year_plausible"),
        CheckConstraint("runtime_minutes BETWEEN 1 AND 1000", name="runtime_plausible"),
        CheckConstraint("age IN (0, 6, 12, 16, 18)", name="age_known"),
        CheckConstraint("access IN ('free', 'subscription', 'purchase')", name="access_known"),
        CheckConstraint("rating_tenths = 0 OR rating_tenths BETWEEN 10 AND 100", name="rating_plausible"),
        CheckConstraint("available_from < available_until", name="window_forward"),
        CheckConstraint("NOT is_published OR published_at IS NOT NULL", name="published_whole"),
        Index("ix_film_title_key_en", "title_key_en", "year"),
        _public_index("ix_film_by_rating", "rating_tenths"),
        _public_index("ix_film_by_year", "year"),
        _public_index("ix_film_by_runtime", "runtime_minutes"),
        _public_index("ix_film_by_published", "published_at"),
        _public_index("ix_film_by_title_ru", "title_key_ru"),
        _public_index("ix_film_by_title_en", "title_key_en"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    titles: Mapped[dict[str, str]] = mapped_column(JSONB)
    descriptions: Mapped[dict[str, str]] = mapped_column(JSONB)
    original_title: Mapped[str]
    title_key_ru: Mapped[str] = mapped_column(Key)
    title_key_en: Mapped[str] = mapped_column(Key)
    year: Mapped[int]
    countries: Mapped[list[str]] = mapped_column(ARRAY(Text))
    runtime_minutes: Mapped[int]
    age: Mapped[int]
    access: Mapped[str]
    rating_tenths: Mapped[int]
    is_published: Mapped[bool]
    published_at: Mapped[datetime | None]
    available_from: Mapped[datetime | None]
    available_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    genres: Mapped[list[dict[str, Any]] | None] = column_property(
        select(
            func.json_agg(
                aggregate_order_by(
                    func.json_build_object("id", Genre.id, "slug", Genre.slug, "names", Genre.names),
                    Genre.slug,
                ),
                type_=JSON,
            )
        )
        .where(FilmGenre.film_id == id, FilmGenre.genre_id == Genre.id)
        .correlate_except(Genre, FilmGenre)
        .scalar_subquery(),
        deferred=True,
    )
    people: Mapped[list[dict[str, Any]] | None] = column_property(
        select(
            func.json_agg(
                aggregate_order_by(
                    func.json_build_object("id", Person.id, "names", Person.names, "role", Credit.role),
                    Credit.position,
                    Person.id,
                ),
                type_=JSON,
            )
        )
        .where(Credit.film_id == id, Credit.person_id == Person.id)
        .correlate_except(Person, Credit)
        .scalar_subquery(),
        deferred=True,
    )
    images: Mapped[list[dict[str, Any]] | None] = column_property(
        select(
            func.json_agg(
                aggregate_order_by(
                    func.json_build_object("kind", Image.kind, "url", Image.url), Image.position, Image.id
                ),
                type_=JSON,
            )
        )
        .where(Image.film_id == id)
        .correlate_except(Image)
        .scalar_subquery(),
        deferred=True,
    )


class IndexChange(Base):
    """A film or a person that the search index has still to learn (`indexed_at` is null) or has learnt.

    Triggers write it, whoever changes a table; a row that changes again while it is being learnt gets another `number`.
    """

    __tablename__ = "index_change"
    __table_args__ = (
        CheckConstraint("kind IN ('film', 'person')", name="kind_known"),
        Index("ix_index_change_pending", "number", postgresql_where=text("indexed_at IS NULL")),
        Index("ix_index_change_indexed_at", "indexed_at"),
    )

    kind: Mapped[str] = mapped_column(primary_key=True)
    subject_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[db.Big]
    changed_at: Mapped[datetime]
    indexed_at: Mapped[datetime | None]


class IdempotencyKey(IdempotencyColumns, Base):
    """Answers to requests that came under a key."""

    __tablename__ = "idempotency_key"


class OutboxMessage(OutboxColumns, Base):
    """Facts to send."""

    __tablename__ = "outbox_message"


class AuditRecord(AuditColumns, Base):
    """What staff did."""

    __tablename__ = "audit_record"
