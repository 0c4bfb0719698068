"""What staff write to many: templates and mailings, read from forms, sent as notification's doors want them. Pure.

Values stand in forms one to a line: `name = value`. What is wrong with anything is for the doors to say; it is then
said beside the field of the form that it came from.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from theatre.web.admin_catalogue import LANGUAGES, moment_of, number_of
from theatre.web.admin_message_schemas import Wording
from theatre.web.errors import Fault

PARTS = ("subject", "text", "html")
NAMING = {"undeclared_variable", "missing_variable"}
MOST_TOLD_CHARACTERS = 300


def wording_of(form: Mapping[str, str], *, is_packaged: bool) -> dict[str, Any]:
    """Read a wording; what a template of the house may name is the house's to say."""
    texts = {locale: _text_of(form, locale) for locale in LANGUAGES}
    return {"texts": texts, "variables": {} if is_packaged else values_of(form["variables"])}


def _text_of(form: Mapping[str, str], locale: str) -> dict[str, str | None]:
    written = {part: form[f"{part}_{locale}"] for part in PARTS}
    return {**written, "html": written["html"] if written["html"].strip() else None}


def typed_of(wording: Wording) -> dict[str, str]:
    """Write a wording into a form."""
    texts = {
        f"{part}_{locale}": getattr(reading, part) or ""
        for locale, reading in wording.texts.items()
        for part in PARTS
    }
    return {**texts, "variables": lines_of(wording.variables)}


def values_of(lines: str) -> dict[str, str]:
    """Read values, one to a line; a line without `=` names one that is empty."""
    pairs = (line.partition("=") for line in lines.splitlines() if line.strip())
    return {name.strip(): value.strip() for name, _, value in pairs}


def lines_of(values: Mapping[str, str]) -> str:
    """Write values, one to a line."""
    return "\n".join(f"{name} = {' '.join(value.splitlines())}" for name, value in values.items())


def mailing_of(form: Mapping[str, str], zone: tzinfo) -> dict[str, Any]:
    """Read a new mailing."""
    return {
        **counted_of(form),
        "name": form["name"],
        "lines": {
            locale: {"title": form[f"title_{locale}"], "text": form[f"text_{locale}"]} for locale in LANGUAGES
        },
        "link": form["link"],
        "template_code": form["template_code"] or None,
        "values": values_of(form["values"]) if form["template_code"] else {},
        "starts_at": moment_of(form["starts_at"], zone),
        "cron": form["cron"] or None,
        "zone": form["zone"],
        "rate_per_minute": number_of(form["rate_per_minute"]),
    }


def counted_of(form: Mapping[str, str]) -> dict[str, Any]:
    """Read whom a mailing is for, and of what kind it is: what a count needs."""
    named = {"user_ids": form["user_ids"].replace(",", " ").split()} if form["audience"] == "users" else {}
    return {"category": form["category"], "audience": {"kind": form["audience"], **named}}


def beside(faults: Sequence[Fault]) -> dict[str, list[Fault]]:
    """Sort what a door found wrong to the fields of the form; the first part of a field's name is enough to find it."""
    sorted_faults: dict[str, list[Fault]] = {}
    for fault in faults:
        told = fault.message[:MOST_TOLD_CHARACTERS]
        message = told.partition(" ")[0].rstrip(":") if fault.code in NAMING else told
        sorted_faults.setdefault(_field_of(fault.field), []).append(Fault(fault.field, fault.code, message))
    return sorted_faults


def _field_of(name: str) -> str:
    """Name the field of a form from which a field of a body came: `texts.ru.html` from `html_ru`."""
    match name.removeprefix("draft.").split("."):
        case ["texts" | "lines", locale, part, *_]:
            return f"{part}_{locale}"
        case ["audience", *_, "user_ids"] | ["audience", *_, "user_ids", _]:
            return "user_ids"
        case [first, *_]:
            return first
    return ""
