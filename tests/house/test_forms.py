"""Forms as a browser reads them."""

import httpx

from theatre.demo.forms import read_form

PAGE = """
<form action="/search"><input name="q"></form>
<form method="post" action="pay?x=1&amp;y=2">
  <input type="hidden" name="token" value="a&amp;b"><input name="card_number"><input name="cvc">
</form>
"""


def page(text: str) -> httpx.Response:
    """Make the answer to a request for a page."""
    return httpx.Response(200, text=text, request=httpx.Request("GET", "http://shop.example/checkout/7"))


def test_the_form_that_asks_for_the_words_is_found_among_others() -> None:
    form = read_form(page(PAGE), {"card_number": "4111", "expiry_month": "12"})
    assert form is not None
    assert (form.method, form.action) == ("POST", "http://shop.example/checkout/pay?x=1&y=2")


def test_hidden_fields_are_sent_and_words_that_nobody_asked_for_are_not() -> None:
    form = read_form(page(PAGE), {"card_number": "4111", "expiry_month": "12"})
    assert form is not None
    assert form.filled({"card_number": "4111", "expiry_month": "12"}) == {
        "token": "a&b",
        "card_number": "4111",
    }


def test_a_page_that_asks_for_something_else_has_no_form_for_us() -> None:
    assert read_form(page(PAGE), {"code": "1"}) is None
