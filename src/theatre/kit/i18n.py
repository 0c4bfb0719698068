"""Languages of people: which one to answer in, texts by key, and how money, dates and counts look in it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from importlib.resources import files

from theatre.kit.money import Money, to_decimal

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "en"
MAX_PREFERENCES = 20

SYMBOLS = {"RUB": "₽", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KZT": "₸"}
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"

MONTHS = {
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "en": "January February March April May June July August September October November December",
}


def negotiate(accept_language: str, *, chosen: str = "") -> str:
    """Choose the language to answer in: the one chosen before, else the browser's best, else the default."""
    if chosen in LOCALES:
        return chosen
    wanted = [_preference(part) for part in accept_language.split(",")[:MAX_PREFERENCES]]
    for language, weight in sorted(wanted, key=lambda preference: -preference[1]):
        if language in LOCALES and weight > 0:
            return language
    return DEFAULT_LOCALE


def _preference(part: str) -> tuple[str, float]:
    tag, _, parameter = part.partition(";")
    language = tag.strip().lower().partition("-")[0]
    if not parameter.strip():
        return language, 1.0
    name, _, weight = parameter.partition("=")
    try:
        return language, float(weight) if name.strip() == "q" else 0.0
    except ValueError:
        return language, 0.0


def plural(locale: str, number: int) -> str:
    """Name the form of a noun after a whole number (CLDR): `one`, `few` or `many`; English has no `few`."""
    if locale == "en":
        return "one" if number == 1 else "many"
    if number % 10 == 1 and number % 100 != 11:
        return "one"
    return "few" if 2 <= number % 10 <= 4 and not 12 <= number % 100 <= 14 else "many"


def format_money(money: Money, locale: str, *, is_exact: bool = False) -> str:
    """Write an amount for people: `1 399,50 ₽`, `₽1,399.50`; a whole one goes without `.00` unless `is_exact`."""
    whole, _, part = to_decimal(money).lstrip("-").partition(".")
    grouped = f"{int(whole):,}"
    if part.strip("0") or (is_exact and part):
        grouped = f"{grouped}.{part}"
    sign = MINUS if money.amount_minor < 0 else ""
    if locale == "ru":
        number = grouped.translate({ord(","): NO_BREAK_SPACE, ord("."): ","})
        return f"{sign}{number}{NO_BREAK_SPACE}{SYMBOLS.get(money.currency, money.currency)}"
    if money.currency in SYMBOLS:
        return f"{sign}{SYMBOLS[money.currency]}{grouped}"
    return f"{sign}{grouped}{NO_BREAK_SPACE}{money.currency}"


def format_decimal(value: float, locale: str) -> str:
    """Write a number to one place: `8,1` in Russian, `8.1` in English."""
    return f"{value:.1f}".replace(".", "," if locale == "ru" else ".")


def format_date(moment: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """Write the day of a moment: `5 марта 2026`."""
    at = moment.astimezone(zone)
    return f"{at.day}{NO_BREAK_SPACE}{MONTHS[locale].split()[at.month - 1]} {at.year}"


def format_moment(moment: datetime, locale: str, zone: tzinfo = UTC) -> str:
    """Write a moment to the minute: `5 March 2026, 14:05 UTC`."""
    at = moment.astimezone(zone)
    return f"{format_date(at, locale, zone)}, {at:%H:%M}{NO_BREAK_SPACE}{at:%Z}"


class Catalogue:
    """Texts by language and key; `{name}` in a text is filled in."""

    def __init__(self, texts: Mapping[str, Mapping[str, str]]) -> None:
        self._texts = texts

    @classmethod
    def of_package(cls, package: str) -> "Catalogue":
        """Read the texts of a package: `texts/<locale>.json`, or `texts/<part>.<locale>.json` of each of its parts."""
        texts: dict[str, dict[str, str]] = {name: {} for name in LOCALES}
        for file in (files(package) / "texts").iterdir():
            locale = file.name.removesuffix(".json").rpartition(".")[2]
            texts[locale].update(json.loads(file.read_text("utf-8")))
        return cls(texts)

    def text(self, locale: str, key: str, **values: object) -> str:
        """Give a text.

        Raises:
            KeyError: there is no such text, or a value that it needs is missing.
        """
        return self._texts[locale][key].format(**values)

    def find(self, locale: str, key: str) -> str | None:
        """Give a text as it stands if there is one: for keys that come from elsewhere."""
        return self._texts[locale].get(key)

    def part(self, locale: str, prefix: str) -> dict[str, str]:
        """Give the texts whose keys begin so, by the rest of their keys."""
        return {
            key.removeprefix(prefix): text
            for key, text in self._texts[locale].items()
            if key.startswith(prefix)
        }

    def count(self, locale: str, key: str, number: int) -> str:
        """Give the text for a whole number of things, from `<key>.one`, `<key>.few` and `<key>.many`."""
        return self.text(locale, f"{key}.{plural(locale, number)}", number=number)
