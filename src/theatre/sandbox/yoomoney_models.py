"""Tables of the wallet system's face: wallets, what their owners allowed, and what moved between them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from theatre.kit.db import Big
from theatre.sandbox.models import Base
from theatre.sandbox.sending import SendingColumns


class Behaviour(StrEnum):
    """How transfers from a wallet go: at once, after a while, never, or after its owner told the bank so."""

    PLAIN = "plain"
    SLOW = "slow"
    REFUSED = "refused"
    ASKED = "asked"


class Signing(StrEnum):
    """Which schemes a wallet's notifications are signed by."""

    SIGN = "sign"
    SHA1 = "sha1"
    BOTH = "both"


class TransferStatus(StrEnum):
    """Where a transfer stands; the last two are final."""

    REQUESTED = "requested"
    IN_PROGRESS = "in_progress"
    ASKED = "asked"
    SUCCESS = "success"
    REFUSED = "refused"


class OperationStatus(StrEnum):
    """Whether the receiver has the money."""

    SUCCESS = "success"
    IN_PROGRESS = "in_progress"


class Wallet(Base):
    """A wallet. Without a notification address nothing is sent to its owner."""

    __tablename__ = "yoomoney_wallet"

    number: Mapped[str] = mapped_column(primary_key=True)
    password_digest: Mapped[str]
    balance_minor: Mapped[Big]
    behaviour: Mapped[Behaviour] = mapped_column(Text)
    notification_url: Mapped[str | None]
    notification_secret: Mapped[str]
    signing: Mapped[Signing] = mapped_column(Text)

    __table_args__ = (
        CheckConstraint("balance_minor >= 0", name="balance_not_negative"),
        CheckConstraint("behaviour IN ('plain', 'slow', 'refused', 'asked')", name="behaviour_known"),
        CheckConstraint("signing IN ('sign', 'sha1', 'both')", name="signing_known"),
    )


class Application(Base):
    """An application that owners of wallets may allow something."""

    __tablename__ = "yoomoney_application"

    client_id: Mapped[str] = mapped_column(primary_key=True)
    secret_digest: Mapped[str]
    redirect_uri: Mapped[str]
    title: Mapped[str]


class Grant(Base):
    """What an owner allowed an application: first a code for one minute, then a token."""

    __tablename__ = "yoomoney_grant"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str]
    wallet: Mapped[str]
    scope: Mapped[str]
    redirect_uri: Mapped[str]
    code_digest: Mapped[str | None] = mapped_column(unique=True)
    code_ends_at: Mapped[datetime | None]
    token_digest: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Transfer(Base):
    """A transfer that an application prepared. One in progress ends at `ends_at`."""

    __tablename__ = "yoomoney_transfer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    grant_id: Mapped[UUID]
    payer: Mapped[str]
    receiver: Mapped[str]
    charged_minor: Mapped[Big]
    credited_minor: Mapped[Big]
    label: Mapped[str]
    message: Mapped[str]
    status: Mapped[TransferStatus] = mapped_column(Text)
    error: Mapped[str | None]
    return_url: Mapped[str | None]
    is_approved: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("credited_minor > 0 AND credited_minor <= charged_minor", name="amounts_make_sense"),
        CheckConstraint(
            "status IN ('requested', 'in_progress', 'asked', 'success', 'refused')", name="status_known"
        ),
        Index("ix_yoomoney_transfer_grant", "grant_id", "created_at"),
        Index("ix_yoomoney_transfer_due", "ends_at", postgresql_where=text("ends_at IS NOT NULL")),
    )


class PayForm(Base):
    """A quickpay form that somebody has before them; paid once. Of a card its scenario is kept, not its number."""

    __tablename__ = "yoomoney_pay_form"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    receiver: Mapped[str]
    sum_minor: Mapped[Big]
    label: Mapped[str]
    success_url: Mapped[str]
    by_card: Mapped[bool]
    scenario: Mapped[str | None]
    is_challenged: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("sum_minor > 0", name="sum_positive"),)


class Operation(Base):
    """Money that moved to a wallet, from another one or from a card; both sides see it."""

    __tablename__ = "yoomoney_operation"

    id: Mapped[str] = mapped_column(primary_key=True)
    payer: Mapped[str | None]
    receiver: Mapped[str]
    charged_minor: Mapped[Big]
    credited_minor: Mapped[Big]
    label: Mapped[str]
    message: Mapped[str]
    status: Mapped[OperationStatus] = mapped_column(Text)
    happened_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("credited_minor > 0 AND credited_minor <= charged_minor", name="amounts_make_sense"),
        CheckConstraint("status IN ('success', 'in_progress')", name="status_known"),
        Index("ix_yoomoney_operation_receiver", "receiver", text("id DESC")),
        Index("ix_yoomoney_operation_payer", "payer", text("id DESC")),
        Index("ix_yoomoney_operation_label", "label"),
    )


class WalletNotification(SendingColumns, Base):
    """A notification with its form as it was signed."""

    __tablename__ = "yoomoney_notification"

    wallet: Mapped[str]
    operation_id: Mapped[str]
    label: Mapped[str]

    __table_args__ = (
        Index(
            "ix_yoomoney_notification_due", "next_try_at", postgresql_where=text("next_try_at IS NOT NULL")
        ),
        Index("ix_yoomoney_notification_label", "label"),
    )
