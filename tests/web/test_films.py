"""The catalogue as anybody sees it: in orders, narrowed, searched; in either language, without a script."""

import re

import pytest

from tests.factories.films import FILM_FOR_SALE
from tests.web.visitor import Page, Visitor

CARD = re.compile(r"^/films/[0-9a-f-]{36}$")


def films_of(page: Page) -> list[str]:
    """Give the films that a page lists, by their addresses."""
    return [str(given["href"]) for given in page.all("a") if CARD.match(given.get("href") or "")]


def ids_of_genres(page: Page) -> list[str]:
    return [str(given["value"]) for given in page.all("input") if given.get("name") == "genre"]


async def test_the_best_rated_films_come_first_with_posters_that_keep_their_place(visitor: Visitor) -> None:
    page = await visitor.open("/films")
    assert (page.status, len(films_of(page))) == (200, 24)
    assert "The Shawshank Redemption" in page.text
    posters = [given for given in page.all("img") if "poster.svg" in (given["src"] or "")]
    assert len(posters) == 24
    for given in posters:
        assert (given["width"], given["height"], given["loading"]) == ("400", "600", "lazy")
        assert (await visitor.http.get(str(posters[0]["src"]))).headers["content-type"] == "image/svg+xml"


async def test_the_list_goes_on_by_a_link_until_its_end_and_names_no_film_twice(visitor: Visitor) -> None:
    page = await visitor.open("/films?country=FR&sort=title")
    seen = films_of(page)
    while more := [str(given["href"]) for given in page.all("a") if "data-more" in given]:
        page = await visitor.open(more[0])
        seen += films_of(page)
    assert len(seen) > 24
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("query", "there", "missing"),
    [
        ("country=SU&year_from=1979&year_to=1979", "Stalker", "Metropolis"),
        ("year_to=1927&rating_from=8", "Metropolis", "Stalker"),
        ("runtime=short&year_to=1930", "Man with a Movie Camera", "Metropolis"),
        ("age_to=0&year_to=1930", "Man with a Movie Camera", "Metropolis"),
        ("access=purchase", "", "The Shawshank Redemption"),
        ("sort=year", "Man with a Movie Camera", "The Shawshank Redemption"),
    ],
)
async def test_films_are_narrowed_and_ordered_as_the_address_says(
    visitor: Visitor, query: str, there: str, missing: str
) -> None:
    page = await visitor.open(f"/films?{query}")
    assert page.status == 200
    assert there in page.text
    assert missing not in page.text


async def test_of_several_genres_any_will_do(visitor: Visitor) -> None:
    first, second = ids_of_genres(await visitor.open("/films"))[:2]
    narrow = "year_to=1930"
    apart = [set(films_of(await visitor.open(f"/films?{narrow}&genre={one}"))) for one in (first, second)]
    both = films_of(await visitor.open(f"/films?{narrow}&genre={first}&genre={second}"))
    assert set(both) == apart[0] | apart[1]


async def test_an_address_is_shared_without_what_a_form_left_empty(visitor: Visitor) -> None:
    answer = await visitor.http.get("/films?query=&sort=title&access=&genre=&year_from=1960&country=")
    assert (answer.status_code, answer.headers["location"]) == (303, "/films?year_from=1960&sort=title")


async def test_each_filter_can_be_given_up_by_a_link(visitor: Visitor) -> None:
    page = await visitor.open("/films?country=FR&year_from=1960&rating_from=8")
    without = {given["aria-label"]: given["href"] for given in page.all("a") if "aria-label" in given}
    assert without["Without the filter: France"] == "/films?year_from=1960&rating_from=8"
    assert without["Without the filter: 8 or better"] == "/films?country=FR&year_from=1960"


@pytest.mark.parametrize("query", ["year_from=soon", "sort=weight", "genre=drama", "country=france"])
async def test_an_address_that_cannot_be_is_a_page_that_says_so(visitor: Visitor, query: str) -> None:
    page = await visitor.open(f"/films?{query}")
    assert (page.status, "not acceptable" in page.text) == (422, True)


async def test_a_cursor_that_is_none_is_not_understood(visitor: Visitor) -> None:
    assert (await visitor.open("/films?cursor=nonsense")).status in {400, 409}


@pytest.mark.parametrize("words", ["сталкир", "stalkre", "cnfkrth"])
async def test_slips_and_a_wrong_keyboard_are_forgiven_and_told(visitor: Visitor, words: str) -> None:
    page = await visitor.open(f"/films?query={words}")
    assert "Stalker" in page.text
    assert "Corrected" in page.text
    assert "1 film" in page.text


async def test_what_was_looked_for_is_marked_in_titles_and_names(visitor: Visitor) -> None:
    html = (await visitor.http.get("/films?query=stalker")).text
    assert "<mark>Stalker</mark>" in html
    assert 'value="stalker"' in html
    assert "<mark>Tarkovsky</mark>" in (await visitor.http.get("/films?query=tarkovsky")).text


async def test_words_of_a_visitor_are_never_part_of_the_page(visitor: Visitor) -> None:
    evil = '"><script>alert(1)</script>'
    for path in ("/films", "/suggest"):
        html = (await visitor.http.get(path, params={"query": evil})).text
        assert "<script>alert" not in html
        assert '"><' + "script" not in html.replace("</head>", "")


async def test_where_nothing_is_found_a_way_on_is_shown(visitor: Visitor) -> None:
    page = await visitor.open("/films?query=stalker&year_from=2020")
    assert films_of(page) == []
    assert "Nothing was found" in page.text
    ways = [given["href"] for given in page.all("a")]
    assert "/films?query=stalker" in ways


async def test_letters_become_films_people_and_genres(visitor: Visitor) -> None:
    html = (await visitor.http.get("/suggest?query=dra")).text
    assert "<html" not in html
    assert re.search(r'href="/films\?genre=[0-9a-f-]{36}"><span><mark>Dra</mark>ma', html)
    page = Page(await visitor.http.get("/suggest?query=tarkovs"))
    assert [given["href"] for given in page.all("a") if str(given["href"]).startswith("/persons/")]
    assert films_of(page)


@pytest.mark.parametrize("letters", ["", "%20%20"])
async def test_no_letters_become_nothing(visitor: Visitor, letters: str) -> None:
    answer = await visitor.http.get(f"/suggest?query={letters}")
    assert (answer.status_code, answer.text.strip()) == (200, "")


async def test_the_catalogue_speaks_russian(visitor: Visitor) -> None:
    visitor.http.headers["Accept-Language"] = "ru"
    page = await visitor.open("/films?country=SU&year_from=1979&year_to=1979&rating_from=8")
    for shown in ("Сталкер", "8,1", "СССР", "фантастика"):
        assert shown in page.text


async def test_the_front_page_leads_to_films_and_what_is_sold_to_its_film(visitor: Visitor) -> None:
    page = await visitor.open("/")
    assert len(films_of(page)) >= 12
    links = [given.get("href") for given in page.all("a")]
    assert f"/films/{FILM_FOR_SALE}" in links
    assert {"/films", "/films?sort=-published"} <= set(links)
    for title in ("The best rated", "New on our screen"):
        assert title in page.text
