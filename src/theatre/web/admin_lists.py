"""The lists of the admin panel, by name."""

from collections.abc import Mapping
from uuid import UUID

from theatre.web.admin_book_schemas import Account, AuditRecord, DeadLetter, Row, Run
from theatre.web.admin_catalogue_schemas import PromoCode, StaffProduct
from theatre.web.admin_customer_schemas import Case, StaffSubscription
from theatre.web.admin_payment_schemas import Dispute, Entry, FiscalReceipt, PaymentRow, StaffRefund
from theatre.web.admin_schemas import ReadPage
from theatre.web.listings import AnyListing, Filter, Listing, View

PAYMENT_STATUSES = ("unpaid", "pending", "paid", "refunded", "canceled", "expired")
SUBSCRIPTION_STATUSES = ("trialing", "active", "past_due", "paused", "canceled", "expired")
PRODUCT_KINDS = ("plan", "film", "rental", "gift")
RECEIPT_STATUSES = ("pending", "sent", "succeeded", "failed")
CASE_KINDS = (
    *("unallocated_money", "refund_failed", "refund_unexpected", "refund_disputed"),
    *("reconciliation", "receipt_failed", "dispute", "dispute_unexpected"),
)
YES_OR_NO, YES = ("true", "false"), "admin.is."
REFUND_STATUSES = ("requested", "pending", "succeeded", "failed", "rejected")

PAYMENTS = Listing(
    name="payments",
    path="/admin/payments",
    door="/payments",
    page=ReadPage[PaymentRow],
    filters=(
        Filter("status", "choice", PAYMENT_STATUSES, "status."),
        Filter("provider"),
        Filter("from", "since"),
        Filter("to", "until"),
        Filter("user_id"),
        Filter("q"),
    ),
    views=(
        View("all"),
        View("waiting", {"status": "pending"}),
        View("unpaid", {"status": "unpaid"}),
        View("paid", {"status": "paid"}),
        View("refunded", {"status": "refunded"}),
        View("expired", {"status": "expired"}),
    ),
)

REFUNDS = Listing(
    name="refunds",
    path="/admin/refunds",
    door="/refunds",
    page=ReadPage[StaffRefund],
    filters=(Filter("status", "choice", REFUND_STATUSES, "admin.state.refund."),),
    views=(
        View("waiting", {"status": "requested"}),
        View("sent", {"status": "pending"}),
        View("failed", {"status": "failed"}),
        View("all"),
    ),
)

SUBSCRIPTIONS = Listing(
    name="subscriptions",
    path="/admin/subscriptions",
    door="/subscriptions",
    page=ReadPage[StaffSubscription],
    filters=(
        Filter("status", "choice", SUBSCRIPTION_STATUSES, "subscription."),
        Filter("user_id"),
        Filter("product_id"),
        Filter("ending_before", "until"),
    ),
    views=(View("all"), View("active", {"status": "active"}), View("past_due", {"status": "past_due"})),
)

PRODUCTS = Listing(
    name="products",
    path="/admin/products",
    door="/products",
    page=ReadPage[StaffProduct],
    filters=(Filter("kind", "choice", PRODUCT_KINDS, "kind."), Filter("is_active", "choice", YES_OR_NO, YES)),
    views=(View("all"), View("plans", {"kind": "plan"})),
)

PROMO_CODES = Listing(
    name="promo_codes",
    path="/admin/promo_codes",
    door="/promo_codes",
    page=ReadPage[PromoCode],
    filters=(Filter("code"), Filter("is_active", "choice", YES_OR_NO, YES)),
    views=(View("all"), View("active", {"is_active": "true"})),
)

CASES = Listing(
    name="cases",
    path="/admin/cases",
    door="/cases",
    page=ReadPage[Case],
    filters=(
        Filter("status", "choice", ("open", "resolved"), "admin.state.case."),
        Filter("kind", "choice", CASE_KINDS, "admin.case."),
    ),
    views=(View("open", {"status": "open"}), View("all")),
)

DISPUTES = Listing(
    name="disputes",
    path="/admin/disputes",
    door="/disputes",
    page=ReadPage[Dispute],
    filters=(
        Filter("status", "choice", ("inquiry", "open", "won", "lost"), "admin.state.dispute."),
        Filter("payment_id"),
    ),
    views=(View("open", {"status": "open"}), View("inquiry", {"status": "inquiry"}), View("all")),
)

ENTRIES = Listing(
    name="ledger_entries",
    path="/admin/ledger",
    door="/ledger/entries",
    page=ReadPage[Entry],
    filters=(Filter("account"), Filter("payment_id"), Filter("from", "since"), Filter("to", "until")),
)

ACCOUNTS = Listing(
    name="accounts", path="/admin/ledger/accounts", door="/ledger/accounts", page=ReadPage[Account]
)

RUNS = Listing(
    name="reconciliation",
    path="/admin/reconciliation",
    door="/reconciliation",
    page=ReadPage[Run],
    filters=(Filter("provider"), Filter("day", "day")),
)

RECEIPTS = Listing(
    name="receipts",
    path="/admin/receipts",
    door="/receipts",
    page=ReadPage[FiscalReceipt],
    filters=(Filter("status", "choice", RECEIPT_STATUSES, "admin.state.receipt."),),
    views=(View("all"), View("failed", {"status": "failed"}), View("waiting", {"status": "pending"})),
)

AUDIT = Listing(
    name="audit",
    path="/admin/audit",
    door="/audit",
    page=ReadPage[AuditRecord],
    filters=(
        Filter("actor_id"),
        Filter("action"),
        Filter("subject_kind"),
        Filter("subject_id"),
        Filter("from", "since"),
        Filter("to", "until"),
    ),
)

DEAD_MESSAGES = Listing(
    name="dead_messages",
    path="/admin/messages",
    door="/messages/dead",
    page=ReadPage[DeadLetter],
    has_sheet=False,
)


def rows_of(run_id: UUID) -> Listing[Row]:
    """Give the list of what a reconciliation found."""
    return Listing(
        name="reconciliation_rows",
        path=f"/admin/reconciliation/{run_id}",
        door=f"/reconciliation/{run_id}/rows",
        page=ReadPage[Row],
        filters=(Filter("outcome", "choice", ("matched", "explained", "case"), "admin.outcome."),),
        views=(View("all"), View("case", {"outcome": "case"}), View("explained", {"outcome": "explained"})),
        has_sheet=False,
    )


ALL: tuple[AnyListing, ...] = (
    *(PAYMENTS, REFUNDS, SUBSCRIPTIONS, PRODUCTS, PROMO_CODES, CASES, DISPUTES),
    *(ENTRIES, ACCOUNTS, RUNS, RECEIPTS, AUDIT, DEAD_MESSAGES),
)
LISTINGS: Mapping[str, AnyListing] = {listing.name: listing for listing in ALL}
