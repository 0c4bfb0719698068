"""What can go wrong at a page, besides what the kit knows."""

import re
from dataclasses import dataclass

from theatre.kit.errors import Conflict, Forbidden

WORD = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")


@dataclass(frozen=True, slots=True)
class Fault:
    """What another service found wrong with one field: a code, and a sentence of its own in English."""

    field: str
    code: str
    message: str


class Declined(Conflict):
    """Another service said no, for a reason that the user should read.

    `word` is its code, `faults` is what it found wrong, if it did.
    """

    code = "web.declined"

    def __init__(self, word: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__()
        self.word = word if WORD.match(word) else self.code
        self.faults = faults

    @property
    def fields(self) -> tuple[str, ...]:
        """Name the fields at fault."""
        return tuple(fault.field for fault in self.faults)


class ForgedForm(Forbidden):
    """A form that this visitor was not given by us, or not in this session."""

    code = "web.form_refused"
    title = "The form is not ours or out of date"
