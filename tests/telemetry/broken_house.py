"""`theatre` with a defect in a route, a consumer and a job of billing: each knows a secret, and babbles about it."""

import os
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from theatre import cli
from theatre.billing import entitlements, payments, settlements

SECRET = os.environ["PLANTED_SECRET"]


class Planted(Exception):
    """The defect."""


def breaking(place: str) -> Callable[..., Awaitable[NoReturn]]:
    """Make the verb that breaks."""

    async def break_down(*arguments: Any, **further: Any) -> NoReturn:
        knows_too_much = {"secret": SECRET, "arguments": arguments, "further": further}
        raise Planted(f"{place}: {knows_too_much['secret']!r} of {SECRET}@example.com, Bearer {SECRET}")

    return break_down


if __name__ == "__main__":
    setattr(entitlements, "check", breaking("route"))  # noqa: B010
    setattr(settlements, "settle", breaking("consumer"))  # noqa: B010
    setattr(payments, "expire_due", breaking("job"))  # noqa: B010
    cli.main()
