"""What pages for editors read in the answers of movies' doors for staff."""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from theatre.web.film_schemas import Access, Role
from theatre.web.schemas import Read

Texts: TypeAlias = dict[str, str]
"""One text by language."""


class StaffCredit(Read):
    """Who did what."""

    person_id: UUID
    role: Role


class StaffImage(Read):
    """A picture that lies elsewhere."""

    kind: str
    url: str


class StaffFilm(Read):
    """A film as editors keep it."""

    id: UUID
    titles: Texts
    descriptions: Texts
    original_title: str
    year: int
    countries: list[str]
    runtime_minutes: int
    age: int
    access: Access
    rating: float | None = None
    is_published: bool
    available_from: datetime | None = None
    available_until: datetime | None = None
    genre_ids: list[UUID]
    credits: list[StaffCredit]
    images: list[StaffImage]
    people: dict[UUID, Texts] = {}
    changed_at: datetime

    def body(self, **changes: Any) -> dict[str, Any]:
        """Give what makes the film say the same, with these changes; refused if somebody was faster."""
        own = self.model_dump(mode="json", exclude={"id", "people"})
        return {**own, **changes}


class StaffGenre(Read):
    """A genre with its names."""

    id: UUID
    slug: str
    names: Texts


class StaffPerson(Read):
    """A person with the names."""

    id: UUID
    names: Texts


class SheetFault(Read):
    """What is wrong with a row of a table."""

    line: int
    field: str
    message: str


class SheetReport(Read):
    """What became of a table of films."""

    created: int
    replaced: int
    faults: list[SheetFault]
