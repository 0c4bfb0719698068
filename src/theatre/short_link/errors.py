"""What short_link refuses."""

from theatre.kit.errors import Invalid, NotFound, Problem, Transient


class AddressRefused(Invalid):
    """The address is malformed, leads where links may not lead, or back to a short link."""

    code = "short_link.address_refused"
    title = "A short link may not lead to this address"

    def __init__(self, reason: str) -> None:
        super().__init__(errors=[{"field": "url", "code": self.code, "message": reason}])


class LinkNotFound(NotFound):
    """No such link, or not the caller's."""

    code = "short_link.not_found"
    title = "No such link"


class LinkExpired(Problem):
    """The link's time is over."""

    code = "short_link.expired"
    status = 410
    title = "This link has expired"


class NoFreeCode(Transient):
    """Every code that was tried is taken."""

    code = "short_link.no_free_code"
