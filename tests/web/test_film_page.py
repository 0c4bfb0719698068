"""A film's page and its screen: for anybody, with a right and without; people, and what is not there."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tests.factories.films import FILM_FOR_SALE, FREE_FILM, make_film
from tests.factories.house import OpenHouse
from tests.factories.promo_codes import make_promo_code
from tests.web.visitor import Page, Visitor
from theatre.web.film_schemas import Film, Person
from theatre.web.showings import credits_of

STALKER = "0197a000-0000-7000-8000-000000000203"


def values(page: Page, word: str) -> list[str]:
    """Give the values of an attribute wherever it stands."""
    return [str(given[word]) for _, given in page.tags if word in given]


async def buy_with_nothing_left_to_pay(member: Visitor, house: OpenHouse, path: str) -> None:
    """Press the first button that a page offers, with a code that pays for it."""
    word = await make_promo_code(house, percent=100)
    form = (await member.open(path)).form("/buy")
    answer = await member.send(form, promo_code=word)
    assert answer.headers["location"].startswith("/return/"), answer.text


async def test_a_stranger_sees_what_a_film_is_and_what_opens_it(visitor: Visitor) -> None:
    page = await visitor.open(f"/films/{FILM_FOR_SALE}")
    assert page.status == 200
    for shown in ("Metropolis", "1927", "Germany", "2 h 33 min", "12+", "8.2", "Fritz Lang", "Brigitte Helm"):
        assert shown in page.text
    for price in ("Buy for ₽299", "Choose for ₽399 per month", "Choose for ₽3,990 per year"):
        assert price in page.text
    assert "Man with a Movie Camera — to rent" not in page.text, "another film's rent does not open this one"
    assert values(page, "data-may-watch") == ["no"]
    assert f"/films/{FILM_FOR_SALE}/watch" not in values(page, "href")
    assert any(value.startswith("/films?genre=") for value in values(page, "href"))


async def test_search_engines_are_told_which_page_it_is(visitor: Visitor, house: OpenHouse) -> None:
    page = await visitor.open(f"/films/{STALKER}?from=elsewhere")
    links = {given["rel"]: given["href"] for given in page.all("link")}
    assert links["canonical"] == f"{house.url}/films/{STALKER}"
    meta = {given.get("name"): given.get("content") for given in page.all("meta")}
    assert meta["description"] == "A guide leads a writer and a professor to a room that grants wishes."
    assert {"name", "director", "duration", "contentRating"} <= set(values(page, "itemprop"))


async def test_a_film_is_shown_in_the_visitors_language_with_its_own_title(visitor: Visitor) -> None:
    assert "Сталкер" in (await visitor.open(f"/films/{STALKER}")).text
    visitor.http.headers["Accept-Language"] = "ru"
    page = await visitor.open(f"/films/{STALKER}")
    for shown in ("СССР", "2 ч 41 мин", "Режиссёр", "Андрей Тарковский", "Вам может понравиться"):
        assert shown in page.text
    assert "itemprop='alternateName'" not in page.text


async def test_films_like_it_come_with_their_reason(visitor: Visitor) -> None:
    assert "Director: Andrei Tarkovsky" in (await visitor.open(f"/films/{STALKER}")).text


@pytest.mark.parametrize("path", ["/films/{}", "/persons/{}"])
async def test_what_there_is_not_has_a_page_that_says_so(visitor: Visitor, path: str) -> None:
    page = await visitor.open(path.format(uuid4()))
    assert (page.status, "No such seat" in page.text) == (404, True)
    assert (await visitor.open(path.format("stalker"))).status == 422


async def test_a_film_that_is_not_or_no_more_for_the_public_is_not_there(
    member: Visitor, house: OpenHouse
) -> None:
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    hidden = await make_film(house, "Hidden", is_published=False)
    gone = await make_film(house, "Gone", available_until=past)
    for film_id in (hidden, gone):
        for path in (f"/films/{film_id}", f"/films/{film_id}/watch"):
            assert (await member.open(path)).status == 404
        answer = await member.http.get(f"/films/{film_id}/stream", headers={"Accept": "application/json"})
        assert answer.status_code == 404


async def test_a_film_says_when_its_time_begins_and_is_not_played_before(
    member: Visitor, house: OpenHouse
) -> None:
    film_id = await make_film(house, "Tomorrow", access="free", available_from="2100-03-05T00:00:00Z")
    page = await member.open(f"/films/{film_id}")
    assert "5 March 2100" in page.text.replace("\u00a0", " ")
    assert f"/films/{film_id}/watch" not in values(page, "href")
    screen = await member.open(f"/films/{film_id}/watch")
    assert (screen.status, list(screen.all("video"))) == (200, [])
    assert "5 March 2100" in screen.text.replace("\u00a0", " ")


async def test_who_is_not_signed_in_signs_in_and_comes_back_to_the_screen(visitor: Visitor) -> None:
    answer = await visitor.http.get(f"/films/{FREE_FILM}/watch")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"/signin?next=/films/{FREE_FILM}/watch",
    )
    program = await visitor.http.get(f"/films/{FREE_FILM}/stream", headers={"Accept": "application/json"})
    assert program.status_code == 401


async def test_a_free_film_is_played_for_whoever_is_signed_in(member: Visitor) -> None:
    assert f"/films/{FREE_FILM}/watch" in values(await member.open(f"/films/{FREE_FILM}"), "href")
    page = await member.open(f"/films/{FREE_FILM}/watch")
    (video,) = page.all("video")
    assert {"controls", "playsinline", "poster"} <= video.keys()
    assert "autoplay" not in video
    assert (await member.http.get(str(video["src"]))).text.startswith("#EXTM3U")
    again = (await member.http.get(str(video["data-again"]), headers={"Accept": "application/json"})).json()
    assert (await member.http.get(again["url"])).text.startswith("#EXTM3U")


async def test_without_a_right_the_screen_shows_what_would_open_it_until_it_is_bought(
    member: Visitor, house: OpenHouse
) -> None:
    screen = f"/films/{FILM_FOR_SALE}/watch"
    shut = await member.open(screen)
    assert (shut.status, list(shut.all("video"))) == (402, [])
    assert "Buy for ₽299" in shut.text
    answer = await member.http.get(f"/films/{FILM_FOR_SALE}/stream", headers={"Accept": "application/json"})
    assert answer.status_code == 409

    await buy_with_nothing_left_to_pay(member, house, screen)
    page = await member.open(f"/films/{FILM_FOR_SALE}")
    assert values(page, "data-may-watch") == ["yes"]
    assert "Buy for" not in page.text
    assert len(list((await member.open(screen)).all("video"))) == 1
    assert (await member.open(f"/films/{STALKER}/watch")).status == 402, "one film opens no other"


async def test_a_plan_opens_every_film(member: Visitor, house: OpenHouse) -> None:
    await buy_with_nothing_left_to_pay(member, house, f"/films/{STALKER}/watch")
    for film_id in (STALKER, FILM_FOR_SALE):
        assert (await member.open(f"/films/{film_id}/watch")).status == 200


async def test_a_session_that_is_none_shows_the_page_of_a_stranger(visitor: Visitor) -> None:
    visitor.http.cookies.set("theatre_refresh", "nonsense")
    page = await visitor.open(f"/films/{STALKER}")
    assert (page.status, values(page, "data-may-watch")) == (200, ["no"])


async def test_a_persons_films_come_by_what_they_did(visitor: Visitor) -> None:
    film = await visitor.open(f"/films/{STALKER}")
    person = next(value for value in values(film, "href") if value.startswith("/persons/"))
    page = await visitor.open(person)
    assert page.status == 200
    for shown in ("Andrei Tarkovsky", "Director", "Writer", "Stalker", "Mirror"):
        assert shown in page.text
    assert (await visitor.open(f"{person}?cursor=nonsense")).status in {400, 409}


def test_roles_that_somebody_never_had_are_left_out() -> None:
    person, other = Person(id=uuid4(), name="Anna"), Person(id=uuid4(), name="Boris")
    fields = {"original_title": "", "description": "", "year": 2000, "countries": [], "runtime_minutes": 1}
    film = Film(
        id=uuid4(), title="A", age_rating="0+", genres=[], access="free", poster_url="/", writers=[person],
        actors=[person, other], **fields,
    )  # fmt: skip
    assert credits_of(person, [film]) == {"writer": [film], "actor": [film]}
    assert credits_of(other, []) == {}
