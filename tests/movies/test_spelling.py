"""Spelling: what is the same word, how it sounds, what the same keys give on the other keyboard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from theatre.movies.highlights import spans_of
from theatre.movies.spelling import MAX_KEY_BYTES, fold, on_other_keyboard, sort_key, sound_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ёлки-палки", "елки палки"),
        ("Йод и майка", "йод и майка"),
        ("Йод", "йод"),
        ("Amélie Poulain", "amelie poulain"),
        ("Søren Ærø", "soren aero"),
        ("L'Eclisse", "leclisse"),
        ("Kin-dza-dza!", "kin dza dza"),
        ("WALL·E", "wall e"),
        ("Straße", "strasse"),
        ("ガメラ", "ガメラ"),
        ("snake_case", "snake case"),
        ("!?", ""),
    ],
)
def test_a_text_is_split_into_plain_words(text: str, words: str) -> None:
    assert " ".join(words_of(text)) == words


@pytest.mark.parametrize(
    "spellings",
    [
        ("брат", "brat", "bratt"),
        ("солярис", "solyaris", "soliaris", "solaris"),
        ("тарковский", "tarkovskiy", "tarkovskij", "tarkovski"),
        ("щелкунчик", "shchelkunchik", "schelkunchik"),
        ("хрусталев", "khrustalev", "hrustalyov"),
        ("цирк", "tsirk", "cirk"),
        ("жуков", "zhukov"),
    ],
    ids=lambda spellings: spellings[1],
)
def test_what_sounds_alike_is_one(spellings: tuple[str, ...]) -> None:
    assert len({sound_of(spelling) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("typed", "meant"), [("ghbdtn", "привет"), ("ьфекшч", "matrix"), (";tktpj", "железо")]
)
def test_the_other_keyboard_is_read(typed: str, meant: str) -> None:
    assert on_other_keyboard(typed) == meant


@given(st.text(max_size=300))
def test_any_text_has_a_key_that_a_cursor_can_carry(text: str) -> None:
    assert len(sort_key(text).encode(errors="surrogatepass")) <= MAX_KEY_BYTES
    assert fold(fold(text)) == fold(text)


def test_matches_are_marked_where_they_stand() -> None:
    assert spans_of("Крёстный отец", ("крестный",)) == [(0, 8)]
    assert spans_of("The Matrix Reloaded", ("matr", "reloded")) == [(4, 8), (11, 19)]
    assert spans_of("Брат 2", ("brat",)) == [(0, 4)]
    assert spans_of("Stalker", ("a",)) == []
