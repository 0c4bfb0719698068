"""Films by the table: CSV with a head, or JSON Lines, with the same names. A bad row is reported, the others count.

Lists are parted by `;`. A person is known by the English name; `Sergei Bodrov=Сергей Бодров` gives the Russian one to
whoever is not known yet.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from sqlalchemy import select

from theatre.kit.db import Session
from theatre.kit.fields import Answer, Body, Line
from theatre.kit.ids import new_id
from theatre.movies import films, persons
from theatre.movies.errors import SheetUnreadable
from theatre.movies.films import FilmDraft
from theatre.movies.models import AGES, Film, FilmAccess, Genre, Person, Role
from theatre.movies.schemas import Country, Paragraph, Rating, Slug
from theatre.movies.spelling import sort_key

FIRST_LINE = 1
MAX_FAULTS = 1_000


class SheetKind(StrEnum):
    """How a table of films is written."""

    CSV = "text/csv"
    JSON_LINES = "application/x-ndjson"


def _split(value: Any) -> Any:
    if isinstance(value, str):
        return [part.strip() for part in value.split(";") if part.strip()]
    return value


def _emptied(value: Any) -> Any:
    return None if value == "" else value


def _label(age: int) -> int:
    if age not in AGES:
        raise ValueError(f"must be one of {', '.join(map(str, AGES))}")
    return age


Several = BeforeValidator(_split)
Optional = BeforeValidator(_emptied)


class FilmLine(Body):
    """One row of a table. With an `id` it makes this very film, or makes it say this if there is one."""

    id: Annotated[UUID | None, Optional] = None
    title_ru: Line
    title_en: Line
    original_title: Line
    year: Annotated[int, Field(ge=1888, le=2100)]
    runtime_minutes: Annotated[int, Field(ge=1, le=1000)]
    age: Annotated[int, AfterValidator(_label)]
    countries: Annotated[list[Country], Several, Field(min_length=1, max_length=20)]
    genres: Annotated[list[Slug], Several, Field(min_length=1, max_length=10)]
    directors: Annotated[list[Line], Several, Field(max_length=50)] = []
    writers: Annotated[list[Line], Several, Field(max_length=50)] = []
    actors: Annotated[list[Line], Several, Field(max_length=100)] = []
    access: FilmAccess = FilmAccess.SUBSCRIPTION
    rating: Annotated[Rating | None, Optional] = None
    is_published: bool = False
    description_ru: Paragraph
    description_en: Paragraph

    def people(self) -> Iterator[tuple[Role, str, str]]:
        """Give role, English and Russian name of everybody named; the Russian one may be empty."""
        named = {Role.DIRECTOR: self.directors, Role.WRITER: self.writers, Role.ACTOR: self.actors}
        for role, names in named.items():
            for name in names:
                en, _, ru = name.partition("=")
                yield role, en.strip(), ru.strip()

    def draft(self, genre_ids: Mapping[str, UUID], person_ids: Mapping[str, UUID]) -> FilmDraft:
        """Give what the verbs take.

        Raises:
            KeyError: a genre is unknown.
        """
        return FilmDraft(
            titles={"ru": self.title_ru, "en": self.title_en},
            descriptions={"ru": self.description_ru, "en": self.description_en},
            original_title=self.original_title,
            year=self.year,
            countries=self.countries,
            runtime_minutes=self.runtime_minutes,
            age=self.age,
            access=self.access,
            rating_tenths=round((self.rating or 0) * 10),
            is_published=self.is_published,
            genre_ids=list(dict.fromkeys(genre_ids[slug] for slug in self.genres)),
            credits=[(person_ids[sort_key(en)], role) for role, en, _ in self.people()],
        )


class Fault(Answer):
    """What is wrong with a row; `line` counts from 1, the head included."""

    line: int
    field: str
    code: str
    message: str


@dataclass(frozen=True)
class Sheet:
    """The rows that can be read, by line, and the faults of the others."""

    lines: dict[int, FilmLine] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class Report(Answer):
    """What became of a table."""

    created: int
    replaced: int
    faults: list[Fault]


def read_sheet(content: bytes, kind: SheetKind) -> Sheet:
    """Read a table of films.

    Raises:
        SheetUnreadable: it is not text in UTF-8, or a CSV without the head.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetUnreadable("The table must be in UTF-8.") from error
    sheet = Sheet()
    for number, row in _csv_rows(text) if kind is SheetKind.CSV else _json_rows(text):
        try:
            sheet.lines[number] = FilmLine.model_validate(row)
        except ValidationError as error:
            sheet.faults.extend(_faults_of(number, error))
    return sheet


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    needed = {name for name, shape in FilmLine.model_fields.items() if shape.is_required()}
    try:
        if missing := needed - set(reader.fieldnames or ()):
            raise SheetUnreadable(f"The head lacks {', '.join(sorted(missing))}.")
        for row in reader:
            yield reader.line_num, {name: value for name, value in row.items() if value is not None}
    except csv.Error as error:
        raise SheetUnreadable(f"Line {reader.line_num} is not CSV.") from error


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=FIRST_LINE):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SheetUnreadable(f"Line {number} is not JSON.") from error


def _faults_of(number: int, error: ValidationError) -> Iterator[Fault]:
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(map(str, fault["loc"]))[:100]
        yield Fault(line=number, field=place, code=fault["type"], message=fault["msg"])


async def apply(session: Session, lines: Mapping[int, FilmLine], *, now: datetime) -> Report:
    """Make or replace the films of rows that were read; what cannot be is reported. Nothing is half done: the rows
    stand or fall with the transaction."""
    genre_ids = {genre.slug: genre.id for genre in await session.scalars(select(Genre))}
    person_ids = await _meet(session, lines.values())
    known = await _known(session, lines.values())
    faults: list[Fault] = []
    drafts: dict[UUID, FilmDraft] = {}
    replaced = 0
    for number, line in lines.items():
        if fault := _refuse(number, line, genre_ids=genre_ids, known=known):
            faults.append(fault)
            continue
        draft = line.draft(genre_ids, person_ids)
        if line.id is not None and line.id in known.ids:
            await films.replace(session, line.id, draft, now=now)
            replaced += 1
        else:
            drafts[line.id or new_id()] = draft
        known.take(line)
    for film_id, draft in drafts.items():
        films.add(session, film_id, draft, now=now)
    await session.flush()
    for film_id, draft in drafts.items():
        session.add_all(films.links_of(film_id, draft))
    await session.flush()
    return Report(created=len(drafts), replaced=replaced, faults=faults)


@dataclass(frozen=True)
class Known:
    """Films that there are, by id and by English title and year; and the ids of this table's own rows so far."""

    ids: set[UUID]
    titles: set[tuple[str, int]]
    taken_ids: set[UUID | None] = field(default_factory=set)

    def take(self, line: FilmLine) -> None:
        """Take note of a row that counts."""
        self.titles.add((sort_key(line.title_en), line.year))
        self.taken_ids.update({line.id} - {None})


async def _known(session: Session, lines: Iterable[FilmLine]) -> Known:
    ids = [line.id for line in lines if line.id]
    keys = {sort_key(line.title_en) for line in lines}
    found = await session.scalars(select(Film.id).where(Film.id.in_(ids)))
    titles = await session.execute(select(Film.title_key_en, Film.year).where(Film.title_key_en.in_(keys)))
    return Known(set(found), {(row.title_key_en, row.year) for row in titles})


def _refuse(number: int, line: FilmLine, *, genre_ids: Mapping[str, UUID], known: Known) -> Fault | None:
    if unknown := [slug for slug in line.genres if slug not in genre_ids]:
        message = f"There is no genre {unknown[0]}."
        return Fault(line=number, field="genres", code="movies.genre_unknown", message=message)
    if line.id in known.taken_ids:
        message = "Another row of this table has this id."
        return Fault(line=number, field="id", code="movies.film_known", message=message)
    if line.id not in known.ids and (sort_key(line.title_en), line.year) in known.titles:
        message = "There is a film of this title and year already; name its id to replace it."
        return Fault(line=number, field="title_en", code="movies.film_known", message=message)
    return None


async def _meet(session: Session, lines: Iterable[FilmLine]) -> dict[str, UUID]:
    """Give the ids of all people named, by the key of their English name; those unknown are made."""
    names: dict[str, dict[str, str]] = {}
    for line in lines:
        for _, en, ru in line.people():
            name = names.setdefault(sort_key(en), {"en": en, "ru": ""})
            name["ru"] = name["ru"] or ru
    statement = select(Person.name_key_en, Person.id).where(Person.name_key_en.in_(names))
    found = await session.execute(statement.order_by(Person.id.desc()))
    met = {row.name_key_en: row.id for row in found}
    for key, name in names.items():
        if key not in met:
            person = persons.make({"en": name["en"], "ru": name["ru"] or name["en"]})
            session.add(person)
            met[key] = person.id
    await session.flush()
    return met
