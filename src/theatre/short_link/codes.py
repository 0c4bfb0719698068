"""Codes of short links: too long to be guessed, without letters that people mistake for each other."""

import re
import secrets

ALPHABET = "23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
# 56 letters, 23 of them: 133 bits, so that a code may stand for a payment or a confirmation
LENGTH = 23
FORM = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")


def new_code() -> str:
    """Draw a code from the system's source of secrets."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def is_code(text: str) -> bool:
    """Tell whether a text could be a code at all."""
    return FORM.fullmatch(text) is not None
