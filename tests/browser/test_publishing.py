"""A film written and published by an editor in a real browser, found by anybody within seconds."""

import time
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser

from tests.browser.test_purchase import DESK, PHONE, Device
from tests.browser.walk import Walk
from tests.factories.house import OpenHouse

PATIENCE_SECONDS = 20
"""The index follows within two seconds; a machine that has much else to do takes its time."""


@pytest.mark.parametrize("device", [PHONE, DESK], ids=lambda device: device.name)
async def test_a_film_is_written_published_and_found(
    chromium: Browser, house: OpenHouse, device: Device, tmp_path: Path
) -> None:
    context = await chromium.new_context(
        base_url=house.url, viewport=device.size, locale=device.locale, reduced_motion="reduce"
    )
    walk = Walk(await context.new_page(), tmp_path)
    page = walk.page
    await page.goto("/signin?next=/admin/films")
    await walk.fill(login="admin", password="admin")
    await walk.press("main form button")
    await walk.wait_for("table")
    await page.goto("/admin/films/new")
    word = f"Zefirka{uuid4().hex[:6]}"
    for language in ("ru", "en"):
        await page.fill(f"#title_{language}", f"{word} {language}")
        await page.fill(f"#description_{language}", "A film of our own.")
    await page.fill("#original_title", word)
    await page.fill("#year", "2020")
    await page.fill("#countries", "FR")
    await page.fill("#runtime_minutes", "90")
    await walk.press("input[name=genre]")
    await page.fill("#person_name", "Bergman")
    await walk.press("button[value=find]")
    await walk.press("button[value^='add director']")
    await walk.wait_for(".named input[name=credit] >> xpath=..")
    await walk.look("written", is_dense=device is DESK)
    await walk.press("form.writing > p.acts button")
    await walk.wait_for(".alert-good")
    await walk.press(".acts summary")
    await walk.look("asked-once-more", is_dense=device is DESK)
    await walk.press(".confirm[open] button")
    await walk.wait_for(".badge.tone-good")

    published = time.monotonic()
    while True:
        await page.goto(f"/films?query={word}")
        if await page.locator(".card").count():
            break
        assert time.monotonic() - published < PATIENCE_SECONDS, "it is not found"
    await walk.look("found")
    await walk.press(".card a")
    await walk.wait_for("article h1", text=word)
    assert walk.faults == []
    await context.close()
