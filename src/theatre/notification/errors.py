"""What notification refuses, and how a delivery may go wrong."""

from theatre.kit.errors import Conflict, Invalid, NotFound, Problem, Transient


class MailNotFound(NotFound):
    """No such mail in the local mailbox."""

    code = "notification.mail_not_found"
    title = "No such mail"


class ItemNotFound(NotFound):
    """Not in the caller's inbox."""

    code = "notification.item_not_found"
    title = "There is no such item in your inbox"


class DeliveryNotFound(NotFound):
    """No such delivery."""

    code = "notification.delivery_not_found"
    title = "There is no such delivery"


class NotRetryable(Conflict):
    """The delivery is on its way, was sent, or is not wanted."""

    code = "notification.not_retryable"
    title = "Only a delivery that failed or is dead can be tried again"


class TemplateNotFound(NotFound):
    """No such template, or no such version of it."""

    code = "notification.template_not_found"
    title = "There is no such template"


class TemplateExists(Conflict):
    """The code is taken: by a template of the house or by one of staff."""

    code = "notification.template_exists"
    title = "There is a template of this code"


class MailingNotFound(NotFound):
    """No such mailing."""

    code = "notification.mailing_not_found"
    title = "There is no such mailing"


class MailingOver(Conflict):
    """The mailing has gone out or was canceled."""

    code = "notification.mailing_over"
    title = "This mailing is over"


class UnfitMailing(Invalid):
    """The mailing cannot go out as it is; `errors` say why."""

    code = "notification.unfit_mailing"
    title = "This mailing cannot go out as it is"


class Unwanted(Problem):
    """What was to be delivered was taken back meanwhile."""

    code = "notification.unwanted"
    title = "It was taken back before it went out"


class Undeliverable(Problem):
    """This address will never take it: malformed, or refused for good by the mail server."""

    code = "notification.undeliverable"
    title = "The address does not take mail"


class Unwritable(Problem):
    """A mail that must not be written: a value does not fit its template or its header."""

    code = "notification.unwritable"
    title = "The mail cannot be written"


class ChannelAway(Transient):
    """The channel did not take it: no connection, a time-out, a cut connection or a refused certificate."""

    code = "notification.channel_away"


class Deferred(Transient):
    """The channel answered that it should be tried later (a 4xx reply of SMTP)."""

    code = "notification.deferred"
