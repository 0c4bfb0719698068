"""Which films are wanted, as it stands in an address: read, asked of movies, and changed by a link. Pure: no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args
from urllib.parse import urlencode
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from theatre.kit.fields import Line, Storable
from theatre.web.film_schemas import Access

FILMS = "/films"
FILMS_SHOWN = 24
MAX_QUERY_CHARACTERS = 200
AGES = (0, 6, 12, 16, 18)
RATINGS = (9, 8, 7, 6)
DECADE_YEARS = 10
RUNTIMES: Mapping[str, Mapping[str, str]] = {
    "short": {"runtime_to": "90"},
    "medium": {"runtime_from": "91", "runtime_to": "120"},
    "long": {"runtime_from": "121"},
}

Query: TypeAlias = Annotated[
    str, StringConstraints(max_length=MAX_QUERY_CHARACTERS), Storable, AfterValidator(str.strip)
]
Year: TypeAlias = Annotated[int | None, Field(ge=1888, le=2100)]
Sort: TypeAlias = Literal["-rating", "-published", "-year", "year", "title", "runtime"]
SORTS: tuple[Sort, ...] = get_args(Sort)
ACCESSES: tuple[Access, ...] = get_args(Access)
Facets: TypeAlias = Mapping[str, Mapping[str, int]]
"""How many films there would be, by filter and value."""


class Wanted(BaseModel):
    """Which films are wanted; a field left empty in a form is as if it were not there. `genre` is any of these."""

    model_config = ConfigDict(frozen=True)

    query: Query = ""
    genre: Annotated[list[UUID], Field(max_length=10)] = []
    access: Access | None = None
    country: Annotated[str | None, StringConstraints(pattern=r"^[A-Z]{2}$")] = None
    year_from: Year = None
    year_to: Year = None
    age_to: Annotated[int | None, Field(ge=0, le=18)] = None
    runtime: Literal["short", "medium", "long"] | None = None
    rating_from: Annotated[int | None, Field(ge=1, le=10)] = None
    sort: Sort = SORTS[0]
    cursor: Line | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if value not in ("", [""])}

    def params(self) -> dict[str, str | list[str]]:
        """Give what movies is asked; what was found by words comes best first, in no other order."""
        bounds = ("access", "country", "year_from", "year_to", "age_to", "rating_from", "cursor")
        params: dict[str, str | list[str]] = {
            name: str(value) for name in bounds if (value := getattr(self, name)) is not None
        }
        params |= RUNTIMES.get(self.runtime or "", {})
        params |= {"query": self.query} if self.query else {"sort": self.sort}
        if self.genre:
            params["any_genre"] = [str(genre_id) for genre_id in self.genre]
        return {**params, "limit": str(FILMS_SHOWN)}

    def address(self, **changes: Any) -> str:
        """Give the address of the page with these changes, at its beginning unless a cursor is among them."""
        changed = self.model_copy(update={"cursor": None, **changes})
        named = changed.model_dump(mode="json", exclude_defaults=True)
        return f"{FILMS}?{urlencode(named, doseq=True)}" if named else FILMS

    def without_genre(self, genre_id: UUID) -> str:
        """Give the address of the page without one of the genres."""
        return self.address(genre=[other for other in self.genre if other != genre_id])

    def cleared(self) -> str:
        """Give the address of the page with its words and order alone."""
        return Wanted(query=self.query, sort=self.sort).address()

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that are set, by name."""
        return self.model_dump(exclude_defaults=True, exclude={"query", "sort", "cursor"})


CHOICES: Mapping[str, object] = {
    "sorts": SORTS,
    "accesses": ACCESSES,
    "ages": AGES,
    "runtimes": RUNTIMES,
    "ratings": RATINGS,
}
"""What its fields can be set to, as the page's form names it."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose; `count` is how many films there would be, if that is known."""

    value: str
    count: int | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What can be chosen beside a list of films: only what there are films of, as far as that is known."""

    facets: Facets

    def options(self, facet: str, values: Iterable[object], chosen: Iterable[object]) -> list[Option]:
        """List what can be chosen of `values`; what is chosen stays to be seen, so that it can be given up."""
        counts = self.facets.get(facet)
        taken = {str(value) for value in chosen}
        options = [
            Option(value, None if counts is None else counts.get(value, 0), value in taken)
            for value in map(str, values)
        ]
        return [option for option in options if option.is_chosen or option.count != 0]

    def decades(self) -> list[tuple[int, int, int]]:
        """List the decades that films are of, the latest first: first year, last year, how many."""
        counts = self.facets.get("decade") or {}
        firsts = sorted((int(decade) for decade in counts if decade.isdecimal()), reverse=True)
        return [(first, first + DECADE_YEARS - 1, counts[str(first)]) for first in firsts]
