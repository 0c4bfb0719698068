"""What staff type into forms of the panel; the doors say what is wrong with it."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from theatre.kit.fields import Storable, Word


def _with_plain_ends(text: str) -> str:
    """Browsers send the ends of lines as for a telegraph."""
    return text.replace("\r\n", "\n")


Typed = Annotated[str, StringConstraints(max_length=10_000, strip_whitespace=True), Storable]
Written = Annotated[str, StringConstraints(max_length=120_000), AfterValidator(_with_plain_ends), Storable]
"""What may be long: a letter, a list of ids."""


class Typing(BaseModel):
    """What was typed into a form."""

    model_config = ConfigDict(frozen=True)

    key: Word
