"""Staff in front of the panel, and what they find there."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from tests.factories.house import OpenHouse
from tests.factories.staff import hire
from tests.web.test_buying import CARD, newest_id, outcome_of, pay, press_buy
from tests.web.visitor import PASSWORD, Form, Page, Visitor

MakeStaff = Callable[[str], Awaitable[Visitor]]


async def sign_in(visitor: Visitor, login: str, password: str = PASSWORD) -> Visitor:
    """Start a session."""
    answer = await visitor.submit("/signin?next=/admin", "/signin", login=login, password=password)
    assert answer.status_code == 303, answer.text
    return visitor


async def employ(house: OpenHouse, make_visitor: Callable[[], Visitor], role: str) -> Visitor:
    """Open an account, give it a role, and sign in."""
    somebody = await make_visitor().join()
    await hire(house.postgres_url, somebody.login, role)
    staff = make_visitor()
    staff.login = somebody.login
    return await sign_in(staff, somebody.login)


async def bought(member: Visitor) -> str:
    """Buy the first plan and pay it; gives the payment."""
    start = await press_buy(member)
    payment_id = await newest_id(member)
    await pay(member, start.headers["location"], CARD)
    await outcome_of(member, payment_id, "paid")
    return payment_id


async def much_bought(member: Visitor) -> str:
    """Buy so much at once that nobody of staff gives it back alone, and pay it; gives the payment."""
    plans = (await member.http.get("/billing/api/v1/products")).json()["items"]
    dearest = max(
        (price for plan in plans for price in plan["prices"]), key=lambda it: float(it["amount"]["amount"])
    )
    headers = {"Authorization": f"Bearer {member.cookie('access')}", "Idempotency-Key": str(uuid4())}
    wish = {"items": [{"price_id": dearest["id"], "quantity": 4}]}
    made = await member.http.post("/billing/api/v1/payments", json=wish, headers=headers)
    payment_id: str = made.json()["id"]
    start = await member.submit("/account/payments", f"{payment_id}/pay")
    await pay(member, start.headers["location"], CARD)
    await outcome_of(member, payment_id, "paid")
    return payment_id


def rooms_of(page: Page) -> set[str]:
    """Name the rooms that the navigation shows."""
    known = {
        given["href"] or "" for given in page.all("a") if (given.get("href") or "").startswith("/admin/")
    }
    return {href for href in known if href.count("/") == 2 and "?" not in href}


def forged(path: str, **fields: str) -> Form:
    """Make a form that we did not give."""
    return Form(path, {"form_token": "0" * 64, "key": str(uuid4()), **fields})


def posted(page: Page, action: str) -> Form:
    """Give the form of a page that is posted to an address; lists have one by GET to their own address too."""
    return next(form for form in page.forms if form.action == action and "form_token" in form.fields)
