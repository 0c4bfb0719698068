"""Languages, counts, money and dates as people write them."""

from datetime import UTC, datetime

import pytest

from theatre.kit.i18n import Catalogue, format_date, format_moment, format_money, negotiate, plural
from theatre.kit.money import Money


@pytest.mark.parametrize(
    ("accept_language", "locale"),
    [
        ("ru-RU,ru;q=0.9,en;q=0.8", "ru"),
        ("en-GB,en;q=0.9,ru;q=0.8", "en"),
        ("de-DE,ru;q=0.4,en;q=0.3", "ru"),
        ("EN", "en"),
        ("ru;q=0,en;q=0.1", "en"),
        ("de", "en"),
        ("*", "en"),
        ("", "en"),
        (";;;,=,q=,ru;q=abc,ru;x=1", "en"),
        ("," * 10_000 + "ru", "en"),
    ],
)
def test_the_browsers_best_language_is_chosen(accept_language: str, locale: str) -> None:
    assert negotiate(accept_language) == locale


def test_a_language_chosen_before_wins_unless_we_do_not_speak_it() -> None:
    assert negotiate("en", chosen="ru") == "ru"
    assert negotiate("en", chosen="tlh") == "en"


@pytest.mark.parametrize(
    ("number", "form"),
    [
        (0, "many"),
        (1, "one"),
        (2, "few"),
        (5, "many"),
        (11, "many"),
        (14, "many"),
        (21, "one"),
        (112, "many"),
        (122, "few"),
    ],
)
def test_russian_nouns_have_three_forms(number: int, form: str) -> None:
    assert plural("ru", number) == form


def test_english_nouns_have_two_forms() -> None:
    assert [plural("en", number) for number in (0, 1, 2, 21)] == ["many", "one", "many", "many"]


@pytest.mark.parametrize(
    ("money", "russian", "english"),
    [
        (Money(39900, "RUB"), "399 ₽", "₽399"),
        (Money(139950, "RUB"), "1 399,50 ₽", "₽1,399.50"),
        (Money(5, "RUB"), "0,05 ₽", "₽0.05"),
        (Money(0, "RUB"), "0 ₽", "₽0"),
        (Money(-100000, "RUB"), "−1 000 ₽", "−₽1,000"),
        (Money(500, "JPY"), "500 ¥", "¥500"),
        (Money(1500, "KWD"), "1,500 KWD", "1.500 KWD"),
    ],
)
def test_money_is_written_as_each_language_writes_it(money: Money, russian: str, english: str) -> None:
    assert format_money(money, "ru").replace("\u00a0", " ") == russian
    assert format_money(money, "en").replace("\u00a0", " ") == english


def test_moments_are_written_in_utc_and_say_so() -> None:
    moment = datetime.fromisoformat("2026-03-06T01:05:00+03:00")
    assert format_date(moment, "ru").replace("\u00a0", " ") == "5 марта 2026"
    assert format_moment(moment, "en").replace("\u00a0", " ") == "5 March 2026, 22:05 UTC"
    assert format_date(datetime(2026, 12, 31, tzinfo=UTC), "en").replace("\u00a0", " ") == "31 December 2026"


def test_a_text_that_does_not_exist_is_an_error_but_may_be_asked_for() -> None:
    catalogue = Catalogue({"en": {"seat": "Seat {number}"}, "ru": {}})
    assert catalogue.text("en", "seat", number=7) == "Seat 7"
    assert catalogue.find("en", "row") is None
    with pytest.raises(KeyError):
        catalogue.text("ru", "seat", number=7)
