"""The settings part of docs/operations.md, made from the settings classes: `python -m scripts.settings_page`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from theatre.embedded.settings import HouseSettings
from theatre.kit.settings import ServiceSettings
from theatre.registry import SERVICES, Service

PAGE = Path(__file__).parents[1] / "docs" / "operations.md"
BEGIN = "<!-- made by `python -m scripts.settings_page`: do not edit -->"
END = "<!-- made until here -->"
SHARED = ServiceSettings.model_fields.keys()


def renew(page: str) -> str:
    """Give the page with the part between the marks made anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    written = "\n".join(tables())
    return f"{before}{BEGIN}\n{written}\n\n{END}{after}"


def tables() -> Iterator[str]:
    """Write a table of what all services share, one for each service's own, and one for the house."""
    yield from section("Of all services", "variable", "default", "read by", "what it is")
    for name in SHARED:
        yield row(f"`{shared_variable(name)}`", *described(ServiceSettings, name, readers_of(name)))
    for service in SERVICES:
        yield from own_table(f"Of {service.name}: {roles_of(service)}", service.settings)
    yield from own_table("Of `theatre up`", HouseSettings)


def section(title: str, *columns: str) -> Iterator[str]:
    """Begin a table."""
    yield from ("", f"### {title}", "", row(*columns), row(*["---"] * len(columns)))


def own_table(title: str, cls: type[ServiceSettings]) -> Iterator[str]:
    """Write what a class adds, or gives another default than the others have."""
    yield from section(title, "variable", "default", "what it is")
    for name, field in cls.model_fields.items():
        if name not in SHARED or field.default != ServiceSettings.model_fields[name].default:
            yield row(f"`{cls.variable(name)}`", *described(cls, name))


def described(cls: type[ServiceSettings], name: str, *further: str) -> list[str]:
    """Write the columns that tell of one setting."""
    field = cls.model_fields[name]
    secret = "secret; " if name in cls.secrets() else ""
    return [default_of(field), *further, f"{secret}{field.description}{limits_of(field)}"]


def row(*columns: str) -> str:
    """Write one line of a table."""
    return f"| {' | '.join(columns)} |"


def shared_variable(name: str) -> str:
    """Name the variable that sets something for all services."""
    own = ServiceSettings.model_fields[name].validation_alias
    return ServiceSettings.variable(name) if own else f"THEATRE_{name.upper()}"


def default_of(field: FieldInfo) -> str:
    """Write a default as an operator would give it."""
    value: Any = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if value is None or value in ("", [], {}, ()):
        return "–"
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    if isinstance(value, dict):
        value = str(value).replace("'", '"')
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def limits_of(field: FieldInfo) -> str:
    """Write between which numbers a value must be."""
    limits = {
        word: getattr(mark, sign)
        for mark in field.metadata
        for sign, word in (("ge", "from"), ("gt", "above"), ("le", "to"))
        if getattr(mark, sign, None) is not None
    }
    return f" ({' '.join(f'{word} {limit}' for word, limit in limits.items())})" if limits else ""


def readers_of(name: str) -> str:
    """Name the services that look at what all can be told."""
    deaf = [service.name for service in SERVICES if name in service.settings.unused]
    return f"all but {', '.join(deaf)}" if deaf else "all"


def roles_of(service: Service) -> str:
    """Name the commands that read a service's settings."""
    verbs = ["serve", *(["work"] if service.has_worker else []), *(["init"] if service.has_schema else [])]
    return ", ".join(f"`{verb} {service.name}`" for verb in verbs)


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text()))
