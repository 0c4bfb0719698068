"""YooMoney: payments to our wallet by its quickpay form or from the payer's wallet; refunds by transfer.

Nothing is begun at YooMoney: a link is a page of ours, and what was paid for it is found in our wallet's history by its
label, the attempt's id. Its notifications are signed, and give up after three tries within about an hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import SecretStr

from theatre.contracts.payment import AttemptStatus, RefundStatus
from theatre.kit.clock import Clock
from theatre.kit.ids import made_at
from theatre.kit.logging import get_logger
from theatre.kit.money import Money
from theatre.kit.routing import UnsupportedMediaType
from theatre.payment import failures
from theatre.payment.errors import ForgedCallback, OutcomeUnknown
from theatre.payment.providers import (
    Callback,
    Capabilities,
    Notice,
    ObjectKind,
    Order,
    ProviderRefused,
    Reading,
    RefundOrder,
    RefundReading,
)
from theatre.payment.providers.yoomoney_commission import credited_of, fee_of
from theatre.payment.providers.yoomoney_history import DONE, Books
from theatre.payment.providers.yoomoney_objects import (
    CURRENCY,
    Operation,
    read_form,
    read_notification,
    uuid_in,
)
from theatre.payment.providers.yoomoney_references import Claim, Link
from theatre.payment.providers.yoomoney_signatures import is_authentic
from theatre.payment.providers.yoomoney_totals import charged_for, is_explained
from theatre.payment.providers.yoomoney_transfers import Transfers
from theatre.payment.wallet_port import (
    Prepared,
    PreparedTransfers,
    Progress,
    TokenRefused,
    Total,
    Totals,
    TransferRefused,
    TransferStatus,
)

LINK_LIFETIME = timedelta(hours=1)
# a form that was opened in the last minute may be paid a while later
LATE_PAYER = timedelta(hours=1)
FORM_TYPE = "application/x-www-form-urlencoded"
REFUND_STATUSES = {
    TransferStatus.DONE: RefundStatus.SUCCEEDED,
    TransferStatus.REFUSED: RefundStatus.FAILED,
    TransferStatus.WAITING: RefundStatus.PENDING,
    TransferStatus.ASKED: RefundStatus.PENDING,
}

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Trust:
    """What makes a notification theirs. `takes_sha1`: also one that has the old hash alone."""

    secrets: Sequence[str]
    takes_sha1: bool = False


class YooMoney:
    """The member."""

    name = "yoomoney"
    capabilities = Capabilities(
        title="YooMoney",
        link_lifetime=LINK_LIFETIME,
        # the label is the key, and history forgets none
        key_lifetime=timedelta(days=3650),
        has_partial_refunds=True,
    )

    def __init__(
        self,
        books: Books,
        transfers: Transfers,
        prepared: PreparedTransfers,
        *,
        totals: Totals,
        trust: Trust,
        token: SecretStr,
        page_url: str,
        clock: Clock,
    ) -> None:
        self._books = books
        self._transfers = transfers
        self._prepared = prepared
        self._totals = totals
        self._trust = trust
        self._token = token
        self._page_url = page_url
        self._clock = clock

    async def create(self, order: Order) -> Reading:
        """See `Provider`; calls nobody."""
        if order.total.currency != CURRENCY:
            raise ProviderRefused("currency", "a YooMoney wallet takes roubles only")
        return self._open(Link(order.attempt_id, order.total))

    async def read(self, reference: str) -> Reading | None:
        """See `Provider`."""
        link, claim = Link.read(reference), Claim.read(reference)
        if link is not None:
            return await self._read_link(link)
        operation = await self._books.find_operation(claim.operation_id) if claim else None
        if claim is None or operation is None or operation.direction != "in":
            return None
        return await self._read(operation, claimed=claim.charged, is_signed=claim.is_signed)

    async def find_by_attempt(self, attempt_id: UUID, *, since: datetime) -> Reading | None:
        """See `Provider`; of several payments the first."""
        operation = await self._books.find_by_label(str(attempt_id), direction="in")
        return await self._read(operation) if operation is not None and operation.status == DONE else None

    async def cancel(self, reference: str) -> Reading:
        """See `Provider`: a form that a payer has before them cannot be taken back."""
        raise ProviderRefused("cancel", f"a form that was shown cannot be taken back: {reference}")

    async def refund(self, order: RefundOrder) -> RefundReading:
        """See `Provider`: a transfer to the wallet that paid. A card tells no wallet, that money goes back by hand."""
        found = await self.find_refund(order.refund_id, payment_reference=order.payment_reference)
        if found is not None:
            return found
        prepared = await self._prepared.find(order.refund_id)
        if prepared is None:
            payer = await self._find_payer(order)
            if payer == "":
                return RefundReading(
                    str(order.refund_id), RefundStatus.FAILED, order.refund_id, order.amount, failures.BY_HAND
                )
            prepared = await self._prepare(order, to=payer)
        return await self._send(order.refund_id, prepared)

    async def read_refund(self, reference: str) -> RefundReading | None:
        """See `Provider`; one that is under way is asked about under the id it was prepared with."""
        operation = await self._books.find_by_label(reference, direction="out")
        refund_id = uuid_in(reference)
        if refund_id is None:
            return None
        if operation is not None and operation.status == DONE:
            done = Progress(TransferStatus.DONE)
            return _refund_reading(refund_id, operation.received, progress=done, at=operation.datetime)
        prepared = await self._prepared.find(refund_id)
        return None if prepared is None else await self._send(refund_id, prepared)

    async def find_refund(self, refund_id: UUID, *, payment_reference: str) -> RefundReading | None:
        """See `Provider`."""
        operation = await self._books.find_by_label(str(refund_id), direction="out")
        if operation is None:
            return None
        progress = Progress(TransferStatus.DONE if operation.status == DONE else TransferStatus.WAITING)
        return _refund_reading(refund_id, operation.received, progress=progress, at=operation.datetime)

    def authenticate(self, callback: Callback) -> None:
        """See `Provider`."""
        kind = callback.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != FORM_TYPE:
            raise UnsupportedMediaType(f"Send the body as {FORM_TYPE}.")
        fields = read_form(callback.body)
        if not is_authentic(fields, self._trust.secrets, takes_sha1=self._trust.takes_sha1):
            raise ForgedCallback

    def parse(self, body: bytes) -> Notice:
        """See `Provider`. What makes it of no use is part of its name: the same operation may be told of again."""
        said = read_notification(body)
        if not said.is_of_use:
            flags = f"{said.currency}.{said.codepro}.{said.unaccepted}.{said.test_notification}"[:60]
            return Notice(f"{said.notification_type}.{flags}", said.operation_id, None, "")
        claim = Claim.of(said)
        return Notice(said.notification_type, claim.written, ObjectKind.PAYMENT, AttemptStatus.SUCCEEDED)

    async def _read_link(self, link: Link) -> Reading:
        operation = await self._books.find_by_label(str(link.attempt_id), direction="in")
        if operation is not None and operation.status == DONE:
            return await self._read(operation, claimed=link.total)
        made = made_at(link.attempt_id)
        is_over = made is not None and self._clock.now() >= made + LINK_LIFETIME + LATE_PAYER
        if operation is None and is_over:
            return Reading(
                link.written, AttemptStatus.FAILED, link.attempt_id, link.total, failure_code=failures.EXPIRED
            )
        return self._open(link)

    async def _read(
        self, operation: Operation, *, claimed: Money | None = None, is_signed: bool = False
    ) -> Reading:
        """Say what an operation means. A sum that is claimed without a signature must explain what arrived."""
        if claimed is not None and (is_signed or is_explained(operation, Total(claimed))):
            return _reading(operation, claimed)
        charged = await charged_for([operation], self._totals)
        return _reading(operation, charged[operation.operation_id])

    def _open(self, link: Link) -> Reading:
        page = f"{self._page_url}/{link.attempt_id}"
        return Reading(
            link.written, AttemptStatus.PENDING, link.attempt_id, link.total, confirmation_url=page
        )

    async def _find_payer(self, order: RefundOrder) -> str:
        payment = await self._books.find_operation(order.payment_reference)
        if payment is None or payment.direction != "in":
            raise ProviderRefused("payment_unknown", "our wallet knows no such payment")
        # what was taken is not told; so much less would have arrived
        asked = credited_of(order.amount, by_card=payment.is_by_card)
        if asked.amount_minor > payment.credited.amount_minor:
            raise ProviderRefused("amount", "more than was taken")
        return payment.sender

    async def _prepare(self, order: RefundOrder, *, to: str) -> Prepared:
        try:
            request_id = await self._transfers.request(
                self._token,
                to=to,
                label=str(order.refund_id),
                purpose=order.reason,
                amounts={"amount_due": order.amount},
            )
        except TransferRefused as refusal:
            raise ProviderRefused(refusal.code, "YooMoney would not prepare the transfer") from refusal
        except TokenRefused as error:
            raise OutcomeUnknown("YooMoney does not take our own token") from error
        return await self._prepared.keep(order.refund_id, Prepared(request_id, order.amount))

    async def _send(self, refund_id: UUID, prepared: Prepared) -> RefundReading:
        try:
            progress = await self._transfers.send(self._token, prepared.request_id)
        except TokenRefused as error:
            raise OutcomeUnknown("YooMoney does not take our own token") from error
        if progress.status == TransferStatus.REFUSED:
            log.warning("refund refused", refund_id=str(refund_id), code=progress.code)
        return _refund_reading(refund_id, prepared.amount, progress=progress)


def _reading(operation: Operation, charged: Money) -> Reading:
    is_paid = operation.status == DONE
    fee = fee_of(charged, operation.credited)
    return Reading(
        reference=operation.operation_id,
        status=AttemptStatus.SUCCEEDED if is_paid else AttemptStatus.PENDING,
        attempt_id=operation.attempt_id,
        amount=charged,
        captured_at=operation.datetime if is_paid else None,
        doubt="more arrived than was charged" if fee.amount_minor < 0 else None,
        fee=fee if is_paid and fee.amount_minor >= 0 else None,
    )


def _refund_reading(
    refund_id: UUID, amount: Money, *, progress: Progress, at: datetime | None = None
) -> RefundReading:
    status = REFUND_STATUSES[progress.status]
    code = failures.REFUSED if status == RefundStatus.FAILED else None
    return RefundReading(str(refund_id), status, refund_id, amount, code, created_at=at)
