"""A plan in plain words: what will be charged and from what, given up and taken back, the card removed."""

from collections.abc import Callable

from tests.web.test_buying import CARD, newest_id, outcome_of, pay
from tests.web.visitor import Page, Visitor

ACCOUNT = "/account"
METHODS = "/account/methods"


async def buy_plan(member: Visitor, **wishes: str) -> None:
    """Buy the first plan, with or without the card being saved."""
    start = await member.submit("/plans", "/buy", **wishes)
    payment_id = await newest_id(member)
    await pay(member, start.headers["location"], CARD)
    await outcome_of(member, payment_id, "paid")


def outlooks_of(page: Page) -> list[str | None]:
    return [given["data-outlook"] for given in page.all("p") if "data-outlook" in given]


def methods_of(page: Page) -> list[str | None]:
    return [given["data-method"] for given in page.all("li") if "data-method" in given]


async def test_a_plan_without_a_saved_card_ends_by_itself(member: Visitor) -> None:
    await buy_plan(member)
    page = await member.open(ACCOUNT)
    assert outlooks_of(page) == ["ends"]
    assert "nothing will be charged" in page.text
    assert methods_of(await member.open(METHODS)) == []


async def test_a_plan_with_a_saved_card_says_what_will_be_charged(member: Visitor) -> None:
    await buy_plan(member, save_method="true")
    page = await member.open(ACCOUNT)
    assert outlooks_of(page) == ["charge"]
    assert "₽399 will be charged" in page.text
    saved = await member.open(METHODS)
    assert len(methods_of(saved)) == 1
    assert "4444" in saved.text
    assert CARD["card_number"] not in saved.text
    assert "pays for renewals" in saved.text


async def test_a_plan_is_canceled_in_two_clicks_and_taken_back_in_one(member: Visitor) -> None:
    await buy_plan(member, save_method="true")
    page = await member.open(ACCOUNT)
    answer = await member.send(page.form("/cancel"))
    assert answer.headers["location"] == f"{ACCOUNT}?note=subscription_canceled"
    page = await member.open(answer.headers["location"])
    assert outlooks_of(page) == ["canceled"]
    assert "Nothing more will be charged" in page.text
    answer = await member.send(page.form("/resume"))
    assert answer.headers["location"] == f"{ACCOUNT}?note=subscription_resumed"
    assert outlooks_of(await member.open(ACCOUNT)) == ["charge"]


async def test_a_removed_card_is_gone_and_the_plan_ends_by_itself(member: Visitor) -> None:
    await buy_plan(member, save_method="true")
    page = await member.open(METHODS)
    answer = await member.send(page.form("/remove"))
    assert answer.headers["location"] == f"{METHODS}?note=removed"
    assert methods_of(await member.open(METHODS)) == []
    assert outlooks_of(await member.open(ACCOUNT)) == ["ends"]
    assert (await member.send(page.form("/remove"))).status_code in (303, 404)


async def test_nobody_cancels_somebody_elses_plan_or_removes_their_card(
    make_visitor: Callable[[], Visitor], member: Visitor
) -> None:
    await buy_plan(member, save_method="true")
    theirs = [(await member.open(ACCOUNT)).form("/cancel"), (await member.open(METHODS)).form("/remove")]
    stranger = await make_visitor().join()
    token = (await stranger.open(ACCOUNT)).form("/signout").fields["form_token"]
    for form in theirs:
        answer = await stranger.send(form, form_token=token)
        assert answer.status_code == 404
    assert outlooks_of(await member.open(ACCOUNT)) == ["charge"]
    assert len(methods_of(await member.open(METHODS))) == 1
