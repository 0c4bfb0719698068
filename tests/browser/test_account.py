"""An account by hand: a card refused and another one, a plan that renews, given up and taken back, what was told, the
devices."""

from pathlib import Path
from uuid import uuid4

from playwright.async_api import Browser

from tests.browser.test_purchase import Device, device, join
from tests.browser.walk import Walk
from tests.factories.house import OpenHouse

__all__ = ["device"]

GOOD = {"card_number": "5555555555554444", "expiry_month": "12", "expiry_year": "2040", "cvc": "123"}
REFUSED = {**GOOD, "card_number": "5555555555554600"}


async def test_a_plan_is_bought_with_the_second_card_and_kept_in_order(
    chromium: Browser, house: OpenHouse, device: Device, tmp_path: Path
) -> None:
    context = await chromium.new_context(
        base_url=house.url,
        viewport=device.size,
        locale=device.locale,
        color_scheme="light",
        reduced_motion="reduce",
    )
    walk = Walk(await context.new_page(), tmp_path)
    await join(walk, f"olga-{uuid4().hex[:8]}")
    await walk.page.locator("input[name=save_method]").first.check()
    await walk.press("form[action='/buy'] button")
    await pay(walk, REFUSED)
    await walk.wait_for("section[data-status=unpaid] .notice.bad")
    await walk.look("refused")
    await walk.press("main form button")
    await pay(walk, GOOD)
    await walk.wait_for("section[data-status=paid]")
    await keep_in_order(walk)
    assert walk.faults == []
    await context.close()


async def pay(walk: Walk, card: dict[str, str]) -> None:
    """Fill in the payment system's page and come back."""
    await walk.arrive("/sandbox/checkout/")
    await walk.fill(**card)
    await walk.press("button[value=pay]")
    await walk.arrive("/return/")


async def keep_in_order(walk: Walk) -> None:
    """Cancel the plan and undo it, look at what was told and at the devices, remove the card."""
    await walk.page.goto("/account")
    await walk.wait_for("[data-outlook=charge]")
    await walk.press("details.remove summary")
    await walk.look("cancel")
    await walk.press("details.remove button")
    await walk.wait_for("[data-outlook=canceled]")
    await walk.look("canceled")
    await walk.press("form[action$='/resume'] button")
    await walk.wait_for("[data-outlook=charge]")
    await walk.page.goto("/account/notifications")
    await walk.wait_for(".letters .row")
    await walk.look("told")
    await walk.press("form[action$='/preferences'] button")
    await walk.wait_for(".notice.good")
    await walk.page.goto("/account/security")
    await walk.look("security")
    await walk.page.goto("/account/methods")
    await walk.press("details.remove summary")
    await walk.look("card")
    await walk.press("details.remove button")
    await walk.wait_for(".empty")
    await walk.page.goto("/account")
    await walk.wait_for("[data-outlook=ends]")
