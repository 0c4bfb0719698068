"""What the wallet system refuses."""

from theatre.kit.errors import Invalid, NotFound, Problem


class TokenInvalid(Problem):
    """No token, or one that is worth nothing."""

    code = "sandbox.yoomoney_token_invalid"
    status = 401
    title = "The token is not valid"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


class ScopeTooNarrow(Problem):
    """The token was not given for this."""

    code = "sandbox.yoomoney_insufficient_scope"
    status = 403
    title = "The token does not allow this"

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Bearer error="insufficient_scope"'})


class AskedWrongly(Invalid):
    """An authorisation or a form that cannot be shown to anybody."""

    code = "sandbox.yoomoney_request_wrong"
    status = 400
    title = "The request is not acceptable"


class NothingHere(NotFound):
    """No such form, transfer or wallet."""

    code = "sandbox.yoomoney_not_found"
    title = "There is nothing here"
