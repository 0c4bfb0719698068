"""Messages shown to staff without anything that may be somebody's: only what names things stays. Pure."""

import json
import re
from typing import Any

PLAIN = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # an id
    r"|[a-z][a-z0-9_]*(\.[a-z0-9_]+)*"  # a machine word
    r"|[A-Z]{3}"  # a currency
    r"|-?\d{1,15}(\.\d{1,4})?"  # an amount
    r"|\d{4}-\d\d-\d\d([T ][\d:.]+(Z|[+-]\d\d:\d\d)?)?"  # a day or a moment
)
PRIVATE = re.compile(
    r"mail|login|name|phone|token|secret|url|address|text|message|title|subject|card|code|trace"
)
MAX_WORD_CHARACTERS = 64


def mask(body: str) -> str:
    """Give a message's body, each text in it replaced by dots unless it is an id, a machine word, an amount or a moment
    of a field that holds nothing private."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return f"••• ({len(body)})"
    return json.dumps(_masked(value, ""), ensure_ascii=False, indent=2)


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner, name) for inner in value]
    if isinstance(value, str) and not _is_plain(value, name):
        return "•••"
    return value


def _is_plain(text: str, name: str) -> bool:
    is_word = len(text) <= MAX_WORD_CHARACTERS and PLAIN.fullmatch(text)
    return bool(is_word) and not PRIVATE.search(name.lower())
