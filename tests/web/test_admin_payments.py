"""Payments in the panel: found, told as a story, given back with a second person where it is much."""

from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.web.panel import MakeStaff, bought, forged, much_bought, rooms_of, sign_in
from tests.web.visitor import Form, Page, Visitor

NO_ID = "0197a000-0000-7000-8000-00000000dead"

PAGES = ("/admin/payments", "/admin/refunds")


async def test_whoever_is_not_signed_in_signs_in_and_comes_back(visitor: Visitor) -> None:
    for page in (*PAGES, f"/admin/payments/{uuid4()}"):
        assert (await visitor.http.get(page)).headers["location"] == f"/signin?next={page}"


async def test_the_panel_is_closed_to_customers(member: Visitor) -> None:
    for page in ("/admin", *PAGES, f"/admin/payments/{uuid4()}", "/admin/sheets/payments?format=csv"):
        assert (await member.open(page)).status == 403


async def test_everybody_sees_the_rooms_of_their_trade_alone(make_staff: MakeStaff) -> None:
    support, content = await make_staff("support"), await make_staff("content")
    assert "/admin/payments" in rooms_of(await support.open("/admin/payments"))
    closed = await content.open("/admin/payments")
    assert closed.status == 403
    assert "/admin/payments" not in rooms_of(closed)


async def test_a_payment_is_told_as_a_story(member: Visitor, make_staff: MakeStaff) -> None:
    payment_id = await bought(member)
    support = await make_staff("support")
    page = await support.open(f"/admin/payments/{payment_id}")
    told = [given["data-what"] for given in page.all("li") if "data-what" in given]
    assert told[0] == "payment.created"
    assert told.index("state.changed") < told.index("attempt.captured")
    assert {"event.received", "entry.posted", "receipt.asked"} <= set(told)
    assert "₽399.00" in page.text
    assert (await support.open(f"/admin/payments/{uuid4()}")).status == 404
    assert "Every amount follows" in page.text


async def test_a_list_is_narrowed_by_its_address(member: Visitor, make_staff: MakeStaff) -> None:
    payment_id = await bought(member)
    support = await make_staff("support")
    one = await support.open(f"/admin/payments?q={payment_id}&status=paid&provider=&nonsense=1")
    assert [given["data-payment"] for given in one.all("tr") if "data-payment" in given] == [payment_id]
    none = await support.open(f"/admin/payments?q={payment_id}&status=expired")
    assert "No payment is like this" in none.text
    days = await support.open("/admin/payments?from=2020-01-01&to=2020-01-02")
    assert "No payment is like this" in days.text


@pytest.mark.parametrize(
    "query",
    ["status=gone", "user_id=me", "from=soon", "cursor=x", "to=9999-12-31", f"q={'x' * 900}", "q=%00"],
)
async def test_rubbish_in_the_address_is_answered_with_a_page(make_staff: MakeStaff, query: str) -> None:
    page = await (await make_staff("support")).open(f"/admin/payments?{query}")
    assert page.status == 200
    assert len(list(page.all("h1"))) == 1


async def test_what_is_typed_in_leads_to_what_it_means(member: Visitor, make_staff: MakeStaff) -> None:
    payment_id = await bought(member)
    support = await make_staff("support")
    form = (await support.open("/admin/payments")).form("/admin/find")
    for word in (payment_id, member.login, f" {member.login}@example.com "):
        answer = await support.send(form, word=word)
        assert answer.headers["location"] == f"/admin/payments/{payment_id}"
    nobody = await support.send(form, word="nobody@example.com")
    assert nobody.headers["location"] == "/admin/payments?fault=admin.nothing_found"
    assert "Nothing is found" in (await support.open(nobody.headers["location"])).text


async def test_a_list_is_taken_away_as_a_file(make_staff: MakeStaff) -> None:
    support = await make_staff("support")
    csv = await support.http.get("/admin/sheets/payments?format=csv&status=paid")
    assert csv.headers["content-type"].startswith("text/csv")
    assert 'filename="payments.csv"' in csv.headers["content-disposition"]
    book = await support.http.get("/admin/sheets/payments?format=xlsx")
    assert book.content[:2] == b"PK"
    for path in ("/admin/sheets/secrets?format=csv", "/admin/sheets/payments?format=exe"):
        assert (await support.http.get(path)).status_code in {404, 422}


async def test_a_view_keeps_its_name_for_who_gave_it(
    make_staff: MakeStaff, make_visitor: Callable[[], Visitor]
) -> None:
    support = await make_staff("support")
    address = "/admin/payments?status=paid&provider=yookassa"
    kept = await support.submit(address, "/admin/views", name="Ours")
    assert kept.headers["location"] == f"{address}&note=view_kept"
    assert "Ours" in (await support.open("/admin/payments")).text
    form = (await support.open("/admin/payments?status=paid&provider=x")).form("/admin/views")
    for wrong in (
        "/admin/payments?q=a@b.example",
        "/admin/payments?q=a%40b",
        "https://evil.example/?a",
        "/x?y",
    ):
        answer = await support.send(form, name="Wrong", next=wrong)
        assert "view_not_kept" in answer.headers["location"]
        assert answer.headers["location"].startswith("/admin")
    other = await sign_in(make_visitor(), "admin", "admin")
    other.http.cookies.set("theatre_views", support.cookie("views"))
    assert "Ours" not in (await other.open("/admin/payments")).text
    await support.submit("/admin/payments", "/admin/views/forget")
    assert "Ours" not in (await support.open("/admin/payments")).text


async def test_a_refund_is_what_its_preview_showed(member: Visitor, make_staff: MakeStaff) -> None:
    payment_id = await bought(member)
    path, support = f"/admin/payments/{payment_id}", await make_staff("support")
    preview = await support.open(f"{path}/refund?amount=100.00")
    assert "the customer keeps watching" in preview.text
    whole = await support.open(f"{path}/refund?amount=")
    assert "Plan, until" in whole.text
    answer = await support.send(Form(f"{path}/refund", refund_fields(preview)), reason="Asked by letter")
    assert answer.headers["location"] == f"{path}?note=refund_pending"
    again = await support.send(Form(f"{path}/refund", refund_fields(preview)), reason="Asked by letter")
    assert again.headers["location"] == answer.headers["location"]
    page = await support.open(path)
    assert sum(given.get("data-what") == "refund.asked" for given in page.all("li")) == 1


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1e3", "400.00", "x", "1.001"])
async def test_what_cannot_be_given_back_is_said_in_words(
    member: Visitor, make_staff: MakeStaff, amount: str
) -> None:
    payment_id = await bought(member)
    page = await (await make_staff("support")).open(f"/admin/payments/{payment_id}/refund?amount={amount}")
    assert page.status == 200
    assert not [form for form in page.forms if "reason" in form.fields]
    assert "must be above zero" in page.text or "more than was paid" in page.text


async def test_much_money_waits_for_a_second_person_who_is_never_the_first(
    member: Visitor, make_staff: MakeStaff
) -> None:
    payment_id = await much_bought(member)
    path = f"/admin/payments/{payment_id}"
    first, second = await make_staff("finance"), await make_staff("finance")
    support = await make_staff("support")
    preview = await first.open(f"{path}/refund")
    assert "a second one must agree" in preview.text
    asked = await first.send(Form(f"{path}/refund", refund_fields(preview)), reason="Fraud")
    assert asked.headers["location"] == f"{path}?note=refund_requested"
    own = await first.open(path)
    assert "you asked for it" in own.text
    assert not [form for form in own.forms if form.action.endswith("/approve")]
    assert "waits for a manager of finance" in (await support.open(path)).text
    queue = await second.open("/admin/refunds?status=requested")
    approve = next(form for form in queue.forms if form.action.endswith("/approve"))
    page = await first.open("/admin/refunds")
    sneaked = await first.send(Form(approve.action, {**approve.fields, **seal_of(page)}))
    assert "fault=billing.second_person_needed" in sneaked.headers["location"]
    assert "somebody else must decide" in (await first.open(sneaked.headers["location"])).text
    agreed = await second.send(approve)
    assert "note=refund_approved" in agreed.headers["location"]
    twice = await second.send(Form(approve.action, {**approve.fields, "key": str(uuid4())}))
    assert "fault=billing.refund_not_requested" in twice.headers["location"]


async def test_a_second_person_may_refuse(member: Visitor, make_staff: MakeStaff) -> None:
    payment_id = await much_bought(member)
    path, first, second = (
        f"/admin/payments/{payment_id}",
        await make_staff("finance"),
        await make_staff("finance"),
    )
    preview = await first.open(f"{path}/refund")
    await first.send(Form(f"{path}/refund", refund_fields(preview)), reason="Fraud")
    refused = await second.submit(path, "/reject", reason="No fraud")
    assert refused.headers["location"] == f"{path}?note=refund_rejected"
    assert "refund.rejected" in [given.get("data-what") for given in (await first.open(path)).all("li")]


@pytest.mark.parametrize(
    "path", [f"/payments/{NO_ID}/refund", f"/refunds/{NO_ID}/approve", "/find", "/views"]
)
async def test_forms_of_the_panel_are_ours_alone(make_staff: MakeStaff, path: str) -> None:
    staff = await make_staff("finance")
    await staff.open("/admin/payments")
    fields = {"reason": "x", "amount": "1.00", "currency": "RUB", "word": "x", "name": "x", "next": "/admin"}
    assert (await staff.send(forged(f"/admin{path}", **fields))).status_code == 403
    assert (await staff.http.delete(f"/admin{path}")).status_code == 405


async def test_the_panel_keeps_to_the_rules_of_all_pages(member: Visitor, make_staff: MakeStaff) -> None:
    payment_id = await bought(member)
    staff = await make_staff("finance")
    for path in (*PAGES, f"/admin/payments/{payment_id}", f"/admin/payments/{payment_id}/refund"):
        page = await staff.open(path)
        labelled = {given.get("for") for given in page.all("label")}
        visible = [given for given in page.all("input") if given.get("type") != "hidden"]
        assert [given for given in visible if given.get("id") not in labelled] == []
        assert len(list(page.all("h1"))) == 1
        for tag, given in page.tags:
            assert "style" not in given, tag
            assert not [name for name in given if name.startswith("on")]


def refund_fields(page: Page) -> dict[str, str]:
    """Give the fields of the form that asks for a refund."""
    return next(form.fields for form in page.forms if "currency" in form.fields)


def seal_of(page: Page) -> dict[str, str]:
    """Give the seal of a page's forms."""
    return {"form_token": page.form("/admin/find").fields["form_token"]}
