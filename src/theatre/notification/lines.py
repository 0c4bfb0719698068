"""The short reading of a notification, in every language: a title and a text, as the inbox shows them."""

from functools import cache
from typing import TypeAlias

from theatre.kit.i18n import LOCALES, Catalogue
from theatre.notification.kinds import Data, NewMovieData, PaymentStatusData
from theatre.notification.mails import format_amount

Lines: TypeAlias = dict[str, dict[str, str]]
"""`{locale: {"title": …, "text": …}}`"""


@cache
def read_texts() -> Catalogue:
    """Read the package's texts once."""
    return Catalogue.of_package("theatre.notification")


def write_lines(data: Data) -> Lines:
    """Write the lines of a notification in every language."""
    return {locale: _write(data, locale) for locale in LOCALES}


def _write(data: Data, locale: str) -> dict[str, str]:
    texts, values = read_texts(), _values(data, locale)
    return {
        "title": texts.text(locale, f"{data.template}.title", **values),
        "text": texts.text(locale, f"{data.template}.text", **values).strip(),
    }


def _values(data: Data, locale: str) -> dict[str, str]:
    if isinstance(data, NewMovieData):
        return {"title": data.titles.of(locale)}
    if not isinstance(data, PaymentStatusData):
        return {}
    return {
        "title": data.title,
        "amount": format_amount(data.to_money(), locale),
        "message": data.message or "",
    }
