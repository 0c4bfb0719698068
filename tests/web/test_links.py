"""Links that come by mail: a forgotten password replaced, an address verified."""

import asyncio
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from tests.web.visitor import PASSWORD, Page, Visitor

NEW_PASSWORD = "curtains rise at seven"


async def link_to(visitor: Visitor, path: str, email: str) -> str:
    """Wait for the mail whose link leads to a page of ours; gives path and query."""
    async with asyncio.timeout(20):
        while True:
            mails = (await visitor.http.get(f"/mail/api/v1/messages?to={email}")).json()["items"]
            links = [link for mail in mails for link in re.findall(r"http\S+", mail["text"])]
            for link in links:
                parts = urlsplit(link)
                if parts.path == path:
                    return f"{parts.path}?{parts.query}"
            await asyncio.sleep(0.05)


async def test_a_forgotten_password_is_replaced_by_a_link_that_holds_once(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    email = f"{member.login}@example.com"
    visitor = make_visitor()
    answer = await visitor.submit("/forgot", "/forgot", email=email)
    assert answer.headers["location"] == "/forgot?note=sent"
    link = await link_to(visitor, "/reset", email)
    page = await visitor.open(link)
    weak = await visitor.send(page.form("/reset"), password="password")
    assert weak.status_code == 400
    answer = await visitor.send(page.form("/reset"), password=NEW_PASSWORD)
    assert answer.headers["location"] == "/signin?note=password_set"
    assert "The new password is set" in (await visitor.open("/signin?note=password_set")).text
    sign_in = (await visitor.open("/signin")).form("/signin")
    assert (await visitor.send(sign_in, login=member.login, password=PASSWORD)).status_code == 400
    assert (await visitor.send(sign_in, login=member.login, password=NEW_PASSWORD)).status_code == 303
    again = await make_visitor().submit(link, "/reset", password=PASSWORD)
    assert again.status_code == 400
    assert "used already" in Page(again).text


async def test_who_asks_for_a_link_is_told_the_same_for_a_stranger(visitor: Visitor) -> None:
    answer = await visitor.submit("/forgot", "/forgot", email="nobody-at-all@example.com")
    assert answer.headers["location"] == "/forgot?note=sent"


async def test_what_is_no_address_is_said_beside_the_field(visitor: Visitor) -> None:
    answer = await visitor.submit("/forgot", "/forgot", email="not an address")
    assert answer.status_code == 400


async def test_opening_a_link_verifies_nothing_and_its_button_does(member: Visitor) -> None:
    email = f"{member.login}@example.com"
    answer = await member.submit("/account/security", "/security/verify")
    assert answer.headers["location"] == "/account/security?note=link_sent"
    link = await link_to(member, "/verify", email)
    page = await member.open(link)
    assert "not confirmed yet" in (await member.open("/account")).text
    done = await member.send(page.form("/verify"))
    assert "The address is confirmed" in Page(done).text
    assert "not confirmed yet" not in (await member.open("/account")).text
    assert (await member.send(page.form("/verify"))).status_code == 400


async def test_a_link_without_a_token_is_no_page(visitor: Visitor) -> None:
    for path in ("/reset", "/verify", "/reset?token=", f"/verify?token={'x' * 600}"):
        assert (await visitor.open(path)).status == 422
