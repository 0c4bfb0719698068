"""A film that really plays in Chromium: by itself, by hls.js, and on when the address of the stream had its time."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route

from tests.browser.test_purchase import DESK
from tests.browser.walk import Walk
from tests.factories.films import FREE_FILM
from tests.factories.house import OpenHouse

PLAYS = "() => { const v = document.querySelector('video'); return v.currentTime > 1 && v.videoWidth > 0; }"
PLAYS_NOTHING = "HTMLMediaElement.prototype.canPlayType = () => '';"
FORBIDDEN = 403


@pytest.fixture
async def walk(chromium: Browser, house: OpenHouse, tmp_path: Path) -> AsyncIterator[Walk]:
    """Somebody who is signed in."""
    context = await chromium.new_context(
        base_url=house.url, viewport=DESK.size, locale=DESK.locale, reduced_motion="reduce"
    )
    walk = Walk(await context.new_page(), tmp_path)
    await walk.page.goto(f"/signin?next=/films/{FREE_FILM}")
    await walk.fill(login="viewer", password="viewer")
    await walk.press("main form button")
    await walk.wait_for("article")
    yield walk
    await context.close()


async def play(page: Page) -> None:
    """Press play, as the browser's own button does: whether it comes to playing is seen by what is shown."""
    await page.evaluate("() => { document.querySelector('video').play().catch(() => {}); }")


async def test_a_film_plays(walk: Walk) -> None:
    await walk.look("film")
    await walk.press(".ways-in a.button")
    await walk.wait_for("video")
    assert await walk.page.evaluate("document.querySelector('video').paused"), "nothing plays unasked"
    await play(walk.page)
    await walk.page.wait_for_function(PLAYS)
    await walk.look("playing")
    assert walk.faults == []


async def test_a_film_plays_by_a_library_where_the_browser_cannot(walk: Walk) -> None:
    await walk.page.add_init_script(PLAYS_NOTHING)
    await walk.page.goto(f"/films/{FREE_FILM}/watch")
    await walk.page.wait_for_function("() => window.Hls && document.querySelector('video').duration > 0")
    await play(walk.page)
    await walk.page.wait_for_function(PLAYS)
    assert walk.faults == []


@pytest.mark.parametrize("by_library", [False, True], ids=["by-itself", "by-library"])
async def test_a_film_goes_on_from_the_same_second_with_another_address(walk: Walk, by_library: bool) -> None:
    """The address lets the first part through and then has had its time."""
    if by_library:
        await walk.page.add_init_script(PLAYS_NOTHING)
    asked: list[str] = []

    def has_asked(end: str) -> bool:
        return any(url.endswith(end) for url in asked)

    async def refuse_the_old(route: Route) -> None:
        if has_asked("/1.ts") and not has_asked(f"/films/{FREE_FILM}/stream"):
            await route.fulfill(status=FORBIDDEN, body="")
        else:
            await route.continue_()

    walk.page.on("request", lambda request: asked.append(request.url))
    await walk.page.route("**/streams/**", refuse_the_old)
    await walk.page.goto(f"/films/{FREE_FILM}/watch")
    await play(walk.page)
    await walk.page.wait_for_function("() => document.querySelector('video').currentTime > 5.5")
    assert has_asked(f"/films/{FREE_FILM}/stream")
    assert await walk.page.locator("[data-trouble]").is_hidden()
