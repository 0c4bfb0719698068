"""Topic patterns, as AMQP has them."""

import re


def regex_of(pattern: str) -> str:
    """Turn a pattern into a regular expression over the whole key: `*` is one word, `#` any number of
    words.
    """
    words = [{"*": r"[^.]+", "#": r".*"}.get(word, re.escape(word)) for word in pattern.split(".")]
    joined = r"\.".join(words)
    # "#" may stand for no word at all, and then its dot goes too
    return "^" + joined.replace(r"\..*", r"(\..*)?").replace(r".*\.", r"(.*\.)?") + "$"


def matches(pattern: str, key: str) -> bool:
    """Tell whether a key is one that the pattern takes."""
    return re.match(regex_of(pattern), key) is not None
