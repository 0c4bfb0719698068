"""What stands in the mails: both languages, money for people, and values that are never anything but values."""

import re
from collections import defaultdict
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from theatre.contracts.auth import Contact
from theatre.kit.money import Money
from theatre.notification.channels import Mail
from theatre.notification.errors import Unwritable
from theatre.notification.kinds import Data, NewMovieData, PaymentStatusData, RegistrationData
from theatre.notification.links import Links
from theatre.notification.mails import Letter, Writer, format_amount
from theatre.notification.stationery import open_templates

PAYMENT_ID = UUID("0197f000-0000-7000-8000-000000000001")
DELIVERY_ID = UUID("0197f000-0000-7000-8000-00000000000d")
SITE = "https://theatre.example"
PAYMENTS_URL = "https://theatre.example/account/payments"


@pytest.fixture(scope="module")
def writer() -> Writer:
    return Writer(open_templates(), SITE, "theatre.example", Links.of(SITE, SecretStr("secret")))


def payment(status: str, **changes: Any) -> PaymentStatusData:
    data = {
        "payment_id": PAYMENT_ID,
        "title": "Месяц кино",
        "amount": "399.00",
        "currency": "RUB",
        "status": status,
    }
    return PaymentStatusData.model_validate({**data, **changes})


def write(writer: Writer, data: Data, *, locale: str = "ru", login: str = "Алиса") -> Mail:
    contact = Contact(user_id=uuid4(), login=login, email="alice@mail.example", locale=locale, is_active=True)
    return writer.write(Letter(DELIVERY_ID, data, datetime(2026, 1, 2, tzinfo=UTC), data.category), contact)


class Reader(HTMLParser):
    """Reads HTML as a mail program does: words, elements and links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words = ""
        self.elements: defaultdict[str, list[dict[str, str | None]]] = defaultdict(list)
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag].append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.words += data

    @property
    def links(self) -> set[str | None]:
        return {link["href"] for link in self.elements["a"]}


SUBJECTS = {
    ("ru", "succeeded"): "Оплата прошла: 399,00\u00a0₽",
    ("ru", "failed"): "Оплата не прошла: 399,00\u00a0₽",
    ("ru", "refunded"): "Деньги возвращены: 399,00\u00a0₽",
    ("en", "succeeded"): "Payment received: RUB\u00a0399.00",
    ("en", "failed"): "Payment failed: RUB\u00a0399.00",
    ("en", "refunded"): "Money returned: RUB\u00a0399.00",
}


@pytest.mark.parametrize(("locale", "status"), SUBJECTS)
def test_a_payment_mail_says_what_for_how_much_and_where_to_look(
    writer: Writer, locale: str, status: str
) -> None:
    mail = write(writer, payment(status), locale=locale)
    html = Reader(mail.html)
    amount = format_amount(Money(39900, "RUB"), locale)
    assert mail.subject == SUBJECTS[locale, status]
    for reading in (mail.text, html.words):
        for word in ("Алиса", "Месяц кино", amount, str(PAYMENT_ID)):
            assert word in reading
    assert PAYMENTS_URL in mail.text
    assert html.links == {PAYMENTS_URL, "https://theatre.example"}
    assert f'<html lang="{locale}">' in mail.html
    assert mail.message_id == f"<{DELIVERY_ID}@theatre.example>"


@pytest.mark.parametrize(
    ("locale", "subject"), [("ru", "Новый фильм: <Соната>"), ("en", "A new film: Sonata")]
)
def test_a_mail_about_a_film_leads_to_it_and_can_be_left(writer: Writer, locale: str, subject: str) -> None:
    film = {"film_id": PAYMENT_ID, "titles": {"ru": "<Соната>", "en": "Sonata"}}
    mail = write(writer, NewMovieData.model_validate(film), locale=locale)
    assert mail.subject == subject
    assert mail.unsubscribe_url is not None
    assert Reader(mail.html).links == {f"{SITE}/films/{PAYMENT_ID}", SITE, mail.unsubscribe_url}
    for address in (f"{SITE}/films/{PAYMENT_ID}", mail.unsubscribe_url):
        assert address in mail.text


@pytest.mark.parametrize(("locale", "greeting"), [("ru", "Здравствуйте"), ("en", "Hello")])
def test_a_registration_mail_greets_and_leads_home(writer: Writer, locale: str, greeting: str) -> None:
    mail = write(writer, RegistrationData(), locale=locale)
    assert f"{greeting}" in mail.text
    assert "Алиса" in mail.text
    assert "Алиса" in Reader(mail.html).words
    assert Reader(mail.html).links == {"https://theatre.example"}


@pytest.mark.parametrize("locale", ["ru", "en"])
def test_the_reason_of_a_failure_is_told_if_there_is_one(writer: Writer, locale: str) -> None:
    with_reason = write(writer, payment("failed", message="Карта просрочена"), locale=locale)
    without = write(writer, payment("failed"), locale=locale)
    label = {"ru": "Причина", "en": "Reason"}[locale]
    assert f"{label}: Карта просрочена" in with_reason.text
    assert f"{label}: Карта просрочена" in Reader(with_reason.html).words
    assert label not in without.text + without.html
    assert "None" not in without.text + without.html


@pytest.mark.parametrize("locale", ["", "de", "ru-RU", "../ru", "{{7*7}}"])
def test_an_unknown_language_is_answered_in_english(writer: Writer, locale: str) -> None:
    assert write(writer, RegistrationData(), locale=locale).subject == "Welcome to Online Theatre"


HOSTILE = [
    "{{7*7}}",
    "{{ ''.__class__.__mro__ }}",
    "{% include 'layout.html' %}",
    "${7*7} <%= 7*7 %> #{7*7}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'); DROP TABLE users; --",
    "&lt;b&gt;",
    "javascript:alert(1)",
    "</title></td></table><h1>pwned",
    "\u202etxt.exe",
    "https://evil.example/",
    "👩🏽‍🚀 e\u0301",
]


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("status", ["succeeded", "failed", "refunded"])
def test_values_are_shown_as_they_are_and_never_evaluated(writer: Writer, words: str, status: str) -> None:
    """RELIABILITY S-N3."""
    mail = write(writer, payment(status, title=words, message=words), login=words)
    plain = write(writer, payment(status, title="x", message="x"), login="x")
    html = Reader(mail.html)
    assert mail.text.count(words) == plain.text.count("Покупка: x") + (2 if status == "failed" else 1)
    assert words in html.words
    assert {tag: len(found) for tag, found in html.elements.items()} == {
        tag: len(found) for tag, found in Reader(plain.html).elements.items()
    }
    assert html.links == {PAYMENTS_URL, "https://theatre.example"}
    assert "49" not in re.sub(r"[\w-]{36}", "", unescape(mail.html).replace(words, "")) + mail.text.replace(
        words, ""
    )


def test_a_value_that_a_template_misses_is_an_error_and_not_a_gap(writer: Writer) -> None:
    class Broken(RegistrationData):
        @property
        def template(self) -> str:
            return "payment_succeeded"

    with pytest.raises(Unwritable, match="payment_succeeded"):
        write(writer, Broken())


@pytest.mark.parametrize(
    ("money", "ru", "en"),
    [
        (Money(39900, "RUB"), "399,00\u00a0₽", "RUB\u00a0399.00"),
        (Money(5, "RUB"), "0,05\u00a0₽", "RUB\u00a00.05"),
        (Money(123456789, "RUB"), "1\u00a0234\u00a0567,89\u00a0₽", "RUB\u00a01,234,567.89"),
        (Money(500, "JPY"), "500\u00a0¥", "JPY\u00a0500"),
        (Money(5000, "KWD"), "5,000\u00a0KWD", "KWD\u00a05.000"),
    ],
)
def test_money_is_written_for_people_with_all_its_digits(money: Money, ru: str, en: str) -> None:
    assert (format_amount(money, "ru"), format_amount(money, "en")) == (ru, en)
