"""Names of users: when two are the same, which language somebody prefers."""

import unicodedata
from enum import StrEnum

from theatre.kit.i18n import negotiate


class Locale(StrEnum):
    """Languages that we write in."""

    RU = "ru"
    EN = "en"


def fold(name: str) -> str:
    """Give the form by which logins and e-mail addresses are compared: without case, in one spelling."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return unicodedata.normalize("NFKC", folded)


def preferred_locale(accept_language: str) -> Locale:
    """Choose a language by an Accept-Language header; Russian where it names none of ours."""
    return Locale(negotiate(f"{accept_language}, {Locale.RU};q=0.001"))
