"""The rooms of the panel: who may come in, what may be done there, and what is never shown."""

from uuid import uuid4

import pytest

from tests.factories.house import OpenHouse
from tests.factories.troubles import bury_fact, open_case
from tests.web.panel import MakeStaff, bought, forged, posted, rooms_of
from tests.web.visitor import Form, Page, Visitor
from theatre.web.admin_reports import REPORTS
from theatre.web.masks import mask

ID = uuid4()
READ = (
    *("/admin", "/admin/refunds", "/admin/disputes", "/admin/cases", "/admin/users", f"/admin/users/{ID}"),
    "/admin/roles",
    *("/admin/subscriptions", "/admin/products", "/admin/promo_codes", "/admin/ledger"),
    *(
        "/admin/ledger/accounts",
        "/admin/reconciliation",
        "/admin/receipts",
        "/admin/receipts/day?on=2026-01-31",
    ),
    *(f"/admin/reports/{name}" for name in REPORTS),
)
MANAGE = ("/admin/audit", "/admin/audit/verify", "/admin/messages")
ABSENT = (
    *(
        f"/admin/payments/{ID}",
        f"/admin/cases/{ID}",
        f"/admin/promo_codes/{ID}",
        f"/admin/reconciliation/{ID}",
    ),
    *("/admin/reports/wishes", "/admin/sheets/wishes?format=csv", "/admin/nothing"),
)
FORMS = (
    *("/admin/products", "/admin/prices", f"/admin/prices/{ID}/switch_off", "/admin/promo_codes"),
    *(f"/admin/promo_codes/{ID}", f"/admin/cases/{ID}/resolve", f"/admin/cases/{ID}/refund"),
    *(f"/admin/receipts/{ID}/retry", f"/admin/messages/{ID}/replay", "/admin/views/forget"),
)
PRODUCT = {"kind": "plan", "name_ru": "Новый", "name_en": "New one"}
PRICE = {"amount": "199.00", "currency": "RUB", "unit": "month", "count": "1", "trial_days": ""}


@pytest.fixture
async def finance(make_staff: MakeStaff) -> Visitor:
    return await make_staff("finance")


async def test_every_room_is_open_to_those_whose_trade_it_is(make_staff: MakeStaff, finance: Visitor) -> None:
    support, content = await make_staff("support"), await make_staff("content")
    for path in READ:
        assert (await support.open(path)).status == 200, path
        if path != "/admin":
            assert (await content.open(path)).status == 403, path
    for path in MANAGE:
        assert (await finance.open(path)).status == 200, path
        assert (await support.open(path)).status == 403, path
    assert set(MANAGE[::2]) & rooms_of(await support.open("/admin")) == set()
    assert set(MANAGE[::2]) <= rooms_of(await finance.open("/admin"))


async def test_nobody_comes_in_unknown_and_customers_not_at_all(visitor: Visitor, member: Visitor) -> None:
    for path in (*READ, *MANAGE):
        answer = await visitor.http.get(path)
        assert answer.headers["location"].startswith("/signin?next=/admin"), path
        assert (await member.open(path)).status == 403, path


async def test_what_is_not_there_is_a_page_of_the_panel(finance: Visitor) -> None:
    for path in ABSENT:
        page = await finance.open(path)
        assert page.status == 404, path
        assert "/admin/payments" in rooms_of(page)


@pytest.mark.parametrize("path", FORMS)
async def test_no_form_counts_that_we_did_not_give(finance: Visitor, path: str) -> None:
    await finance.open("/admin/payments")
    fields = {
        **PRODUCT,
        **PRICE,
        "code": "x",
        "note": "x",
        "product_id": str(ID),
        "is_active": "true",
        "name": "x",
    }
    assert (await finance.send(forged(path, **fields))).status_code == 403
    assert (await finance.http.put(path)).status_code == 405


async def test_what_a_form_asks_is_for_the_doors_to_allow(make_staff: MakeStaff) -> None:
    support = await make_staff("support")
    page = await support.open("/admin/products")
    assert not [form for form in page.forms if form.action.startswith("/admin/pr") and form.fields]
    sealed = sealed_as(page, "/admin/products", code="x", **PRODUCT)
    assert (await support.send(sealed)).status_code == 403


async def test_a_price_is_never_edited_a_new_one_takes_its_place(finance: Visitor) -> None:
    code = f"plan-{uuid4().hex[:8]}"
    made = await finance.send(
        posted(await finance.open("/admin/products"), "/admin/products"), code=code, **PRODUCT
    )
    assert made.headers["location"] == "/admin/products?note=product_created"
    old, page = await priced(finance, code, "199.00")
    new, page = await priced(finance, code, "249.00")
    off = await finance.send(page.form(f"/prices/{old}/switch_off"))
    assert off.headers["location"] == "/admin/products?note=price_switched_off"
    on_sale = (await finance.http.get("/plans")).text
    assert new in on_sale
    assert old not in on_sale


async def test_what_was_typed_stays_when_it_is_refused(finance: Visitor) -> None:
    form = posted(await finance.open("/admin/products"), "/admin/products")
    refused = await finance.send(form, code="standard", **{**PRODUCT, "name_en": "Kept name"})
    page = Page(refused)
    assert page.status == 400
    assert "There is a product with this code already" in page.text
    assert "Kept name" in [given.get("value") for given in page.all("input")]
    wrong = Page(await finance.send(form, code="no such word!", **PRODUCT))
    assert wrong.status == 400
    assert "Look again at" in wrong.text


@pytest.mark.parametrize("amount", ["-1.00", "0.00", "1", "1e3", "", "х"])
async def test_a_price_that_makes_no_sense_is_refused_in_words(finance: Visitor, amount: str) -> None:
    page = await finance.open("/admin/products")
    form = next(form for form in page.forms if form.action == "/admin/prices" and "unit" not in form.fields)
    refused = await finance.send(form, amount=amount, currency="RUB")
    assert refused.status_code in {303, 422}
    assert "note=" not in refused.headers.get("location", "")


async def test_a_promo_code_is_made_and_changed(finance: Visitor) -> None:
    code = f"P{uuid4().hex[:8].upper()}"
    fields = {"code": code.lower(), "percent": "10", "ends_at": "2040-01-02T03:04", "total_cap": "5"}
    form = posted(await finance.open("/admin/promo_codes"), "/admin/promo_codes")
    made = await finance.send(form, **fields, amount="", currency="")
    path = made.headers["location"].partition("?")[0]
    page = await finance.open(path)
    assert code in page.text
    assert "2040-01-02T03:04" in [given.get("value") for given in page.all("input")]
    changed = await finance.submit(path, path, is_active="false", ends_at="", total_cap="")
    assert changed.headers["location"] == f"{path}?note=promo_code_changed"
    assert "off" in (await finance.open(path)).text
    both = {"code": "BOTH", "percent": "10", "amount": "1.00", "currency": "RUB"}
    refused = await finance.send(form, **both)
    assert refused.status_code == 400


async def test_a_case_is_closed_once_with_a_note(
    house: OpenHouse, make_staff: MakeStaff, finance: Visitor
) -> None:
    path = f"/admin/cases/{await open_case(house.postgres_url)}"
    support = await make_staff("support")
    seen = await support.open(path)
    assert "<script>" in seen.text  # as text
    assert not [form for form in seen.forms if form.action.endswith("/resolve")]
    form = (await finance.open(path)).form("/resolve")
    assert (await finance.send(form, note=" ")).headers["location"].startswith(f"{path}?fault=")
    closed = await finance.send(form, note="The register was told our number")
    assert closed.headers["location"] == f"{path}?note=case_resolved"
    assert "The register was told our number" in (await finance.open(path)).text
    again = await finance.send(form, note="Once more")
    assert again.headers["location"] == f"{path}?fault=billing.case_not_open"


async def test_a_dead_message_is_read_masked_and_sent_again(house: OpenHouse, finance: Visitor) -> None:
    message_id = await bury_fact(house.postgres_url)
    page = await finance.open("/admin/messages")
    assert "no queue takes it" in page.text
    assert "somebody@example.com" not in page.text
    form = page.form(f"/{message_id}/replay")
    assert (await finance.send(form)).headers["location"] == "/admin/messages?note=message_replayed"
    assert (await finance.send(form)).status_code == 404


async def test_the_audit_tells_who_looked_and_is_proved(member: Visitor, finance: Visitor) -> None:
    payment_id = await bought(member)
    await finance.open(f"/admin/payments/{payment_id}")
    told = await finance.open(f"/admin/audit?subject_kind=payment&subject_id={payment_id}")
    assert "payment.read" in told.text
    assert "you" in told.text
    assert "as it was written" in (await finance.open("/admin/audit/verify")).text


async def test_books_lead_to_the_payment_and_back(member: Visitor, finance: Visitor) -> None:
    payment_id = await bought(member)
    book = await finance.open(f"/admin/ledger?payment_id={payment_id}")
    assert {given.get("data-entry") for given in book.all("tr")} >= {"capture", "sale"}
    assert f"/admin/payments/{payment_id}" in [given.get("href") for given in book.all("a")]
    assert "/admin/ledger?account=receivable" in [given.get("href") for given in book.all("a")]
    assert "receivable" in (await finance.open("/admin/ledger?account=receivable")).text


async def test_a_customer_is_seen_on_one_page(member: Visitor, finance: Visitor) -> None:
    payment_id = await bought(member)
    form = (await finance.open("/admin/users")).form("/admin/find")
    found = await finance.send(form, word=member.login)
    page = await finance.open(found.headers["location"])
    user = next(
        str(given["href"]) for given in page.all("a") if str(given.get("href")).startswith("/admin/users/")
    )
    summary = await finance.open(user)
    assert f"/admin/payments/{payment_id}" in [given.get("href") for given in summary.all("a")]
    assert member.login not in user


@pytest.mark.parametrize(
    "query", ["from=x", "group=hour", "from=1000-01-01", "from=2026-12-01&to=2026-01-01"]
)
async def test_a_report_on_days_that_are_none_is_a_page(finance: Visitor, query: str) -> None:
    page = await finance.open(f"/admin/reports/revenue?{query}")
    assert page.status in {200, 422}
    assert len(list(page.all("h1"))) == 1


async def test_a_report_is_also_a_file(finance: Visitor) -> None:
    for kind in ("csv", "xlsx"):
        file = await finance.http.get(f"/admin/reports/revenue/sheet?group=week&from=&to=&format={kind}")
        assert f'filename="report_revenue.{kind}"' in file.headers["content-disposition"]


async def test_rooms_keep_to_the_rules_of_all_pages(finance: Visitor) -> None:
    for path in (*READ, *MANAGE):
        page = await finance.open(path)
        labelled = {given.get("for") for given in page.all("label")}
        visible = [given for given in page.all("input") if given.get("type") != "hidden"]
        assert [given for given in visible if given.get("id") not in labelled] == [], path
        assert len(list(page.all("h1"))) == 1
        for tag, given in page.tags:
            assert "style" not in given, tag
            assert not [name for name in given if name.startswith("on")]
        ids = [given["id"] for _, given in page.tags if "id" in given]
        assert len(ids) == len(set(ids)), path


def test_a_mask_leaves_what_names_things_and_nothing_of_people() -> None:
    body = (
        '{"type": "billing.payment.paid", "amount": "399.00", "currency": "RUB", "user_id": '
        '"01a21425-6812-75b2-9f71-ce4545c4587f", "title": "metropolis", "at": "2026-01-31T10:00:00Z", '
        '"email": "a@b.example", "note": "Call me", "nested": [{"login": "anna", "count": 3}]}'
    )
    masked = mask(body)
    for kept in ("billing.payment.paid", "399.00", "RUB", "01a21425-6812", "2026-01-31T10:00:00Z", "3"):
        assert kept in masked
    for hidden in ("metropolis", "a@b.example", "Call me", "anna"):
        assert hidden not in masked
    assert mask("Anna, 12 Main Street") == "••• (20)"
    assert mask("[" * 100_000) == "••• (100000)"


async def priced(finance: Visitor, code: str, amount: str) -> tuple[str, Page]:
    """Give a product a price; gives that price and the page that shows it."""
    before = await finance.open("/admin/products?kind=plan")
    known = {given.get("data-price") for given in before.all("tr")}
    form = next(
        form for form in before.forms if form.action == "/admin/prices" and has_code(before, form, code)
    )
    made = await finance.send(form, **{**PRICE, "amount": amount})
    assert made.headers["location"] == "/admin/products?note=price_created"
    page = await finance.open("/admin/products?kind=plan")
    (new,) = {given.get("data-price") for given in page.all("tr")} - known
    return str(new), page


def has_code(page: Page, form: Form, code: str) -> bool:
    """Whether a form that adds a price is of the product with this code: the ids of its fields say so."""
    place = page.forms.index(form)
    prices = [it for it in page.forms[: place + 1] if it.action == "/admin/prices"]
    codes = [given["data-product"] for given in page.all("section") if "data-product" in given]
    return codes[len(prices) - 1] == code


def sealed_as(page: Page, action: str, **fields: str) -> Form:
    """Make a form that we did not give, with the seal of one that we did."""
    seal = page.form("/admin/find").fields["form_token"]
    return Form(action, {"form_token": seal, "key": str(uuid4()), **fields})
