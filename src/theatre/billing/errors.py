"""What billing refuses, in words for users and stable codes for programs."""

from collections.abc import Sequence

from theatre.kit import errors


class PaymentUnknown(errors.NotFound):
    code = "billing.payment_unknown"
    title = "No such payment"


class PriceUnknown(errors.NotFound):
    code = "billing.price_unknown"
    title = "No such price"


class PromoCodeUnknown(errors.NotFound):
    code = "billing.promo_code_unknown"
    title = "No such promo code"


class PromoCodeNotStarted(errors.Conflict):
    code = "billing.promo_code_not_started"
    title = "This promo code does not hold yet"


class PromoCodeExpired(errors.Conflict):
    code = "billing.promo_code_expired"
    title = "This promo code no longer holds"


class PromoCodeUsedUp(errors.Conflict):
    code = "billing.promo_code_used_up"
    title = "This promo code has been used as often as it may be"


class PromoCodeNotApplicable(errors.Conflict):
    code = "billing.promo_code_not_applicable"
    title = "This promo code takes nothing off this purchase"


class PromoCodeTaken(errors.Conflict):
    code = "billing.promo_code_taken"
    title = "There is a promo code of this name already"


class PromoCodeCapBelowUsed(errors.Conflict):
    code = "billing.promo_code_cap_below_used"
    title = "The promo code has been used more often than that already"


class PromoCodeTermBackward(errors.Invalid):
    code = "billing.promo_code_term_backward"
    title = "A promo code ends after it starts"


class ProductUnknown(errors.NotFound):
    code = "billing.product_unknown"
    title = "No such product"


class PaymentMethodUnknown(errors.NotFound):
    code = "billing.payment_method_unknown"
    title = "No such saved payment method"


class SubscriptionUnknown(errors.NotFound):
    code = "billing.subscription_unknown"
    title = "No such subscription"


class SubscriptionEnded(errors.Conflict):
    code = "billing.subscription_ended"
    title = "This plan has ended; buy it again to go on"


class RenewalNotCancelable(errors.Conflict):
    code = "billing.renewal_not_cancelable"
    title = "This payment renews a plan; cancel the plan instead"


class PriceInactive(errors.Conflict):
    code = "billing.price_inactive"
    title = "This is no longer sold at this price; look at the price list again"


class CurrenciesMixed(errors.Conflict):
    code = "billing.currencies_mixed"
    title = "Things priced in different currencies cannot be paid together"


class TotalTooLarge(errors.Invalid):
    code = "billing.total_too_large"
    title = "The total is larger than any payment system takes"


class PriceRepeated(errors.Invalid):
    code = "billing.price_repeated"
    title = "One price occurs twice; raise its quantity instead"


class PaymentNotPayable(errors.Conflict):
    code = "billing.payment_not_payable"
    title = "This payment cannot be paid any more"


class ProviderUnknown(errors.Invalid):
    code = "billing.provider_unknown"
    title = "No such payment system"


class AmountTooSmall(errors.Conflict):
    code = "billing.amount_too_small"
    title = "No payment system that may be chosen takes so small an amount; nothing was asked for"


class ReturnAddressForeign(errors.Invalid):
    code = "billing.return_url_foreign"
    title = "return_url must be an address of this site"


class CheckoutRefused(errors.Conflict):
    code = "billing.checkout_refused"
    title = "The payment system refused; nothing was taken. Try again or choose another way to pay"


class AttemptSettling(errors.Conflict):
    code = "billing.attempt_settling"
    title = "The payment system already has an outcome; it will show in a moment"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "2"})


class LinkExpired(errors.Conflict):
    code = "billing.link_expired"
    title = "The time to pay by the link is over; the outcome is being asked for, try again in a moment"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class CheckoutUnknown(errors.Transient):
    code = "billing.checkout_unknown"
    title = "The payment system has not answered yet; nothing is lost, ask again in a moment"


class PaymentNotCancelable(errors.Conflict):
    code = "billing.payment_not_cancelable"
    title = "This payment can no longer be canceled"


class PaymentNotRefundable(errors.Conflict):
    code = "billing.payment_not_refundable"
    title = "There is nothing to give back for this payment"


class PaymentDisputed(errors.Conflict):
    code = "billing.payment_disputed"
    title = "The payer's bank disputes this payment, or has taken its money back; nothing of it is given back here"


class RefundExceedsPayment(errors.Conflict):
    code = "billing.refund_exceeds_payment"
    title = "Refunds together would be more than was paid"


class RefundWindowClosed(errors.Conflict):
    code = "billing.refund_window_closed"
    title = "The time to take money back by oneself is over; write to support"


class RefundUsed(errors.Conflict):
    code = "billing.refund_used"
    title = "What was bought has been watched; write to support to take money back"


class CustomersUnknown(errors.Transient):
    code = "billing.customers_unknown"
    title = (
        "Who has this e-mail address cannot be found out just now; ask again in a moment, or search by an id"
    )


class AmountWithoutCurrency(errors.Invalid):
    code = "billing.amount_without_currency"
    title = "An amount is one of a currency: say which"


class AmountMalformed(errors.Invalid):
    code = "billing.amount_malformed"
    title = "Not an amount of this currency"


class RefundUnknown(errors.NotFound):
    code = "billing.refund_unknown"
    title = "No such refund"


class RefundNotRequested(errors.Conflict):
    code = "billing.refund_not_requested"
    title = "This refund does not wait for a second person"


class SecondPersonNeeded(errors.Conflict):
    code = "billing.second_person_needed"
    title = "Somebody other than who asked for this refund must decide"


class RefundAmountInvalid(errors.Invalid):
    code = "billing.refund_amount_invalid"
    title = "The amount must be above zero and in the currency of the payment"


class CaseUnknown(errors.NotFound):
    code = "billing.case_unknown"
    title = "No such case"


class CaseNotOpen(errors.Conflict):
    code = "billing.case_not_open"
    title = "This case has been closed already"


class RegisterRejected(errors.Invalid):
    code = "billing.register_rejected"
    title = "The register cannot be read; nothing was imported"

    @classmethod
    def of(cls, faults: Sequence[object], count: int) -> "RegisterRejected":
        """Name the lines at fault; `count` is how many there are in all."""
        more = [f"and {count - len(faults)} more"] if count > len(faults) else []
        return cls("\n".join([f"{cls.title}:", *map(str, faults), *more]))


class ReconciliationUnknown(errors.NotFound):
    code = "billing.reconciliation_unknown"
    title = "No such reconciliation"


class ProviderNotReconciled(errors.Invalid):
    code = "billing.provider_not_reconciled"
    title = "No such payment system, or none whose days are reconciled"


class RunAtWork(errors.Conflict):
    code = "billing.reconciliation_at_work"
    title = "This day is being reconciled by another worker; try again when it has ended"


class RunLost(errors.Conflict):
    code = "billing.reconciliation_lost"
    title = "Another worker has taken this reconciliation over"


class ProductCodeTaken(errors.Conflict):
    code = "billing.product_code_taken"
    title = "There is a product with this code already"


class IntervalMisplaced(errors.Invalid):
    code = "billing.interval_misplaced"
    title = "A price of a plan has an interval, a price of anything else has neither interval nor free days"


class DeadMessageUnknown(errors.NotFound):
    code = "billing.dead_message_unknown"
    title = "No dead message has this id; it may have been replayed already"


class PriceNotPositive(errors.Invalid):
    code = "billing.price_not_positive"
    title = "A price is above zero"


class CaseNotRefundable(errors.Conflict):
    code = "billing.case_not_refundable"
    title = "This case is not about money that came and bought nothing"


class PaymentNotPaid(errors.Conflict):
    code = "billing.payment_not_paid"
    title = "There is a receipt once the payment is paid"


class ReportBackward(errors.Invalid):
    code = "billing.report_backward"
    title = "A report ends after it begins; the day that `to` names is not in it any more"


class ReportTooLong(errors.Invalid):
    code = "billing.report_too_long"
    title = "A report of so many periods is read by nobody; take fewer days, or longer periods"


class ReceiptUnknown(errors.NotFound):
    code = "billing.receipt_unknown"
    title = "No such receipt"


class ReceiptNotRetriable(errors.Conflict):
    code = "billing.receipt_not_retriable"
    title = "This receipt is registered already"


class ReceiptBusy(errors.Transient):
    code = "billing.receipt_busy"
    title = "The receipt cannot be drawn just now; ask again in a moment"
