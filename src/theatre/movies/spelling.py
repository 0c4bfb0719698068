"""How words are brought to one spelling: small letters, `ё` as `е`, no diacritics, no punctuation; how Russian words
sound in Latin letters; what was meant on another keyboard. Pure."""

import re
import unicodedata
from functools import lru_cache

REMEMBERED = 50_000
# of UTF-8: a cursor carries it
MAX_KEY_BYTES = 300
# stands for й while diacritics are taken away; a code point that no text has
SHORT_I = "\ue000"
DIACRITICS = re.compile("[\u0300-\u036f]")
NOT_A_WORD = re.compile(r"[^\w]+|_+")
# letters that Unicode does not take apart by itself
SINGLE = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i"}
)


def fold(text: str) -> str:
    """Write a text in small letters without diacritics; `й` is a letter of its own and stays."""
    kept = unicodedata.normalize("NFC", text).replace("й", SHORT_I).replace("Й", SHORT_I)
    bare = DIACRITICS.sub("", unicodedata.normalize("NFKD", kept).lower()).replace(SHORT_I, "й")
    return unicodedata.normalize("NFC", bare).translate(SINGLE)


@lru_cache(maxsize=REMEMBERED)
def words_of(text: str) -> tuple[str, ...]:
    """Split a text into folded words; what joins two parts with an apostrophe is one word."""
    return tuple(NOT_A_WORD.sub(" ", fold(text).replace("'", "").replace("’", "")).split())


def sort_key(text: str) -> str:
    """Give what a title or a name is sorted by; one of signs alone by its signs."""
    key = " ".join(words_of(text)) or fold(text)
    return key.encode()[:MAX_KEY_BYTES].decode(errors="ignore")


ROMAN_LETTERS = str.maketrans(
    {
        **dict(zip("абвгдезийклмнопрстуфыэ", "abvgdeziiklmnoprstufie", strict=True)),
        "ж": "zh",
        "х": "h",
        "ц": "c",
        "ч": "ch",
        "ш": "sh",
        "щ": "sh",
        "ъ": "",
        "ь": "",
        "ю": "u",
        "я": "a",
    }
)
# in this order: many people write Russian in Latin letters, each by rules of their own
SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("shch|sch", "sh"),
        ("kh", "h"),
        ("ph", "f"),
        ("ts|tz|cz", "c"),
        ("ck|q", "k"),
        ("x", "ks"),
        ("w", "v"),
        ("[yj]o", "e"),
        ("[yji]([aeou])", r"\1"),
        ("[yj]", "i"),
        ("zh|j", "zh"),
        (r"(.)\1+", r"\1"),
    )
]


@lru_cache(maxsize=REMEMBERED)
def sound_of(word: str) -> str:
    """Write a folded word as it sounds, in Latin letters, so that `брат`, `brat` and `Bratt` are one."""
    sound = word.translate(ROMAN_LETTERS)
    for pattern, replacement in SOUNDS:
        sound = pattern.sub(replacement, sound)
    return sound


def slips_in(word: str) -> int:
    """Tell how many slips of the finger a word may have, by its letters."""
    return 0 if len(word) < 4 else 1 if len(word) < 8 else 2


LATIN_KEYS = "`qwertyuiop[]asdfghjkl;'zxcvbnm,."
RUSSIAN_KEYS = "ёйцукенгшщзхъфывапролджэячсмитьбю"
OTHER_KEYBOARD = str.maketrans(
    {
        **dict(zip(LATIN_KEYS, RUSSIAN_KEYS, strict=True)),
        **dict(zip(RUSSIAN_KEYS, LATIN_KEYS, strict=True)),
        "{": "х",
        "}": "ъ",
        ":": "ж",
        '"': "э",
        "<": "б",
        ">": "ю",
        "~": "ё",
    }
)


def on_other_keyboard(text: str) -> str:
    """Write what the same keys would have given on the other keyboard: `ghbdtn` is `привет`."""
    return text.lower().translate(OTHER_KEYBOARD)
