"""The inbox, and the choice of what comes by e-mail."""

import asyncio
from collections.abc import Callable

from tests.web.visitor import Form, Page, Visitor

INBOX = "/account/notifications"
FIRST_LETTERS = 2
"""The welcome, and that a link to verify the address is in the mail."""


async def wait_for_letters(member: Visitor) -> Page:
    """Wait until the first letters are there."""
    async with asyncio.timeout(20):
        while True:
            page = await member.open(INBOX)
            if len(letters_of(page)) == FIRST_LETTERS:
                return page
            await asyncio.sleep(0.05)


def letters_of(page: Page) -> list[Form]:
    return [form for form in page.forms if form.action.endswith("/open")]


def wanted_of(page: Page) -> set[str | None]:
    return {
        given["value"] for given in page.all("input") if given.get("name") == "wanted" and "checked" in given
    }


async def test_what_was_told_is_in_the_inbox_and_read_once_it_is_opened(member: Visitor) -> None:
    page = await wait_for_letters(member)
    assert "2 unread" in page.text
    answer = await member.send(letters_of(page)[0])
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/")
    assert "1 unread" in (await member.open(INBOX)).text
    assert len(letters_of(await member.open(f"{INBOX}?unread=true"))) == 1


async def test_all_is_marked_as_read_at_once(member: Visitor) -> None:
    page = await wait_for_letters(member)
    assert (await member.send(page.form("/read_all"))).headers["location"] == INBOX
    assert "All is read" in (await member.open(INBOX)).text


async def test_nobody_opens_somebody_elses_letter(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    theirs = letters_of(await wait_for_letters(member))[0]
    stranger = await make_visitor().join()
    own = letters_of(await wait_for_letters(stranger))[0]
    own.action = theirs.action
    assert (await stranger.send(own)).status_code == 404
    assert "2 unread" in (await member.open(INBOX)).text


async def test_what_comes_by_mail_is_chosen_but_for_money_and_the_account(member: Visitor) -> None:
    page = await member.open(INBOX)
    assert {"payments", "security", "offers", "new_films"} <= wanted_of(page)
    form = page.form("/preferences")
    form.fields.pop("is_quiet", None)
    answer = await member.send(form, wanted="offers")
    assert answer.headers["location"] == f"{INBOX}?note=preferences_chosen"
    assert wanted_of(await member.open(INBOX)) == {"payments", "security", "offers"}


async def test_quiet_hours_are_kept_with_their_zone(member: Visitor) -> None:
    form = (await member.open(INBOX)).form("/preferences")
    hours = {"is_quiet": "true", "starts": "23:30", "ends": "07:15", "zone": "Asia/Almaty"}
    assert (await member.send(form, **hours)).headers["location"] == f"{INBOX}?note=preferences_chosen"
    values = {given.get("name"): given.get("value") for given in (await member.open(INBOX)).all("input")}
    assert {name: values[name] for name in ("starts", "ends", "zone")} == {
        "starts": "23:30",
        "ends": "07:15",
        "zone": "Asia/Almaty",
    }


async def test_quiet_hours_that_make_no_sense_change_nothing(member: Visitor) -> None:
    form = (await member.open(INBOX)).form("/preferences")
    hours = {"is_quiet": "true", "starts": "23:30", "ends": "07:15", "zone": "Moon/Sea"}
    answer = await member.send(form, **hours)
    assert answer.headers["location"].startswith(f"{INBOX}?fault=")
    page = await member.open(answer.headers["location"])
    assert "make no sense" in page.text
