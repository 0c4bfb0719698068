"""A browser's long name in words that people know. Pure."""

import ua_parser

UNKNOWN = ""


def name_device(user_agent: str) -> str:
    """Name browser and system, `Firefox, Windows`; nothing for what is no browser that we know."""
    found = ua_parser.parse(user_agent)
    families = [part.family for part in (found.user_agent, found.os) if part is not None]
    return ", ".join(family for family in families if family != "Other") or UNKNOWN
