"""Whole answers to what many ask, remembered as they were sent until the catalogue or the index changes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request, Response

from theatre.kit.clock import Clock
from theatre.kit.etags import tag_of, tagged
from theatre.kit.i18n import negotiate
from theatre.kit.memo import Memo
from theatre.movies.changes import Changes
from theatre.movies.search import SearchIndex

MAX_KEY_CHARACTERS = 1_000
# whether a page is the last may go by a film whose time is over, for so long
KEPT = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Of when an answer is: of which changes and, if it goes by the index, of which version of that."""

    changes: int
    version: str | None = None
    is_lasting: bool = True


@dataclass(frozen=True, slots=True)
class Remembered:
    """An answer that was given."""

    content: bytes
    tag: str
    stamp: Stamp
    until: datetime


class Answers:
    """The answers that a process remembers, by address and language."""

    def __init__(self, changes: Changes, index: SearchIndex, *, clock: Clock, max_bytes: int) -> None:
        self._changes = changes
        self._index = index
        self._clock = clock
        self._memo: Memo[Remembered] = Memo(max_bytes)
        self._under_way: dict[str, asyncio.Event] = {}

    def stamp(self, *, by_index: bool) -> Stamp:
        """Take a stamp; to be done before anything that the answer says is read."""
        version = self._index.version() if by_index else None
        return Stamp(self._changes.number, version, is_lasting=not by_index or version is not None)

    async def once(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Give the answer to a request again; if it is not known, one request finds it for all who ask meanwhile."""
        if found := self.find(request):
            return found
        key = _key(request, locale_of(request))
        earlier = self._under_way.get(key)
        if earlier is None:
            return await self._lead(key, answer(request))
        await earlier.wait()
        return self.find(request) or await answer(request)

    async def _lead(self, key: str, answering: Awaitable[Response]) -> Response:
        done = self._under_way[key] = asyncio.Event()
        try:
            return await answering
        finally:
            del self._under_way[key]
            done.set()

    def find(self, request: Request) -> Response | None:
        """Give the answer to a request again, if it would be the same."""
        locale = locale_of(request)
        kept = self._memo.get(_key(request, locale))
        if kept is None or not self._holds(kept.stamp) or kept.until <= self._clock.now():
            return None
        return tagged(request, kept.content, language=locale, tag=kept.tag)

    def _holds(self, stamp: Stamp) -> bool:
        if not self._changes.is_heard or stamp.changes != self._changes.number:
            return False
        return stamp.version is None or stamp.version == self._index.version()

    def give(
        self, request: Request, content: bytes, stamp: Stamp, *, until: datetime | None = None
    ) -> Response:
        """Answer, and remember it if nothing changed since the stamp; `until` is when a film of it is over."""
        locale, tag = locale_of(request), tag_of(content)
        key = _key(request, locale)
        if stamp.is_lasting and self._holds(stamp) and len(key) <= MAX_KEY_CHARACTERS:
            end = self._clock.now() + KEPT
            kept = Remembered(content, tag, stamp, end if until is None else min(end, until))
            self._memo.put(key, kept, len(content))
        return tagged(request, content, language=locale, tag=tag)


def locale_of(request: Request) -> str:
    """Choose the language of an answer by `Accept-Language`."""
    return negotiate(request.headers.get("accept-language", ""))


def _key(request: Request, locale: str) -> str:
    query: bytes = request.scope["query_string"]
    return f"{locale} {request.scope['path']}?{query.decode('latin-1')}"
