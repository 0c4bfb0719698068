"""Wordings: the texts of a mail that staff write, in every language, with places for values.

They may name values, choose by them and put them through a few filters, and nothing else: no loops, calls, arithmetic
or includes. So what a rendering takes is bounded by the size of the text and of the values. All this is checked when a
wording is saved. Values are never read as templates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from jinja2 import StrictUndefined, Template, TemplateError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict

from theatre.kit.errors import Invalid
from theatre.kit.i18n import LOCALES
from theatre.notification.channels import is_safe_header
from theatre.notification.errors import Unwritable

MAX_OUTPUT_CHARACTERS = 200_000
KEPT_COMPILED = 512
# what every mail may name
BUILT_IN = frozenset({"login", "home_url"})
FILTERS = frozenset(
    {"capitalize", "default", "e", "escape", "length", "lower", "title", "trim", "truncate", "upper"}
)
ALLOWED: tuple[type[nodes.Node], ...] = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Keyword),
    *(nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
)


class Reading(BaseModel):
    """A mail as it is read. As a template: `html` may be left out, and is then made of the text."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    subject: str
    text: str
    html: str | None = None


@dataclass(frozen=True, slots=True)
class Wording:
    """A text in every language, and the values that it declares, each with a sample."""

    texts: Mapping[str, Reading]
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Places:
    """The values that a wording must name, and those that it may name besides."""

    required: frozenset[str]
    optional: frozenset[str] = BUILT_IN


class UnfitWording(Invalid):
    """A text that cannot be saved; `errors` name each place at fault."""

    code = "notification.unfit_wording"
    title = "A text of this template cannot be used"


def check(wording: Wording, places: Places) -> None:
    """Let a wording through that renders whatever its values are.

    Raises:
        UnfitWording: names every text at fault, and the value that is not declared or is missing.
    """
    faults = [fault for locale in LOCALES for fault in _faults(locale, wording.texts[locale], places)]
    if faults:
        errors = [{"field": field, "code": code, "message": message} for field, code, message in faults]
        raise UnfitWording(faults[0][2], errors=errors[:20])


def _faults(locale: str, reading: Reading, places: Places) -> Iterator[tuple[str, str, str]]:
    named: dict[str, frozenset[str]] = {}
    for part, source in reading:
        field = f"texts.{locale}.{part}"
        if source is None:
            continue
        try:
            named[part] = names_in(source, is_html=part == "html")
        except UnfitWording as error:
            yield field, "template_syntax", error.detail
            return
        for name in sorted(named[part] - places.required - places.optional):
            yield field, "undeclared_variable", f"{name} is not declared."
    for part in named.keys() - {"subject"}:
        for name in sorted(places.required - named[part] - named["subject"]):
            yield f"texts.{locale}.{part}", "missing_variable", f"{name} is declared and not used."
    if not is_safe_header(reading.subject):
        yield f"texts.{locale}.subject", "unsafe_header", "The subject could become another header."


def names_in(source: str, *, is_html: bool = False) -> frozenset[str]:
    """Give the values that a text names.

    Raises:
        UnfitWording: it is no template, or uses what is not allowed.
    """
    try:
        tree = ENVIRONMENTS[is_html].parse(source)
        found = list(_walk(tree))
        _compile(source, is_html)
    except TemplateError as error:
        raise UnfitWording(f"Line {getattr(error, 'lineno', 1)}: {error.message}") from error
    except (RecursionError, SyntaxError, MemoryError, ValueError) as error:
        raise UnfitWording("The text is nested too deeply.") from error
    return frozenset(node.name for node in found if isinstance(node, nodes.Name))


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    if not isinstance(node, ALLOWED):
        raise UnfitWording(f"Line {node.lineno}: {type(node).__name__} is not allowed in a text.")
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise UnfitWording(f"Line {node.lineno}: there is no filter {node.name} here.")
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child)


def render(wording: Wording, locale: str, values: Mapping[str, object]) -> Reading:
    """Fill in a wording.

    Raises:
        Unwritable: a value is missing, or the result is too long.
    """
    source = wording.texts[locale]
    text = fill(source.text, values)
    return Reading(
        subject=fill(source.subject, values).strip(),
        text=text,
        html=html_of(text) if source.html is None else fill(source.html, values, is_html=True),
    )


def fill(source: str, values: Mapping[str, object], *, is_html: bool = False) -> str:
    """Fill in one text.

    Raises:
        Unwritable
    """
    chunks, size = [], 0
    try:
        for chunk in _compile(source, is_html).generate(values):
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_OUTPUT_CHARACTERS:
                raise Unwritable("The mail is too long.")
    except (TemplateError, TypeError, ValueError) as error:
        raise Unwritable(f"The values do not fit the template: {error}.") from error
    return "".join(chunks)


def html_of(text: str) -> str:
    """Set a plain text as paragraphs."""
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    lines = ("<br>\n".join(map(escape, part.splitlines())) for part in paragraphs)
    return "\n".join(f'<p style="margin:0 0 16px;">{line}</p>' for line in lines)


def _environment(*, is_html: bool) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


ENVIRONMENTS = {is_html: _environment(is_html=is_html) for is_html in (False, True)}


@lru_cache(maxsize=KEPT_COMPILED)
def _compile(source: str, is_html: bool) -> Template:
    return ENVIRONMENTS[is_html].from_string(source)
