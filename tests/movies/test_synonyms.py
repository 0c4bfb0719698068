"""Other words for what viewers write: each variant is looked for as well, also after a typing error."""

import csv
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.movies import synonyms
from theatre.movies.search import Entry, Kind, Question
from theatre.movies.search.embedded import EmbeddedIndex
from theatre.movies.spelling import words_of
from theatre.movies.synonyms import MOST_VARIANTS, table, variants_of

ROWS = list(csv.DictReader(Path(synonyms.__file__).with_name("synonyms.csv").read_text("utf-8").splitlines()))


def said(text: str, *, is_forgiving: bool = False) -> list[str]:
    return [" ".join(words) for words in variants_of(words_of(text), is_forgiving=is_forgiving)]


@pytest.mark.parametrize(
    ("text", "also"),
    [
        ("lotr", "lord of the rings"),
        ("lotr", "властелин колец"),
        ("lotr two towers", "lord of the rings two towers"),
        ("godfather 2", "godfather ii"),
        ("godfather ii", "godfather 2"),
        ("godfather part two", "godfather ii"),
        ("крестный отец часть 2", "крестный отец 2"),
        ("тельма и луиза", "тельма луиза"),
        ("star wars 5", "звездные войны v"),
        ("ww2", "вторая мировая"),
    ],
)
def test_what_is_meant_may_be_said_in_other_words(text: str, also: str) -> None:
    assert said(text)[0] == " ".join(words_of(text))
    assert also in said(text)


@pytest.mark.parametrize("text", ["", "сталкер", "v", "x", "lotrs", "hand", "partner"])
def test_what_has_no_other_words_stays_alone(text: str) -> None:
    assert said(text) == [" ".join(words_of(text))]


@pytest.mark.parametrize("text", ["и", "and", "часть", "film"])
def test_of_a_text_something_is_left(text: str) -> None:
    assert said(text) == [text]


def test_other_words_are_known_by_a_misspelling_only_where_that_is_forgiven() -> None:
    assert "lord of the rings" not in said("lort")
    assert "lord of the rings" in said("lort", is_forgiving=True)
    assert "godfater 2" in said("godfater secnod", is_forgiving=True)
    assert said("sv", is_forgiving=True) == ["sv"]


def test_there_are_few_variants_however_many_words_have_others() -> None:
    assert len(said("lotr and star wars 2 3 4 5 6 7 8 9", is_forgiving=True)) == MOST_VARIANTS


@given(st.lists(st.sampled_from([*dict.fromkeys(row["written"] for row in ROWS), "other"]), max_size=12))
def test_no_variant_is_empty_or_told_twice(parts: list[str]) -> None:
    words = words_of(" ".join(parts))
    variants = variants_of(words)
    assert variants[0] == words
    assert len(set(variants)) == len(variants)
    assert all(variants) or not words


def test_the_table_says_nothing_twice_and_nothing_of_itself() -> None:
    pairs = [(words_of(row["written"]), words_of(row["meant"])) for row in ROWS]
    assert len(set(pairs)) == len(pairs) == sum(map(len, table().values()))
    assert all(written and written != meant for written, meant in pairs)


async def test_what_is_called_so_as_written_comes_before_what_is_called_so_too(tmp_path: Path) -> None:
    written, other = (Entry(Kind.FILM, uuid4(), (name,)) for name in ("Rocky 2", "Rocky II"))
    index = EmbeddedIndex(tmp_path)
    async with index.building() as build:
        await build.add([other, written])
        await build.switch()
    answer = await index.find(Question(Kind.FILM, "rocky 2", limit=5))
    assert (list(answer.ids), answer.corrected) == ([written.id, other.id], None)
    answer = await index.find(Question(Kind.FILM, "rocky ii", limit=5))
    assert list(answer.ids) == [other.id, written.id]
    answer = await index.find(Question(Kind.FILM, "rokcy two", limit=5))
    assert set(answer.ids) == {written.id, other.id}
    assert answer.corrected in ("rocky 2", "rocky ii")
    await index.close()
