"""The lists of what people are told: mailings, their runs, versions of templates, deliveries, what staff did there."""

from uuid import UUID

from theatre.web.admin_message_schemas import Delivery, LetterRecord, Mailing, MailingRun, Version
from theatre.web.admin_schemas import ReadPage
from theatre.web.listings import Filter, Listing, View
from theatre.web.staff_doors import NOTIFICATION

MAILING_STATUSES = ("scheduled", "running", "paused", "finished", "canceled")
DELIVERY_STATUSES = ("queued", "sending", "sent", "failed", "dead", "suppressed")
DELIVERY_KINDS = ("registration", "payment_status", "notice", "new_movie", "mailing")
CHANNELS = ("email",)

MAILINGS = Listing(
    name="mailings",
    path="/admin/mailings",
    door="/mailings",
    page=ReadPage[Mailing],
    filters=(Filter("status", "choice", MAILING_STATUSES, "admin.state.mailing."),),
    views=(View("all"), View("running", {"status": "running"}), View("scheduled", {"status": "scheduled"})),
    has_sheet=False,
    doors=NOTIFICATION,
)

DELIVERIES = Listing(
    name="deliveries",
    path="/admin/deliveries",
    door="/deliveries",
    page=ReadPage[Delivery],
    filters=(
        Filter("status", "choice", DELIVERY_STATUSES, "admin.state.delivery."),
        Filter("kind", "choice", DELIVERY_KINDS, "admin.delivery."),
        Filter("channel", "choice", CHANNELS, "admin.channel."),
        Filter("user_id"),
    ),
    views=(View("all"), View("dead", {"status": "dead"}), View("failed", {"status": "failed"})),
    has_sheet=False,
    doors=NOTIFICATION,
)

LETTER_AUDIT = Listing(
    name="letter_audit",
    path="/admin/audit/letters",
    door="/audit",
    page=ReadPage[LetterRecord],
    filters=(Filter("subject_id"),),
    has_sheet=False,
    doors=NOTIFICATION,
)


def runs_of(mailing_id: UUID) -> Listing[MailingRun]:
    """Give the list of the times that a mailing went out."""
    return Listing(
        name="mailing_runs",
        path=f"{MAILINGS.path}/{mailing_id}",
        door=f"/mailings/{mailing_id}/runs",
        page=ReadPage[MailingRun],
        has_sheet=False,
        doors=NOTIFICATION,
    )


def versions_of(code: str) -> Listing[Version]:
    """Give the list of a template's versions."""
    return Listing(
        name="versions",
        path=f"/admin/templates/{code}",
        door=f"/templates/{code}/versions",
        page=ReadPage[Version],
        has_sheet=False,
        doors=NOTIFICATION,
    )
