"""The ways in which a text may be meant, the likeliest first: as written, typed on the other keyboard, misspelt."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from theatre.movies.spelling import on_other_keyboard, words_of
from theatre.movies.synonyms import Words, variants_of

MAX_WORDS = 12


@dataclass(frozen=True)
class Reading:
    """Words that a text is read as; `is_forgiving` lets them be misspelt, `may_lack` lets all but one be missing."""

    words: Words
    is_as_written: bool = False
    is_forgiving: bool = False
    may_lack: bool = False

    @cached_property
    def variants(self) -> list[Words]:
        """The words, and the ways to say the same otherwise: what any of them finds is found, the nearest first."""
        return [self.words] if self.may_lack else variants_of(self.words, is_forgiving=self.is_forgiving)


def read_words(text: str) -> Words:
    """Give the words of a text that are looked for."""
    return words_of(text)[:MAX_WORDS]


def list_readings(text: str) -> Iterator[Reading]:
    """Give the readings of a text, each tried only if none before it finds anything."""
    written = read_words(text)
    yield Reading(written, is_as_written=True)
    if not written:
        return
    other = read_words(on_other_keyboard(text))
    for may_lack in (False, True):
        if other and not may_lack:
            yield Reading(other)
        yield Reading(written, is_forgiving=True, may_lack=may_lack)
        if other:
            yield Reading(other, is_forgiving=True, may_lack=may_lack)
