"""An editor at a desk: makes films, genres and people over HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

ADMIN = "/movies/api/v1/admin"


@dataclass(frozen=True)
class Desk:
    """Speaks to the doors for staff."""

    client: httpx.AsyncClient
    headers: dict[str, str]

    async def ask(self, method: str, path: str, **words: Any) -> httpx.Response:
        """Send a request as this editor."""
        headers = {**self.headers, **words.pop("headers", {})}
        return await self.client.request(method, f"{ADMIN}{path}", headers=headers, **words)

    async def genre(self, slug: str) -> str:
        """Give the id of one of the first genres."""
        answer = await self.ask("GET", "/genres")
        return next(str(genre["id"]) for genre in answer.json()["items"] if genre["slug"] == slug)

    async def person(self, en: str, ru: str = "") -> str:
        """Make a person."""
        answer = await self.ask("POST", "/persons", json={"names": {"en": en, "ru": ru or en}})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def film(
        self, title: str = "Stalker", *, genres: Sequence[str] = ("drama",), **changes: Any
    ) -> str:
        """Make a film that is live."""
        genre_ids = [await self.genre(slug) for slug in genres]
        answer = await self.ask("POST", "/films", json=film_body(title, genre_ids=genre_ids, **changes))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])


def film_body(title: str = "Stalker", **changes: Any) -> dict[str, Any]:
    """Give what is sent for a film."""
    return {
        "titles": {"ru": title, "en": title},
        "descriptions": {"ru": f"О фильме {title}.", "en": f"About {title}."},
        "original_title": title,
        "year": 1979,
        "countries": ["SU"],
        "runtime_minutes": 161,
        "age": 12,
        "access": "subscription",
        "rating": 8.1,
        "is_published": True,
        **changes,
    }
