"""People who made films."""

from uuid import UUID

from sqlalchemy import or_, select

from theatre.kit.db import Session
from theatre.kit.ids import new_id
from theatre.kit.listing import Listing
from theatre.movies.errors import PersonNotFound
from theatre.movies.models import Person
from theatre.movies.spelling import sort_key


def find_all(*, locale: str, name: str = "") -> Listing[Person]:
    """List people by name, as it is written in the language; with a part of a name in either, if it is given."""
    key = Person.name_key_ru if locale == "ru" else Person.name_key_en
    rows = select(Person)
    if name:
        part = sort_key(name)
        named = (
            column.contains(part, autoescape=True) for column in (Person.name_key_en, Person.name_key_ru)
        )
        rows = rows.where(or_(*named))
    return Listing(rows, keys=(key, Person.id), is_rising=True, order=locale)


async def get(session: Session, person_id: UUID) -> Person:
    """Read a person.

    Raises:
        PersonNotFound
    """
    person = await session.get(Person, person_id)
    if person is None:
        raise PersonNotFound
    return person


def make(names: dict[str, str]) -> Person:
    """Make a person, to be added to a session."""
    keys = {f"name_key_{locale}": sort_key(names[locale]) for locale in ("ru", "en")}
    return Person(id=new_id(), names=names, **keys)


def rename(person: Person, names: dict[str, str]) -> None:
    """Give a person other names."""
    person.names = names
    person.name_key_ru, person.name_key_en = sort_key(names["ru"]), sort_key(names["en"])
