"""A purchase and its refund, walked through in a real browser at the size of a phone and of a desk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser, ViewportSize

from tests.browser.walk import Walk
from tests.factories.house import OpenHouse

LOOKS = 40
CARD = {"card_number": "5555555555554477", "expiry_month": "12", "expiry_year": "2040", "cvc": "123"}
PASSWORD = "the lights go down"


@dataclass(frozen=True)
class Device:
    """What somebody looks at us with, and the words that they read."""

    name: str
    size: ViewportSize
    locale: str
    may_watch: str
    money_back: str


PHONE = Device("phone", {"width": 390, "height": 844}, "ru-RU", "Подписка «Стандарт»", "деньги возвращены")
DESK = Device("desk", {"width": 1440, "height": 900}, "en-GB", "Standard plan", "money given back")


@pytest.fixture(params=[PHONE, DESK], ids=lambda device: device.name)
def device(request: pytest.FixtureRequest) -> Device:
    chosen: Device = request.param
    return chosen


@pytest.fixture
async def walk(chromium: Browser, house: OpenHouse, device: Device, tmp_path: Path) -> AsyncIterator[Walk]:
    context = await chromium.new_context(
        base_url=house.url, viewport=device.size, locale=device.locale, reduced_motion="reduce"
    )
    yield Walk(await context.new_page(), tmp_path)
    await context.close()


async def test_a_purchase_and_its_refund_by_hand(walk: Walk, device: Device) -> None:
    """From the front page to the letter, and all of the money back."""
    login = f"anna-{uuid4().hex[:8]}"
    await join(walk, login)
    await buy(walk)
    await pay_with_3d_secure(walk)
    await walk.wait_for("section[data-status=paid]")
    await walk.look("paid")
    await walk.page.goto("/account")
    await walk.wait_for(".row.right", text=device.may_watch)
    await walk.look("account")
    await find_letters(walk, login, count=3)
    await take_back(walk)
    await walk.wait_for(".payment .state", text=device.money_back)
    await walk.look("refunded")
    await find_letters(walk, login, count=4)
    assert walk.faults == []


async def join(walk: Walk, login: str) -> None:
    """Come in from the street and open an account."""
    await walk.page.goto("/")
    await walk.look("front")
    await walk.press("header a[href='/signup']")
    await walk.look("join")
    await walk.fill(login=login, email=f"{login}@example.com", password=PASSWORD)
    await walk.press("main form button")
    await walk.arrive("/plans")
    await walk.look("plans")


async def buy(walk: Walk) -> None:
    """Choose the first plan, with a nervous finger."""
    await walk.page.locator("form[action='/buy'] button").first.dblclick(no_wait_after=True)
    await walk.arrive("/sandbox/checkout/")
    await walk.look("payment-system")


async def pay_with_3d_secure(walk: Walk) -> None:
    """Pay on the payment system's page and confirm, as the bank asks."""
    await walk.fill(**CARD)
    await walk.press("button[value=pay]")
    await walk.arrive("/3ds")
    await walk.look("bank")
    await walk.fill(code="123456")
    await walk.press("button[value=confirm]")
    await walk.arrive("/return/")


async def take_back(walk: Walk) -> None:
    """Ask for the money back and look until it is there."""
    await walk.page.goto("/account/payments")
    assert await walk.page.locator("[data-payment]").count() == 1
    await walk.press("summary")
    await walk.look("payments")
    await walk.fill(reason="Not my kind of film")
    await walk.press(".refund form button")
    await walk.wait_for(".notice.good")
    for _ in range(LOOKS):
        if await walk.page.locator("[data-status=refunded]").count():
            return
        await walk.page.wait_for_timeout(250)
        await walk.page.goto("/account/payments")
    raise AssertionError("the money did not come back")


async def find_letters(walk: Walk, login: str, *, count: int) -> None:
    """Look into the mailbox until all letters have come."""
    for _ in range(LOOKS):
        answer = await walk.page.request.get(f"/mail/api/v1/messages?to={login}@example.com")
        if len((await answer.json())["items"]) >= count:
            await walk.page.goto("/mail")
            await walk.look("mailbox")
            return
        await walk.page.wait_for_timeout(250)
    raise AssertionError(f"fewer than {count} letters came")


async def test_pages_work_without_scripts(chromium: Browser, house: OpenHouse) -> None:
    context = await chromium.new_context(base_url=house.url, java_script_enabled=False, locale="en-GB")
    page = await context.new_page()
    await page.goto("/signup")
    login = f"quiet-{uuid4().hex[:8]}"
    for name, value in (("login", login), ("email", f"{login}@example.com"), ("password", PASSWORD)):
        await page.fill(f"#{name}", value)
    await page.click("main form button")
    await page.click("form[action='/buy'] button >> nth=0")
    await page.wait_for_url("**/sandbox/checkout/**")
    await context.close()


async def test_the_keyboard_alone_is_enough_to_sign_in(chromium: Browser, house: OpenHouse) -> None:
    context = await chromium.new_context(base_url=house.url, locale="en-GB")
    page = await context.new_page()
    await page.goto("/signin")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "skip"
    await page.locator("#login").focus()
    await page.keyboard.type("viewer")
    await page.keyboard.press("Tab")
    await page.keyboard.type("viewer")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/account")
    await context.close()
