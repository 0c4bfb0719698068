"""What the sandbox refuses. At the merchant's API these become YooKassa's error objects (`translation.py`)."""

from theatre.kit.errors import Conflict, Forbidden, Invalid, NotFound, Problem


class InvalidRequest(Problem):
    """A bad parameter or a broken rule; `parameter` is the path of the field at fault, or a header."""

    code = "sandbox.invalid_request"
    status = 400
    title = "The request is not acceptable"

    def __init__(self, detail: str, *, parameter: str | None = None) -> None:
        super().__init__(detail, parameter=parameter)


class InvalidCredentials(Problem):
    """No shop has these credentials."""

    code = "sandbox.invalid_credentials"
    status = 401
    title = "Error in shopId or secret key. Check their validity."

    def __init__(self) -> None:
        super().__init__(headers={"WWW-Authenticate": 'Basic realm="sandbox"'})


class NotAllowed(Forbidden):
    """The shop may not do this."""

    code = "sandbox.forbidden"


class NoSuchObject(NotFound):
    """No such object, or another shop's."""

    code = "sandbox.not_found"
    title = "No such object"


class NothingToPay(NotFound):
    """The address of a hosted page names no payment."""

    code = "sandbox.payment_not_found"
    title = "No such payment"


class NotDeliverable(Conflict):
    """The shop has no address to send the notification to."""

    code = "sandbox.no_notification_url"
    title = "The shop has no notification address"


class NotDisputable(Conflict):
    """A dispute that has ended, or of money that was never taken at Stripe's face."""

    code = "sandbox.not_disputable"
    title = "This cannot be disputed, or has ended"


class ChargeDisputed(InvalidRequest):
    """What is disputed is not given back besides."""

    def __init__(self) -> None:
        super().__init__("This charge has been charged back", parameter="payment_intent")
        self.extra["stripe_code"] = "charge_disputed"


class BadUrl(Invalid):
    """Not an address that can be called."""

    code = "sandbox.bad_url"
    title = "Not an http or https address"


class InjectedOverload(Problem):
    """A switched-on fault: too many requests."""

    code = "sandbox.injected_429"
    status = 429
    title = "Too many requests (injected fault)"


class InjectedFailure(Problem):
    """A switched-on fault: the outcome stays unknown to the caller."""

    code = "sandbox.injected_500"
    status = 500
    title = "Internal server error (injected fault)"
