"""E-mail addresses: exactly one, without a name, comments or quotes, as a mail server takes it."""

import re

# RFC 5321's dot-string, less than a full mailbox on purpose; the domain may still be in any script
ADDRESS = re.compile(r"(?P<local>[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@(?P<domain>[^\s@]{1,253})")
DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
ENCODED_WORD = "=?"


def read_address(text: str) -> str:
    """Give the address in ASCII.

    Raises:
        ValueError: it is none, several, or more than an address.
    """
    match = ADDRESS.fullmatch(text)
    if match is None or ENCODED_WORD in text:
        raise ValueError("not a plain e-mail address")
    domain = match["domain"].encode("idna").decode()
    if DOMAIN.fullmatch(domain) is None:
        raise ValueError("not a plain e-mail address")
    return f"{match['local']}@{domain}"
