"""Films looked for in a real browser: letters typed into the search box, filters, more of them in place."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_purchase import DESK, Device, device
from tests.browser.walk import Walk
from tests.factories.house import OpenHouse

__all__ = ["device"]


async def test_a_film_is_looked_for_and_found(
    chromium: Browser, house: OpenHouse, device: Device, tmp_path: Path
) -> None:
    context = await chromium.new_context(
        base_url=house.url, viewport=device.size, locale=device.locale, reduced_motion="reduce"
    )
    walk = Walk(await context.new_page(), tmp_path)
    page = walk.page
    await page.goto("/films")
    await walk.look("catalogue")
    await walk.press("[data-more]")
    await expect(page.locator("#films > .card")).to_have_count(48)
    await expect(page.locator("#films > .card >> nth=24").locator("a")).to_be_focused()
    await expect(page.locator("[data-more]")).to_have_count(1)

    await page.locator("#search").press_sequentially("tarkovs")
    await walk.wait_for(".suggestions a")
    await walk.look("suggestions")
    assert await page.locator("[data-search-said]").inner_text() != ""
    await page.keyboard.press("ArrowDown")
    await expect(page.locator(".suggestions a").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator(".suggestions a")).to_have_count(0)
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.press("Enter")
    await walk.arrive("/films?query=tarkovs")
    await walk.look("found")

    await walk.press("summary")
    await walk.look("filters")
    await page.locator("#rating_from").select_option("8")
    await walk.press(".filters form button")
    await walk.arrive("rating_from=8")
    assert "genre=" not in page.url, "what was left empty is not part of the address"
    await walk.look("narrowed")
    assert walk.faults == []
    await context.close()


async def test_films_are_found_without_scripts(chromium: Browser, house: OpenHouse) -> None:
    context = await chromium.new_context(
        base_url=house.url, viewport=DESK.size, locale=DESK.locale, java_script_enabled=False
    )
    page = await context.new_page()
    await page.goto("/films?country=FR")
    await page.click("[data-more]")
    await page.wait_for_url("**cursor=**")
    await page.fill("#search", "сталкир")
    await page.press("#search", "Enter")
    await page.wait_for_url("**query=**")
    await expect(page.locator(".card")).to_have_count(1)
    await context.close()
