"""Who can get into the account: what the page shows, and what its forms change."""

import asyncio
from collections.abc import Callable

from tests.web.visitor import PASSWORD, Page, Visitor

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW_PASSWORD = "curtains rise at seven"
SECURITY = "/account/security"


async def another_device(make_visitor: Callable[[], Visitor], member: Visitor) -> Visitor:
    """Sign the member in on another device."""
    other = make_visitor()
    other.http.headers["User-Agent"] = FIREFOX
    form = (await other.open("/signin")).form("/signin")
    answer = await other.send(form, login=member.login, password=PASSWORD)
    assert answer.status_code == 303
    return other


def ends(page: Page) -> list[str]:
    return [form.action for form in page.forms if "/sessions/" in form.action and form.action.count("/") == 5]


async def test_devices_are_named_in_words_and_one_of_them_is_this(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    await another_device(make_visitor, member)
    page = await member.open(SECURITY)
    assert "Firefox, Windows" in page.text
    assert page.text.count("this device") == 1
    assert len(ends(page)) == 1


async def test_another_device_is_signed_out(make_visitor: Callable[[], Visitor], member: Visitor) -> None:
    other = await another_device(make_visitor, member)
    page = await member.open(SECURITY)
    answer = await member.send(page.form(ends(page)[0]))
    assert answer.headers["location"] == f"{SECURITY}?note=session_ended"
    assert ends(await member.open(answer.headers["location"])) == []
    async with asyncio.timeout(10):  # the other services hear of it within seconds
        while (await other.http.get("/account")).status_code != 303:
            await asyncio.sleep(0.05)


async def test_nobody_signs_out_somebody_elses_device(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    await another_device(make_visitor, member)
    theirs = ends(await member.open(SECURITY))[0]
    stranger = await make_visitor().join()
    form = (await stranger.open(SECURITY)).form("/sessions/end")
    form.action = theirs
    assert (await stranger.send(form)).status_code == 404
    assert ends(await member.open(SECURITY)) == [theirs]


async def test_signing_out_everywhere_else_leaves_this_device_in(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    assert not [form for form in (await member.open(SECURITY)).forms if form.action.endswith("/end_others")]
    await another_device(make_visitor, member)
    form = (await member.open(SECURITY)).form("/sessions/end_others")
    answer = await member.send(form)
    assert answer.headers["location"] == f"{SECURITY}?note=others_ended"
    page = await member.open(answer.headers["location"])
    assert "other devices are signed out" in page.text
    assert ends(page) == []
    assert (await member.send(form)).status_code == 303  # once more changes nothing
    form.fields["form_token"] = "0" * 64
    assert (await member.send(form)).status_code == 403


async def test_signing_out_everywhere_signs_out_here_too(member: Visitor) -> None:
    page = await member.open(SECURITY)
    answer = await member.send(page.form("/sessions/end"))
    assert answer.headers["location"].startswith("/signin")
    assert (await member.http.get("/account")).headers["location"].startswith("/signin")


async def test_a_new_password_signs_in_and_the_old_one_does_not(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    page = await member.open(SECURITY)
    answer = await member.send(
        page.form("/security/password"), current_password=PASSWORD, password=NEW_PASSWORD
    )
    assert answer.headers["location"] == f"{SECURITY}?note=password_changed"
    assert "The password is changed" in (await member.open(answer.headers["location"])).text
    later = make_visitor()
    form = (await later.open("/signin")).form("/signin")
    assert (await later.send(form, login=member.login, password=PASSWORD)).status_code == 400
    assert (await later.send(form, login=member.login, password=NEW_PASSWORD)).status_code == 303


async def test_a_wrong_current_password_is_said_beside_its_form_and_changes_nothing(member: Visitor) -> None:
    page = await member.open(SECURITY)
    answer = await member.send(
        page.form("/security/password"), current_password="not this", password=NEW_PASSWORD
    )
    assert answer.status_code == 400
    assert "nothing was changed" in Page(answer).text
    assert (await member.open(SECURITY)).status == 200


async def test_the_address_is_changed_with_the_password_only(member: Visitor) -> None:
    page = await member.open(SECURITY)
    form = next(form for form in page.forms if form.fields.get("field") == "email")
    new = f"new-{member.login}@example.com"
    assert (await member.send(form, value=new, current_password="not this")).status_code == 400
    answer = await member.send(form, value=new, current_password=PASSWORD)
    assert answer.headers["location"] == f"{SECURITY}?note=email_changed"
    assert new in (await member.open(SECURITY)).text


async def test_a_name_that_is_taken_is_refused(make_visitor: Callable[[], Visitor], member: Visitor) -> None:
    other = await make_visitor().join()
    page = await member.open(SECURITY)
    form = next(form for form in page.forms if form.fields.get("field") == "login")
    answer = await member.send(form, value=other.login, current_password=PASSWORD)
    assert answer.status_code == 400
    assert "is taken" in Page(answer).text


async def test_refused_tries_to_sign_in_are_shown(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    guesser = make_visitor()
    form = (await guesser.open("/signin")).form("/signin")
    await guesser.send(form, login=member.login, password="not this one")
    assert "refused" in (await member.open(SECURITY)).text
