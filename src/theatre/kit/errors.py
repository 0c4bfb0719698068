"""Errors that verbs raise and doors turn into answers.

A `Problem` becomes RFC 9457 `application/problem+json` at an HTTP door (`kit/app.py`) and a dead letter at a consumer;
`Transient` becomes 503 at a door and a later redelivery at a consumer.
"""

from collections.abc import Mapping
from typing import ClassVar


class Problem(Exception):
    """Something the caller must be told. `detail` is safe to show to a user.

    Subclasses set `code` (stable machine word, `service.word`), `status` (HTTP) and `title`.
    """

    code: ClassVar[str] = "kit.problem"
    status: ClassVar[int] = 400
    title: ClassVar[str] = "The request could not be carried out"

    def __init__(
        self, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **extra: object
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.headers = dict(headers or {})
        self.extra = extra


class NotFound(Problem):
    """No such object, or not the caller's: the two must not be told apart."""

    code = "kit.not_found"
    status = 404
    title = "Not found"


class Conflict(Problem):
    """The object exists but is in a state that does not allow this."""

    code = "kit.conflict"
    status = 409
    title = "Not possible in the present state"


class Invalid(Problem):
    """Understood but refused: a value breaks a rule. `errors` has the shape of a validation answer."""

    code = "kit.invalid"
    status = 422
    title = "A value is not acceptable"


class Unauthenticated(Problem):
    """No token, or one that does not hold."""

    code = "kit.unauthenticated"
    status = 401
    title = "Sign in first"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class Forbidden(Problem):
    """Known, but not allowed to do this."""

    code = "kit.forbidden"
    status = 403
    title = "Not allowed"


class TooMany(Problem):
    """Over a rate limit; `retry_after_seconds` says when to come back."""

    code = "kit.too_many_requests"
    status = 429
    title = "Too many requests"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__(
            f"Too many requests; try again in {retry_after_seconds} s.",
            headers={"Retry-After": str(retry_after_seconds)},
        )


class Transient(Problem):
    """Something we depend on is away for now: nothing was decided, the same request may be repeated."""

    code = "kit.unavailable"
    status = 503
    title = "Temporarily unavailable"

    def __init__(self, detail: str | None = None, *, retry_after_seconds: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_seconds)})
