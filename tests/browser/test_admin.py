"""The panel of staff in a real browser: a day's work at a desk, and a look at it from a phone."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, expect

from tests.browser.walk import Walk
from tests.factories.house import OpenHouse
from tests.factories.troubles import bury_fact, open_case
from tests.web.panel import employ, much_bought
from tests.web.visitor import PASSWORD, Visitor

pytestmark = pytest.mark.timeout(180)

DESK, PHONE = (1440, 900), (390, 844)
ROOMS = (
    ("payments", "refunds", "disputes", "cases"),
    ("users", "subscriptions", "products", "promo_codes"),
    ("ledger", "ledger/accounts", "reconciliation", "receipts"),
    ("reports/revenue", "reports/cohorts", "audit", "messages"),
    ("roles", "audit/accounts"),
)


@dataclass(frozen=True)
class Office:
    """Two members of staff at their desks, and a customer who has bought much."""

    first: Walk
    second: Walk
    customer: str
    payment_id: str


@pytest.fixture
async def office(chromium: Browser, house: OpenHouse, tmp_path: Path) -> AsyncIterator[Office]:
    visitors: list[Visitor] = []

    def make_visitor() -> Visitor:
        visitors.append(Visitor(house.doors, house.url))
        return visitors[-1]

    customer = await make_visitor().join()
    payment_id = await much_bought(customer)
    contexts, walks = [], []
    for place in range(2):
        staff = await employ(house, make_visitor, "finance")
        context = await open_context(chromium, house, DESK)
        contexts.append(context)
        walks.append(await seat(context, tmp_path / str(place), staff.login))
    yield Office(walks[0], walks[1], customer.login, payment_id)
    for context in contexts:
        await context.close()
    for visitor in visitors:
        await visitor.http.aclose()


async def open_context(
    chromium: Browser, house: OpenHouse, size: tuple[int, int], **more: str
) -> BrowserContext:
    return await chromium.new_context(
        base_url=house.url,
        viewport={"width": size[0], "height": size[1]},
        locale=more.pop("locale", "en-GB"),
        timezone_id="Europe/Moscow",
        reduced_motion="reduce",
        **more,  # type: ignore[arg-type]
    )


async def seat(context: BrowserContext, folder: Path, login: str, password: str = PASSWORD) -> Walk:
    """Sign somebody in at the panel."""
    walk = Walk(await context.new_page(), folder)
    await walk.page.goto("/signin?next=/admin")
    await walk.fill(login=login, password=password)
    zone = await walk.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    await walk.press("main form button")
    # the first page is loaded once more, in the zone of the browser
    await walk.wait_for(f"html[data-zone='{zone}'] main.desk")
    return walk


async def test_much_money_goes_back_by_four_eyes(office: Office) -> None:
    first, second = office.first, office.second
    await first.page.keyboard.press("/")
    await first.page.keyboard.type(f"{office.customer}@example.com")
    await first.page.keyboard.press("Enter")
    await first.arrive(f"/admin/payments/{office.payment_id}")
    await first.look("payment", is_dense=True)
    await first.press(f"a[href='/admin/payments/{office.payment_id}/refund']")
    await first.wait_for(".alert-wait", text="a second one must agree")
    await first.look("preview", is_dense=True)
    await first.fill(reason="Charged by mistake")
    await first.press("button.btn-danger")
    await first.wait_for(".alert-good", text="a second person must agree")
    await expect(first.page.locator("form[action$='/approve']")).to_have_count(0)
    await second.page.goto("/admin")
    await second.press("[data-waiting=refunds] a")
    row = f"tr:has(a[href='/admin/payments/{office.payment_id}'])"
    await second.press(f"{row} details.confirm:first-of-type summary")
    await second.look("queue", is_dense=True)
    await second.press(f"{row} form[action$='/approve'] button")
    await second.wait_for(".alert-good", text="Approved")
    await until_refunded(second, office.payment_id)
    assert [*first.faults, *second.faults] == []


async def test_a_customer_is_found_and_given_a_role(
    chromium: Browser, house: OpenHouse, tmp_path: Path
) -> None:
    customer = await Visitor(house.doors, house.url).join()
    context = await open_context(chromium, house, DESK)
    walk = await seat(context, tmp_path, "admin", "admin")
    await walk.page.goto("/admin/users")
    await walk.page.fill("#who", customer.login)
    await walk.look("people", is_dense=True)
    await walk.press("main .bar-find button")
    await walk.wait_for("#account", text=customer.login)
    await walk.press("form[action$='/roles'] >> xpath=../summary")
    await walk.page.select_option("#role", index=0)
    await walk.look("giving", is_dense=True)
    await walk.press("form[action$='/roles'] button")
    await walk.wait_for(".alert-good", text="The role is given")
    await walk.wait_for("form[action$='/take'] >> xpath=../summary", text="Take the role")
    await walk.page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    await walk.look("account", is_dense=True)
    assert walk.faults == []
    await customer.http.aclose()
    await context.close()


async def until_refunded(walk: Walk, payment_id: str) -> None:
    for _ in range(40):
        await walk.page.goto(f"/admin/payments/{payment_id}")
        if await walk.page.locator("h1[data-status=refunded]").count():
            return
        await walk.page.wait_for_timeout(250)
    raise AssertionError("the money did not go back")


async def test_a_days_work_at_a_desk(office: Office, house: OpenHouse) -> None:
    """A case closed, a dead message sent on, a new price in place of the old one; and the keys of the panel."""
    walk = office.first
    await close_a_case(walk, house)
    await send_a_message_on(walk, house)
    await put_a_price_in_place(walk)
    await walk.page.goto("/admin")
    await walk.wait_for(".chart canvas")
    await walk.look("overview", is_dense=True)
    await walk.page.keyboard.press("g")
    await walk.page.keyboard.press("p")
    await walk.arrive("/admin/payments")
    await walk.page.keyboard.press("j")
    await walk.page.keyboard.press("Enter")
    await walk.arrive("/admin/payments/0")
    assert walk.faults == []


async def close_a_case(walk: Walk, house: OpenHouse) -> None:
    case_id = await open_case(house.postgres_url)
    await walk.page.goto(f"/admin/cases/{case_id}")
    await walk.press("details.confirm summary")
    await walk.page.fill("#note", "The register was told our number")
    await walk.look("case", is_dense=True)
    await walk.press("form[action$='/resolve'] button")
    await walk.wait_for(".alert-good", text="Closed")


async def send_a_message_on(walk: Walk, house: OpenHouse) -> None:
    message_id = await bury_fact(house.postgres_url)
    await walk.page.goto("/admin/messages")
    await walk.press(f"tr[data-message='{message_id}'] details.confirm summary")
    await walk.look("message", is_dense=True)
    await walk.press(f"tr[data-message='{message_id}'] form button")
    await walk.wait_for(".alert-good", text="on its way again")


async def put_a_price_in_place(walk: Walk) -> None:
    await walk.page.goto("/admin/products")
    card = "section[data-product=metropolis-film]"
    old = await walk.page.locator(f"{card} tr[data-price]").first.get_attribute("data-price")
    await walk.press(f"{card} .card-body > details.confirm summary")
    await walk.page.fill("#amount-metropolis-film", "299.00")
    await walk.look("price", is_dense=True)
    await walk.press(f"{card} form[action='/admin/prices'] button")
    await walk.wait_for(".alert-good", text="The price is added")
    await walk.press(f"tr[data-price='{old}'] summary")
    await walk.press(f"tr[data-price='{old}'] form button")
    await walk.wait_for(".alert-good", text="The price is off")


@pytest.mark.parametrize("rooms", ROOMS, ids=lambda rooms: rooms[0].partition("/")[0])
async def test_every_room_fits_a_phone_and_keeps_nobody_out(
    chromium: Browser, house: OpenHouse, tmp_path: Path, rooms: tuple[str, ...]
) -> None:
    context = await open_context(chromium, house, PHONE, locale="ru-RU", color_scheme="dark")
    walk = await seat(context, tmp_path, "admin", "admin")
    await walk.press("a[href='#rooms']")
    await walk.wait_for("#rooms")
    for room in rooms:
        await walk.page.goto(f"/admin/{room}")
        await walk.look(room.replace("/", "-"), is_dense=True)
    assert walk.faults == []
    await context.close()


async def test_the_panel_works_without_scripts(chromium: Browser, house: OpenHouse, tmp_path: Path) -> None:
    context = await chromium.new_context(base_url=house.url, java_script_enabled=False, locale="en-GB")
    walk = await seat(context, tmp_path, "admin", "admin")
    await walk.page.goto("/admin/payments")
    await walk.page.select_option("#f-status", "paid")
    await walk.press(".filters button")
    await walk.arrive("status=paid")
    await walk.page.fill("#find", "nobody@example.com")
    await walk.press(".bar-find button")
    await walk.wait_for(".alert-bad", text="Nothing is found")
    await context.close()
