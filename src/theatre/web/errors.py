"""What can go wrong at a page, besides what the kit knows."""

import re

from theatre.kit.errors import Conflict, Forbidden

WORD = re.compile(r"^[A-Za-z0-9_.:-]{1,64}$")


class Declined(Conflict):
    """Another service said no, for a reason that the user should read.

    `word` is its code, `fields` names what it found fault with, if it did.
    """

    code = "web.declined"

    def __init__(self, word: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.word = word if WORD.match(word) else self.code
        self.fields = fields


class ForgedForm(Forbidden):
    """A form that this visitor was not given by us, or not in this session."""

    code = "web.form_refused"
    title = "The form is not ours or out of date"
