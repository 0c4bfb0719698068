"""Which passwords we take. Length decides, not composition; they are verified exactly as given."""

from functools import cache
from importlib.resources import files

from theatre.auth.errors import WeakPassword
from theatre.auth.names import fold

DIGITS = "1234567890"
STEMS = ("password", "passw0rd", "qwerty", "admin", "theatre", "iloveyou", "welcome", "пароль", "йцукен")


def check_policy(password: str, *, login: str, email: str) -> None:
    """Refuse what a guesser would try first.

    Raises:
        WeakPassword: it is the user's own login or address, or one of the most common passwords.
    """
    folded = fold(password)
    if folded in {fold(login), fold(email), fold(email).partition("@")[0]}:
        raise WeakPassword("password_equals_name", "The password must differ from the login and the e-mail.")
    if is_common(folded):
        raise WeakPassword("password_too_common", "This password is one of the most common ones.")


def is_common(folded: str) -> bool:
    """Tell whether a password is on the list, one character repeated, or a common word and digits in a row."""
    tails = [folded.removeprefix(stem) for stem in ("", *STEMS) if folded.startswith(stem)]
    is_row = any((DIGITS * len(tail)).startswith(tail) for tail in tails)
    return is_row or len(set(folded)) == 1 or folded in common_passwords()


@cache
def common_passwords() -> frozenset[str]:
    """Read the passwords of at least eight characters that head the published lists of broken ones."""
    return frozenset(files("theatre.auth").joinpath("common_passwords.txt").read_text("utf-8").split())
