"""Those who write to customers, in a real browser: a letter seen before it goes, a mailing counted before it goes."""

from pathlib import Path

from playwright.async_api import Browser, expect

from tests.browser.test_admin import DESK, PHONE, open_context, seat
from tests.browser.walk import Walk
from tests.factories.house import OpenHouse

DRAFT = "/admin/templates/new_device/draft"


async def test_a_letter_is_seen_before_it_goes_and_a_mailing_counted(
    chromium: Browser, house: OpenHouse, tmp_path: Path
) -> None:
    context = await open_context(chromium, house, DESK)
    # the zone is known already, so no page loads itself anew while we go on
    await context.add_cookies([{"name": "zone", "value": "Europe/Moscow", "url": house.url}])
    walk = await seat(context, tmp_path, "admin", "admin")
    await change_a_letter(walk)
    await make_a_mailing(walk)
    await walk.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    for path in ("/admin/templates/new_device", DRAFT, "/admin/mailings/new", "/admin/deliveries"):
        await walk.page.goto(path)
        await walk.look(f"phone{path.replace('/', '-')}", is_dense=True)
    assert walk.faults == []
    await context.close()


async def change_a_letter(walk: Walk) -> None:
    await walk.page.goto(DRAFT)
    await walk.page.fill("#subject_en", "Was it you?")
    await walk.press("#draft button.btn-primary")
    await walk.wait_for("[data-subject=en]", text="Was it you?")
    for locale in ("ru", "en"):
        letter = walk.page.frame_locator(f"iframe[name=letter-{locale}]").locator("table").first
        await expect(letter).to_be_visible()
    await walk.look("preview", is_dense=True)
    await walk.press("button[name=activate][value=true]")
    await walk.wait_for(".alert-good", text="letters now read like this")
    await walk.look("template", is_dense=True)


async def make_a_mailing(walk: Walk) -> None:
    await walk.page.goto("/admin/mailings/new")
    words = {
        "name": "Spring",
        "title_ru": "Весна",
        "title_en": "Spring is here",
        "starts_at": "2040-01-02T03:04",
    }
    await walk.fill(**words)
    for locale in ("ru", "en"):
        await walk.page.fill(f"#text_{locale}", "10 %")
    await walk.press("form[action='/admin/mailings/count'] button.btn-primary")
    await walk.wait_for("[data-total]")
    await walk.look("count", is_dense=True)
    await walk.press("form[action='/admin/mailings'] button.btn-primary")
    await walk.wait_for("h1[data-status=scheduled]", text="Spring")
    await walk.look("mailing", is_dense=True)
