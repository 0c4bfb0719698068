"""What stands in the address of a list of films, what is marked, which pictures are shown: pure rules."""

from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from theatre.web.film_filters import FILMS_SHOWN, Choices, Wanted
from theatre.web.marks import cut
from theatre.web.pictures import poster_of

DRAMA, COMEDY = UUID(int=1), UUID(int=2)


def test_what_is_not_named_is_not_asked_for() -> None:
    assert Wanted().params() == {"sort": "-rating", "limit": str(FILMS_SHOWN)}
    assert Wanted().address() == "/films"
    assert Wanted.model_validate({"query": "", "access": "", "year_from": ""}) == Wanted()


def test_every_filter_is_asked_of_movies_in_its_words() -> None:
    wanted = Wanted.model_validate(
        {
            "genre": [str(DRAMA), str(COMEDY)],
            "access": "free",
            "country": "FR",
            "year_from": "1960",
            "year_to": "1969",
            "age_to": "0",
            "runtime": "medium",
            "rating_from": "8",
            "sort": "title",
        }
    )
    assert wanted.params() == {
        "any_genre": [str(DRAMA), str(COMEDY)],
        "access": "free",
        "country": "FR",
        "year_from": "1960",
        "year_to": "1969",
        "age_to": "0",
        "runtime_from": "91",
        "runtime_to": "120",
        "rating_from": "8",
        "sort": "title",
        "limit": str(FILMS_SHOWN),
    }


def test_what_is_looked_for_by_words_comes_in_no_other_order() -> None:
    params = Wanted(query="stalker", sort="title").params()
    assert (params["query"], "sort" in params) == ("stalker", False)


def test_a_change_begins_the_list_anew_and_leaves_the_rest() -> None:
    wanted = Wanted(query="a&b=c", genre=[DRAMA, COMEDY], cursor="abc")
    assert wanted.address(access="free") == f"/films?query=a%26b%3Dc&genre={DRAMA}&genre={COMEDY}&access=free"
    assert wanted.without_genre(DRAMA) == f"/films?query=a%26b%3Dc&genre={COMEDY}"
    assert wanted.address(cursor="next").endswith("&cursor=next")
    assert wanted.cleared() == "/films?query=a%26b%3Dc"


@pytest.mark.parametrize(
    "rubbish",
    [
        {"year_from": "soon"},
        {"age_to": "-1"},
        {"country": "fr"},
        {"sort": "weight"},
        {"genre": ["drama"]},
        {"genre": [str(DRAMA)] * 11},
        {"query": "x" * 201},
        {"query": "\x00"},
    ],
    ids=str,
)
def test_rubbish_is_refused(rubbish: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Wanted.model_validate(rubbish)


def test_only_what_there_are_films_of_can_be_chosen_and_what_is_chosen_can_be_given_up() -> None:
    choices = Choices({"genre": {"drama": 3}})
    found = choices.options("genre", ["drama", "comedy", "war"], ["war"])
    assert [(one.value, one.count, one.is_chosen) for one in found] == [
        ("drama", 3, False),
        ("war", 0, True),
    ]


def test_where_nothing_is_counted_all_can_be_chosen() -> None:
    found = Choices({}).options("genre", ["drama", "war"], [])
    assert [(one.value, one.count) for one in found] == [("drama", None), ("war", None)]
    assert Choices({}).decades() == []


def test_decades_come_from_the_latest_and_words_that_are_none_do_no_harm() -> None:
    choices = Choices({"decade": {"1960": 2, "2000": 1, "old": 4}})
    assert choices.decades() == [(2000, 2009, 1), (1960, 1969, 2)]


@pytest.mark.parametrize(
    ("text", "spans", "pieces"),
    [
        ("Stalker", [(0, 5)], [("Stalk", True), ("er", False)]),
        ("Andrei Tarkovsky", [(7, 10)], [("Andrei ", False), ("Tar", True), ("kovsky", False)]),
        ("abc", [(0, 2), (1, 3)], [("ab", True), ("c", True)]),
        ("abc", [(2, 90), (-5, 1)], [("a", True), ("b", False), ("c", True)]),
        ("abc", [(2, 1), (7, 9)], [("abc", False)]),
        ("", [(0, 1)], []),
    ],
)
def test_a_text_is_cut_where_it_matches(
    text: str, spans: list[tuple[int, int]], pieces: list[tuple[str, bool]]
) -> None:
    assert cut(text, spans) == pieces


@dataclass(frozen=True)
class Poster:
    id: UUID
    poster_url: str


@pytest.mark.parametrize(
    ("address", "is_shown"),
    [
        ("/movies/poster.svg", True),
        ("https://images.example/a.jpg", True),
        ("https://images.example.evil.example/a.jpg", False),
        ("http://images.example/a.jpg", False),
        ("//images.example/a.jpg", False),
        ("javascript:1", False),
    ],
)
def test_a_poster_from_elsewhere_is_shown_only_from_where_the_operator_said(
    address: str, is_shown: bool
) -> None:
    film = Poster(uuid4(), address)
    shown = poster_of(film, ["https://images.example"])
    assert shown == (address if is_shown else f"/movies/api/v1/films/{film.id}/poster.svg")
