"""Fields as Stripe's API takes them, in forms and queries: brackets make objects and lists."""

import re
from typing import Any
from urllib.parse import parse_qsl

from theatre.sandbox.errors import InvalidRequest

NAME = re.compile(r"^([A-Za-z0-9_]{1,64})((?:\[[A-Za-z0-9_.-]{0,64}\]){0,6})$", re.ASCII)
INNER = re.compile(r"\[([^\]]*)\]")
MAX_FIELDS = 1_000

Fields = dict[str, Any]


def read_fields(text: str) -> Fields:
    """Read a form or a query: `a[b][0]=1` becomes `{"a": {"b": ["1"]}}`.

    Raises:
        InvalidRequest: a name that is none, one that stands twice, or too many.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise InvalidRequest("The fields cannot be read") from error
    fields: Fields = {}
    for name, value in pairs:
        match = NAME.match(name)
        if match is None or "\x00" in value:
            raise InvalidRequest("A field cannot be read", parameter=name[:64])
        _put(fields, [match[1], *INNER.findall(match[2])], value, name=name)
    return {name: _listed(value) for name, value in fields.items()}


def _put(fields: Fields, path: list[str], value: str, *, name: str) -> None:
    *way, last = path
    for part in way:
        inner = fields.setdefault(part or str(len(fields)), {})
        if not isinstance(inner, dict):
            raise InvalidRequest("A field is a value and an object", parameter=name)
        fields = inner
    last = last or str(len(fields))
    if last in fields:
        raise InvalidRequest("A field stands twice", parameter=name)
    fields[last] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    plain = {name: _listed(inner) for name, inner in value.items()}
    is_list = [str(number) for number in range(len(plain))] == sorted(
        plain, key=lambda name: (len(name), name)
    )
    return [plain[str(number)] for number in range(len(plain))] if is_list else plain
