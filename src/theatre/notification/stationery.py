"""The templates of mails and pages: files of this package, rendered in a sandbox, never from a value."""

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment


def open_templates() -> Environment:
    """Make the environment; what a template needs and is not given is an error, and HTML is escaped."""
    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("theatre.notification"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
