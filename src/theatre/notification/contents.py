"""What a mailing says by e-mail: it stands in for the data of a notification."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Content:
    """Title and text by language, a path of our site or nothing, and values for the template."""

    template: str
    lines: Mapping[str, Mapping[str, str]]
    link: str
    values: Mapping[str, str]
