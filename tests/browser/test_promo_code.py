"""A promo code typed in at the size of a phone and of a desk, without scripts: seen before paying, then paid."""

from pathlib import Path
from uuid import uuid4

from playwright.async_api import Browser

from tests.browser.test_purchase import PASSWORD, Device, device
from tests.browser.walk import Walk
from tests.factories.house import OpenHouse
from tests.factories.promo_codes import make_promo_code

__all__ = ["device"]


async def test_a_code_is_tried_until_nothing_is_left_to_pay(
    chromium: Browser, house: OpenHouse, device: Device, tmp_path: Path
) -> None:
    """M9: from a word that is none, to a third off, to the page that says paid."""
    third, whole = await make_promo_code(house, percent=33), await make_promo_code(house, percent=100)
    context = await chromium.new_context(
        base_url=house.url, viewport=device.size, locale=device.locale, java_script_enabled=False
    )
    walk = Walk(await context.new_page(), tmp_path, has_scripts=False)
    await walk.page.goto("/plans")
    await walk.press("a[href^='/order']")
    await walk.press("main a[href='/signup'], a[href='/signup']")
    login = f"vera-{uuid4().hex[:8]}"
    await walk.fill(login=login, email=f"{login}@example.com", password=PASSWORD)
    await walk.press("main form button")
    await walk.page.goto("/plans")
    await walk.look("plans")
    await walk.press("a[href^='/order']")
    await walk.look("order")
    await try_code(walk, "NO SUCH CODE")
    await walk.wait_for(".notice.bad")
    await walk.look("no-code")
    await try_code(walk, f" {third.lower()} ")
    await walk.wait_for("[data-total]", text="267")
    await walk.look("third-off")
    await try_code(walk, whole)
    await walk.wait_for("[data-total]", text="0")
    await walk.look("nothing-to-pay")
    await walk.press("form[action='/buy'] button")
    await walk.wait_for("section[data-status=paid]")
    await walk.look("paid")
    await walk.page.goto("/account/payments")
    await walk.look("payments")
    assert walk.faults == []
    await context.close()


async def try_code(walk: Walk, word: str) -> None:
    """Type a code in and ask what it makes of the total."""
    await walk.fill(promo_code=word)
    await walk.press("form.code button")
    await walk.arrive("promo_code=")
