"""Forms count only when we gave them to this visitor in this session, and they come from our own pages."""

from collections.abc import Callable

import pytest

from tests.web.visitor import PASSWORD, Page, Visitor

FORMS = ("/signup", "/signin", "/signout", "/language", "/buy")
FIELDS = {
    "login": "anna",
    "email": "a@example.com",
    "password": PASSWORD,
    "lang": "en",
    "key": "k",
    "price_id": "x",
}


@pytest.mark.parametrize("action", FORMS)
@pytest.mark.parametrize("seal", [None, "", "0" * 64, "x", "\x00", "а" * 64, "s" * 500_000])
async def test_a_form_without_our_seal_is_refused(visitor: Visitor, action: str, seal: str | None) -> None:
    await visitor.open("/")
    fields = FIELDS if seal is None else {**FIELDS, "form_token": seal}
    answer = await visitor.http.post(action, data=fields)
    assert answer.status_code == 403
    assert "location" not in answer.headers


async def test_the_page_of_a_refused_form_says_what_to_do(visitor: Visitor) -> None:
    answer = await visitor.http.post("/signin", data=FIELDS)
    assert answer.status_code == 403
    assert "This form is out of date" in Page(answer).text


async def test_a_form_given_to_another_visitor_is_refused(make_visitor: Callable[[], Visitor]) -> None:
    form = (await make_visitor().open("/signin")).form("/signin")
    thief = make_visitor()
    await thief.open("/signin")
    assert (await thief.send(form, login="anna", password=PASSWORD)).status_code == 403


async def test_a_form_from_before_signing_in_no_longer_counts(visitor: Visitor) -> None:
    before = (await visitor.open("/")).form("/language")
    await visitor.join()
    assert (await visitor.send(before, lang="ru")).status_code == 403


async def test_a_form_from_before_signing_out_no_longer_counts(member: Visitor) -> None:
    before = (await member.open("/plans")).form("/buy")
    await member.submit("/account", "/signout")
    answer = await member.send(before)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_good_form_sent_from_elsewhere_is_refused(visitor: Visitor, headers: dict[str, str]) -> None:
    form = (await visitor.open("/")).form("/language")
    answer = await visitor.http.post("/language", data={**form.fields, "lang": "ru"}, headers=headers)
    assert answer.status_code == 403


async def test_a_form_sent_as_browsers_send_it_counts(visitor: Visitor) -> None:
    form = (await visitor.open("/")).form("/language")
    headers = {"Origin": str(visitor.http.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    answer = await visitor.http.post("/language", data={**form.fields, "lang": "ru"}, headers=headers)
    assert answer.status_code == 303


async def test_a_form_from_an_address_that_is_none_leads_to_the_front_page(visitor: Visitor) -> None:
    form = (await visitor.open("/")).form("/language")
    fields = {**form.fields, "lang": "ru"}
    answer = await visitor.http.post("/language", data=fields, headers={"Referer": "http://["})
    assert answer.status_code == 303
    refused = await visitor.http.post("/signin", data=FIELDS, headers={"Referer": "http://["})
    assert refused.status_code == 403


@pytest.mark.parametrize("path", ["/signout", "/buy", "/language"])
async def test_looking_never_changes_anything(member: Visitor, path: str) -> None:
    assert (await member.http.get(path)).status_code == 405
    assert (await member.open("/account")).status == 200
    assert member.cookie("refresh")
