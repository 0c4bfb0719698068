"""The templates that come with the code: which there are, the values that they name, and how they read to staff."""

from functools import cache

from jinja2 import Environment, meta, nodes

from theatre.kit.i18n import DEFAULT_LOCALE, LOCALES
from theatre.notification.stationery import open_templates
from theatre.notification.wordings import BUILT_IN, Places, Reading, Wording

# what a preview says where nobody gave a value
SAMPLES = {
    "ru": {
        "title": "Соната для двух роялей",
        "text": "Сегодня в кинотеатре.",
        "amount": "399,00\u00a0₽",
        "occurred_at": "26.11.2026 19:30 UTC",
        "device": "Firefox, Linux",
        "life": "30 мин",
        "until": "26 декабря 2026, 19:30 UTC",
        "is_hopeless": "да",
    },
    "en": {
        "title": "Sonata for Two Pianos",
        "text": "Tonight at the theatre.",
        "amount": "RUB\u00a0399.00",
        "occurred_at": "2026-11-26 19:30 UTC",
        "device": "Firefox, Linux",
        "life": "30 min",
        "until": "26 December 2026, 19:30 UTC",
        "is_hopeless": "yes",
    },
}
MESSAGES = {"ru": "Карта просрочена", "en": "The card has expired"}
LOGIN, ADDRESS, SITE = "alice", "198.51.100.7", "https://theatre.example"
PAYMENT_ID = "0197f000-0000-7000-8000-000000000001"


@cache
def list_codes() -> tuple[str, ...]:
    """Name the templates."""
    names = open_templates().list_templates(extensions=["txt"])
    return tuple(sorted({name.partition("/")[2].removesuffix(".txt") for name in names}))


@cache
def places_of(code: str) -> Places:
    """Give the values of a template: those that it always names are required of whoever rewrites it."""
    environment = open_templates()
    # the text names all values, the page no others
    tree = environment.parse(_source(environment, f"{DEFAULT_LOCALE}/{code}.txt"))
    named = frozenset(meta.find_undeclared_variables(tree))
    tests = [choice.test for choice in tree.find_all(nodes.If)]
    may_lack = frozenset(test.name for test in tests if isinstance(test, nodes.Name))
    return Places(named - BUILT_IN - may_lack, BUILT_IN | named)


@cache
def read(code: str) -> Wording:
    """Read a template as staff could write it: its subject and text; the page is our own."""
    environment = open_templates()
    texts = {}
    for locale in LOCALES:
        subject, _, text = _source(environment, f"{locale}/{code}.txt").partition("\n")
        texts[locale] = Reading(subject=subject, text=text.lstrip("\n"))
    return Wording(texts, samples_of(code, DEFAULT_LOCALE))


def samples_of(code: str, locale: str) -> dict[str, str]:
    """Give something to show for every value of a template."""
    places = places_of(code)
    return {name: sample_of(name, locale) for name in sorted(places.required | places.optional)}


def sample_of(name: str, locale: str) -> str:
    """Give something to show for a value."""
    if name == "link" or name.endswith("_url"):
        return f"{SITE}/films"
    known = {
        "login": LOGIN,
        "address": ADDRESS,
        "payment_id": PAYMENT_ID,
        "message": MESSAGES[locale],
        **SAMPLES[locale],
    }
    return known.get(name, f"[{name}]")


def _source(environment: Environment, name: str) -> str:
    if environment.loader is None:
        raise AssertionError("`open_templates` has a loader")
    return environment.loader.get_source(environment, name)[0]
