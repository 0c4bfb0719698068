"""Lists of the admin panel: which door gives them, by what they are narrowed, and which views of them have a name.

What narrows a list stands in its address, so that a view can be kept as a bookmark and sent to a colleague. Nothing of
a person stands there but ids.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from theatre.web.admin_schemas import ReadPage
from theatre.web.schemas import Read
from theatre.web.staff_doors import BILLING, Doors

R = TypeVar("R", bound=Read)
MAX_VALUE_CHARACTERS = 200
PAGE_ROWS = "50"
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """One field that narrows a list. `texts` begins the names of its choices; without it they name themselves.

    Its own name for people is the text `admin.filter.<label>`, or else `<name>`.

    `day` is a day as the door has it; `since` one from whose start, `until` one to whose end, in the reader's zone.
    """

    name: str
    kind: Literal["choice", "word", "day", "since", "until"] = "word"
    choices: tuple[str, ...] = ()
    texts: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """A way of looking at a list that has a name: `admin.view.<word>`."""

    word: str
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing(Generic[R]):
    """A list: its page in the panel, the door that gives it, and the model of an answer."""

    name: str
    path: str
    door: str
    page: type[ReadPage[R]]
    filters: tuple[Filter, ...] = ()
    views: tuple[View, ...] = ()
    has_sheet: bool = True
    fixed: Mapping[str, str] = field(default_factory=dict)
    doors: Doors = BILLING

    def ask(self, query: Mapping[str, str]) -> "Asked":
        """Read what narrows the list out of an address; what is empty or of no field is left out."""
        values = {
            one.name: value
            for one in self.filters
            if (value := query.get(one.name, "").strip()[:MAX_VALUE_CHARACTERS])
        }
        return Asked(values, query.get("cursor", "")[:512])

    def params(self, asked: "Asked", zone: tzinfo) -> dict[str, str]:
        """Write what narrows the list as its door wants it: days become moments, as days of `zone` go."""
        kinds = {one.name: one.kind for one in self.filters}
        words = {name: _of_zone(value, kinds[name], zone) for name, value in asked.values.items()}
        return {**self.fixed, **words}


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a list is wanted."""

    values: dict[str, str]
    cursor: str = ""

    def query(self, **more: str) -> str:
        """Write it as the query of an address, with `more`; empty if nothing is asked."""
        words = {**self.values, **more}
        return f"?{urlencode(words)}" if words else ""


@dataclass(frozen=True, slots=True)
class Listed(Generic[R]):
    """A page of a list, with what was asked for; `fault` says what the door did not understand."""

    listing: Listing[R]
    asked: Asked
    items: list[R]
    next_cursor: str | None = None
    fault: str = ""

    @property
    def sheets(self) -> dict[str, str]:
        """Give the addresses of the whole list as files, by their kind."""
        base = f"/admin/sheets/{self.listing.name}"
        kinds = ("csv", "xlsx") if self.listing.has_sheet else ()
        return {kind: base + self.asked.query(format=kind) for kind in kinds}

    @property
    def latest(self) -> str:
        """Give the address of the list's first page."""
        return self.listing.path + self.asked.query()

    @property
    def older(self) -> str | None:
        """Give the address of the next page, if there is one."""
        if self.next_cursor is None:
            return None
        return self.listing.path + self.asked.query(cursor=self.next_cursor)


def _of_zone(value: str, kind: str, zone: tzinfo) -> str:
    if kind not in {"since", "until"}:
        return value
    try:
        day = date.fromisoformat(value)
        start = datetime.combine(day if kind == "since" else day + A_DAY, time(), zone)
    except (ValueError, OverflowError):  # no day of the calendar: the door says so
        return value
    return start.isoformat()


AnyListing = Listing[Any]
