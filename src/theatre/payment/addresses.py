"""Where a browser may be sent after paying: pages of ours and nothing else."""

import re

from theatre.payment.errors import ReturnUrlForeign

MAX_CHARACTERS = 2_048
# what RFC 3986 allows in path, query and fragment: no space, backslash, control character or other alphabet
REST = re.compile(r"(?:[/?#](?:[A-Za-z0-9._~!$&'()*+,;=:@/?#-]|%[0-9A-Fa-f]{2})*)?", re.ASCII)


def check_return_url(url: str, *, public_url: str) -> None:
    """Make sure that an address lies under our own; a strict pattern leaves browsers nothing to read differently.

    Raises:
        ReturnUrlForeign
    """
    own = public_url.rstrip("/")
    if len(url) > MAX_CHARACTERS or not url.startswith(own) or not REST.fullmatch(url[len(own) :]):
        raise ReturnUrlForeign
