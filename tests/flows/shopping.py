"""Purchases by hand: steps of the demo's shopper, done as far as a test wants them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from theatre.demo.forms import read_form
from theatre.demo.shopper import Shopper

CARD_WITHOUT_QUESTIONS = "5555555555554444"
# the payment system takes the money and never tells
CARD_NEVER_TOLD = "2200999900000073"
SECONDS = 20


@asynccontextmanager
async def shopper_at(url: str) -> AsyncIterator[Shopper]:
    """A new user who is signed in and has chosen a plan."""
    with (
        httpx.Client(base_url=url, timeout=SECONDS) as http,
        httpx.Client(timeout=SECONDS, follow_redirects=True) as browser,
    ):
        shopper = Shopper(http, browser)
        for step in (shopper.register, shopper.sign_in, shopper.choose_plan):
            await asyncio.to_thread(step)
        yield shopper


async def go_to_the_hosted_page(shopper: Shopper) -> None:
    """Begin a payment and open the payment system's page."""
    for step in (shopper.create_payment, shopper.check_out, shopper.open_hosted_page):
        await asyncio.to_thread(step)


async def pay_and_close_the_browser(shopper: Shopper, card_number: str) -> None:
    """Send the card, see that it was taken, and never come back to the shop."""
    assert shopper.page is not None
    form = read_form(shopper.page, shopper.card)
    assert form is not None
    words = form.filled({**shopper.card, "card_number": card_number})
    shopper.browser.follow_redirects = False
    answer = await asyncio.to_thread(shopper.browser.request, form.method, form.action, data=words)
    assert answer.status_code == httpx.codes.SEE_OTHER, answer.text


async def status_of_payment(shopper: Shopper) -> str:
    """Read how the payment stands."""
    payment = await asyncio.to_thread(shopper.ask, "GET", shopper.payment_path)
    return str(payment["status"])
