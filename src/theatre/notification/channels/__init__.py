"""The port through which mail leaves, and what a mail is. Members: `smtp` and the local `mailbox`."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from theatre.notification.errors import Unwritable

MAX_HEADER_CHARACTERS = 400
# Encoded words too: some Python versions decode them while writing a header, and what they hide may be a line break.
UNSAFE_IN_HEADER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|=\?")


def is_safe_header(value: str) -> bool:
    """Tell whether a header may have a value: neither too long nor able to become another header."""
    return len(value) <= MAX_HEADER_CHARACTERS and UNSAFE_IN_HEADER.search(value) is None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to one address. `message_id` is the same at every try, so that a repeat can be recognised. By one POST to
    `unsubscribe_url` its reader gets no more of its kind; there is none where that cannot be had.

    Raises:
        Unwritable: a header value is too long or could become another header.
    """

    message_id: str
    to: str
    subject: str
    text: str
    html: str
    written_at: datetime
    unsubscribe_url: str | None = None

    def __post_init__(self) -> None:
        for value in (self.message_id, self.to, self.subject, self.unsubscribe_url or ""):
            if not is_safe_header(value):
                raise Unwritable("A header value is too long or unsafe.")


class Channel(Protocol):
    """A way for mail to leave."""

    async def send(self, mail: Mail) -> None:
        """Return when somebody else is responsible for the mail; it may arrive twice, with one Message-ID.

        Raises:
            Undeliverable: this address will never take it.
            Deferred: asked to come later.
            ChannelAway: nothing is known; it may even have arrived.
        """
