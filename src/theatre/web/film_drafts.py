"""A film being written: what the editor's form holds, what its buttons change, what is sent. Pure: no I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any, Protocol, Self

from theatre.web.film_desk_schemas import StaffFilm
from theatre.web.showings import ROLES

LANGUAGES = ("ru", "en")
LINES = ("original_title", "year", "countries", "runtime_minutes", "age", "access", "rating")
MOMENTS = ("available_from", "available_until")
IMAGE_KINDS = ("poster", "backdrop")
TO_THE_MINUTE = 16


class Filled(Protocol):
    """A form as it was sent."""

    def get(self, key: str, /) -> Any: ...

    def getlist(self, key: str, /) -> list[Any]: ...


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody named in a role; the form carries the name along, so that it need not be asked for again."""

    role: str
    person_id: str
    name: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """Read one out of a field or a button, if it is one."""
        parts = text.split(" ", 2)
        return cls(*parts) if len(parts) == 3 and parts[0] in ROLES else None

    @property
    def text(self) -> str:
        """Write it for a field or a button."""
        return f"{self.role} {self.person_id} {self.name}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form holds, as it was typed: `texts` by the names of its fields."""

    texts: Mapping[str, str] = field(default_factory=dict)
    genre_ids: Sequence[str] = ()
    people: Sequence[Named] = ()
    images: Sequence[tuple[str, str]] = ()
    is_published: bool = False
    changed_at: str = ""

    @classmethod
    def of(cls, film: StaffFilm, *, locale: str, zone: tzinfo) -> Self:
        """Begin with a film as it is; moments as the clocks of a zone show them."""
        texts = {
            **{f"title_{language}": film.titles[language] for language in LANGUAGES},
            **{f"description_{language}": film.descriptions[language] for language in LANGUAGES},
            **{name: str(getattr(film, name)) for name in LINES if getattr(film, name) is not None},
            "countries": ", ".join(film.countries),
            **{
                name: moment.astimezone(zone).isoformat()[:TO_THE_MINUTE]
                for name in MOMENTS
                if (moment := getattr(film, name))
            },
        }
        people = [
            Named(credit.role, str(credit.person_id), film.people.get(credit.person_id, {}).get(locale, ""))
            for credit in film.credits
        ]
        return cls(
            texts=texts,
            genre_ids=[str(genre_id) for genre_id in film.genre_ids],
            people=people,
            images=[(image.kind, image.url) for image in film.images],
            is_published=film.is_published,
            changed_at=film.changed_at.isoformat(),
        )

    @classmethod
    def read(cls, form: Filled) -> Self:
        """Read the form as it was sent."""
        names = (*(f"{word}_{language}" for word in ("title", "description") for language in LANGUAGES),)
        texts = {name: str(form.get(name) or "").strip() for name in (*names, *LINES, *MOMENTS)}
        people = [Named.read(str(text)) for text in form.getlist("credit")]
        images = zip(form.getlist("image_kind"), form.getlist("image_url"), strict=False)
        return cls(
            texts=texts,
            genre_ids=[str(genre_id) for genre_id in form.getlist("genre")],
            people=[one for one in people if one],
            images=[(str(kind), str(url).strip()) for kind, url in images if str(url).strip()],
            is_published=form.get("is_published") == "yes",
            changed_at=str(form.get("changed_at") or ""),
        )

    def having(self, one: Named) -> Self:
        """Name somebody in a role, at the end; nobody is named twice in one."""
        if any((other.role, other.person_id) == (one.role, one.person_id) for other in self.people):
            return self
        return replace(self, people=[*self.people, one])

    def lacking(self, text: str) -> Self:
        """Take somebody out."""
        return replace(self, people=[other for other in self.people if other.text != text])

    def body(self, zone: tzinfo) -> dict[str, Any]:
        """Write what movies takes: numbers where digits were typed, else what was typed, for movies to refuse."""
        texts = self.texts
        countries = texts.get("countries", "").replace(",", " ").upper().split()
        return {
            "titles": {language: texts.get(f"title_{language}", "") for language in LANGUAGES},
            "descriptions": {language: texts.get(f"description_{language}", "") for language in LANGUAGES},
            "original_title": texts.get("original_title", ""),
            "year": _number(texts.get("year", "")),
            "countries": countries,
            "runtime_minutes": _number(texts.get("runtime_minutes", "")),
            "age": _number(texts.get("age", "")),
            "access": texts.get("access", ""),
            "rating": texts.get("rating", "").replace(",", ".") or None,
            "is_published": self.is_published,
            **{name: _moment(texts.get(name, ""), zone) for name in MOMENTS},
            "genre_ids": list(self.genre_ids),
            "credits": [{"person_id": one.person_id, "role": one.role} for one in self.people],
            "images": [{"kind": kind, "url": url} for kind, url in self.images],
            **({"changed_at": self.changed_at} if self.changed_at else {}),
        }


def faults_of(fields: Sequence[str], code: str) -> set[str]:
    """Name the fields of the form that movies found fault with; empty if it named none of them."""
    by_code = {"movies.genre_unknown": "genre_ids", "movies.person_unknown": "credits"}
    found = {by_code[code]} if code in by_code else set()
    for place in fields:
        word, _, rest = place.partition(".")
        language = f"_{rest}" if rest in LANGUAGES else ""
        found.add(f"{word.removesuffix('s')}{language}" if language else word)
    # a fault of the whole is that of the one rule which spans fields: the times must follow each other
    return {"available_until" if name == "body" else name for name in found}


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else text


def _moment(text: str, zone: tzinfo) -> str | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).isoformat() if text else None
    except ValueError:
        return text
