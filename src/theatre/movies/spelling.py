"""How words are brought to one spelling: small letters, `ё` as `е`, no diacritics, no punctuation. Pure."""

import re
import unicodedata

# of UTF-8: a cursor carries it
MAX_KEY_BYTES = 300
NOT_A_WORD = re.compile(r"[^\w]+|_+")
# letters that Unicode does not take apart by itself
SINGLE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"}
)


def fold(text: str) -> str:
    """Write a text in small letters without diacritics; `й` is a letter of its own and stays."""
    lowered = unicodedata.normalize("NFC", text).lower()
    return "".join(letter if letter == "й" else _bare(letter) for letter in lowered).translate(SINGLE)


def _bare(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return "".join(part for part in parts if not unicodedata.combining(part))


def words_of(text: str) -> list[str]:
    """Split a text into folded words; what joins two parts with an apostrophe is one word."""
    return NOT_A_WORD.sub(" ", fold(text).replace("'", "").replace("’", "")).split()


def sort_key(text: str) -> str:
    """Give what a title or a name is sorted by; one of signs alone by its signs."""
    key = " ".join(words_of(text)) or fold(text)
    return key.encode()[:MAX_KEY_BYTES].decode(errors="ignore")
