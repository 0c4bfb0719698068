"""The lists of the admin panel, by name."""

from collections.abc import Mapping

from theatre.web.admin_payment_schemas import PaymentRow, StaffRefund
from theatre.web.admin_schemas import ReadPage
from theatre.web.listings import AnyListing, Filter, Listing, View

PAYMENT_STATUSES = ("unpaid", "pending", "paid", "refunded", "canceled", "expired")
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

LISTINGS: Mapping[str, AnyListing] = {listing.name: listing for listing in (PAYMENTS, REFUNDS)}
