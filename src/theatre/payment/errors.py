"""What payment refuses, in words for its callers."""

from typing import ClassVar

from theatre.kit.errors import Conflict, Forbidden, Invalid, NotFound, Problem, Transient


class AttemptNotFound(NotFound):
    """Payment never heard of this attempt."""

    code: ClassVar[str] = "payment.attempt_not_found"


class ProviderNotFound(NotFound):
    """No such payment system here."""

    code: ClassVar[str] = "payment.provider_not_found"


class OperationsNotListed(NotFound):
    """No payment system of this name here can list what it did."""

    code: ClassVar[str] = "payment.operations_not_listed"


class PeriodInvalid(Invalid):
    """A time that ends before it begins, or is longer than one may ask for."""

    code: ClassVar[str] = "payment.period_invalid"
    title: ClassVar[str] = "The period must run forward, 32 days at most"


class ProviderUnknown(Invalid):
    """An attempt was asked for with a payment system that we do not have."""

    code: ClassVar[str] = "payment.provider_unknown"
    title: ClassVar[str] = "No such payment system"


class AmountTooSmall(Invalid):
    """No payment system that may be asked takes so little; nothing was stored."""

    code: ClassVar[str] = "payment.amount_too_small"
    title: ClassVar[str] = "No payment system takes so small an amount"


class ChargesUnsupported(Invalid):
    """A charge was asked for with a payment system that keeps no ways to pay; nothing was stored."""

    code: ClassVar[str] = "payment.charges_unsupported"
    title: ClassVar[str] = "This payment system takes no money without its payer"


class ReturnUrlForeign(Invalid):
    """The browser would be sent somewhere else than to us."""

    code: ClassVar[str] = "payment.return_url_foreign"
    title: ClassVar[str] = "return_url must lie under our own address"


class AttemptIdReused(Conflict):
    """The id belongs to an attempt that was asked for with other words."""

    code: ClassVar[str] = "payment.attempt_id_reused"


class PaymentHasOpenAttempt(Conflict):
    """Another attempt at this payment may still bring its money."""

    code: ClassVar[str] = "payment.attempt_open"
    title: ClassVar[str] = "Another attempt at this payment is open"


class RefundIdReused(Conflict):
    """The id belongs to a refund that was asked for with other words."""

    code: ClassVar[str] = "payment.refund_id_reused"


class NothingCaptured(Conflict):
    """A refund of an attempt that brought no money."""

    code: ClassVar[str] = "payment.nothing_captured"
    title: ClassVar[str] = "Nothing was taken by this attempt"


class RefundTooLarge(Conflict):
    """More than is left of what was taken, or another currency."""

    code: ClassVar[str] = "payment.refund_too_large"
    title: ClassVar[str] = "More than is left of what was taken"


class RefundNotFound(NotFound):
    """Payment never heard of this refund, or it is not of this attempt."""

    code: ClassVar[str] = "payment.refund_not_found"


class ReceiptsUnsupported(Conflict):
    """The payment system that has the money registers no fiscal receipts."""

    code: ClassVar[str] = "payment.receipts_unsupported"
    title: ClassVar[str] = "This payment system registers no fiscal receipts"


class ReceiptUntimely(Conflict):
    """The money that the receipt is about is not known to have moved."""

    code: ClassVar[str] = "payment.receipt_untimely"
    title: ClassVar[str] = "No money has moved that this receipt could be about"


class OutcomeUnknown(Transient):
    """The payment system did not answer in a way that decides anything: ask again with the same id."""

    code: ClassVar[str] = "payment.outcome_unknown"
    title: ClassVar[str] = "The payment system has not answered yet"


class ForgedCallback(Forbidden):
    """A callback that is not from the payment system, or says what that does not confirm."""

    code: ClassVar[str] = "payment.callback_forged"
    title: ClassVar[str] = "Not accepted"


class MalformedCallback(Problem):
    """A callback that cannot be read."""

    code: ClassVar[str] = "payment.callback_malformed"
    title: ClassVar[str] = "The callback cannot be read"


class FormForged(Forbidden):
    """A form that was not written by us for this browser."""

    code: ClassVar[str] = "payment.form_forged"
    title: ClassVar[str] = "Open the payment page again and repeat"
