"""Stripe: a Checkout Session for each attempt, refunds, signed notifications.

Its notifications are signed, and the object is read again all the same: they come twice, late and in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from theatre.contracts.payment import AttemptStatus
from theatre.kit.clock import Clock
from theatre.kit.money import Money, MoneyError
from theatre.kit.routing import UnsupportedMediaType
from theatre.payment import failures
from theatre.payment.errors import ForgedCallback, MalformedCallback, OutcomeUnknown
from theatre.payment.providers import (
    Callback,
    Capabilities,
    Notice,
    Order,
    ProviderRefused,
    Reading,
    RefundOrder,
    RefundReading,
    foremost,
)
from theatre.payment.providers.pages import Pages
from theatre.payment.providers.shapes import names, read_item
from theatre.payment.providers.stripe_amounts import MINIMUMS, to_wire
from theatre.payment.providers.stripe_lists import REFUNDS, SESSIONS, find_session_id, walk
from theatre.payment.providers.stripe_objects import Event, Listed, Refund, Session
from theatre.payment.providers.stripe_signature import is_good
from theatre.payment.providers.stripe_wire import Wire
from theatre.payment.providers.wire import unless_absent

MAX_NAME_CHARACTERS = 250
MAX_REASON_CHARACTERS = 500
# our clock and theirs may differ when a list is asked for by time
CLOCK_MARGIN = timedelta(minutes=10)
# the money, its moment and what is kept of it are told by the charge
OPENED = {"expand": ["payment_intent.latest_charge.balance_transaction"]}
SIGNATURE_HEADER = "stripe-signature"
CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Trust:
    """What we believe of what this provider says; of `webhook_secrets` each verifies, as while one is changed."""

    webhook_secrets: Sequence[str] = field(repr=False)
    pages: Pages
    takes_test_money: bool = False

    def doubt(self, session: Session) -> str | None:
        """Say why a session must not be believed, if so."""
        if not session.livemode and not self.takes_test_money:
            return "its money is not real"
        if session.mode != "payment" or session.payment_status == "no_payment_required":
            return "it is not a payment"
        return self.pages.doubt(session.url)


class Stripe:
    """The member."""

    name = "stripe"
    capabilities = Capabilities(
        title="Stripe",
        link_lifetime=timedelta(hours=1),
        key_lifetime=timedelta(hours=24),
        has_partial_refunds=True,
        has_cancel=True,
        minimums=MINIMUMS,
    )

    def __init__(self, wire: Wire, trust: Trust, clock: Clock) -> None:
        self._wire = wire
        self._trust = trust
        self._clock = clock

    async def create(self, order: Order) -> Reading:
        """See `Provider`; a repetition gives the session as it was when it was made.

        Stripe takes no term below half an hour, so an attempt that could not be offered in time is refused.
        """
        ours = {"attempt_id": str(order.attempt_id), "payment_id": str(order.payment_id)}
        price = {
            "currency": order.total.currency.lower(),
            "unit_amount": _written(order.total),
            "product_data": {"name": order.description[:MAX_NAME_CHARACTERS]},
        }
        saving = {"setup_future_usage": "off_session"} if order.save_method else {}
        form: dict[str, Any] = {
            "mode": "payment",
            "line_items": [{"quantity": 1, "price_data": price}],
            "client_reference_id": str(order.attempt_id),
            "metadata": ours,
            "payment_intent_data": {"metadata": ours, **saving},
            "success_url": order.return_url,
            "cancel_url": order.return_url,
            **OPENED,
            **({"customer_creation": "always"} if order.save_method else {}),
            **({"expires_at": int(order.expires_at.timestamp())} if order.expires_at else {}),
        }
        return self._reading(await self._wire.post(SESSIONS, form, Session, key=order.attempt_id))

    async def read(self, reference: str) -> Reading | None:
        """See `Provider`."""
        session = await self._find_session(reference)
        return None if session is None else self._reading(session)

    async def find_by_attempt(self, attempt_id: UUID, *, since: datetime) -> Reading | None:
        """See `Provider`; the newest is listed first."""
        earliest = int((since - CLOCK_MARGIN).timestamp())
        listed = walk(self._wire, SESSIONS, {"created": {"gte": earliest}})
        mine = [read_item(Listed, item) async for item in listed if names(item, "attempt_id", attempt_id)]
        found = [await self.read(session.id) for session in mine]
        return foremost([reading for reading in found if reading is not None])

    async def cancel(self, reference: str) -> Reading:
        """See `Provider`; a session that is complete or expired already is told as it is."""
        try:
            session = await self._wire.post(f"{SESSIONS}/{reference}/expire", OPENED, Session)
        except ProviderRefused:
            session = await self._get_session(reference)
        reading = self._reading(session)
        if reading.status == AttemptStatus.FAILED and reading.failure_code == failures.EXPIRED:
            return replace(reading, failure_code=CANCELED)
        return reading

    async def refund(self, order: RefundOrder) -> RefundReading:
        """See `Provider`."""
        form = {
            "payment_intent": await self._get_intent_id(order.payment_reference),
            "amount": _written(order.amount),
            "reason": "requested_by_customer",
            "metadata": {"refund_id": str(order.refund_id), "reason": order.reason[:MAX_REASON_CHARACTERS]},
        }
        refund = await self._wire.post(REFUNDS, form, Refund, key=order.refund_id)
        return _refund_reading(refund, order.payment_reference)

    async def read_refund(self, reference: str) -> RefundReading | None:
        """See `Provider`."""
        refund = await unless_absent(self._wire.get(f"{REFUNDS}/{reference}", Refund))
        if refund is None:
            return None
        intent_id = refund.payment_intent
        session_id = await find_session_id(self._wire, intent_id) if intent_id else None
        return _refund_reading(refund, session_id)

    async def find_refund(self, refund_id: UUID, *, payment_reference: str) -> RefundReading | None:
        """See `Provider`."""
        intent_id = await self._get_intent_id(payment_reference)
        async for item in walk(self._wire, REFUNDS, {"payment_intent": intent_id}):
            if names(item, "refund_id", refund_id):
                return _refund_reading(read_item(Refund, item), payment_reference)
        return None

    def authenticate(self, callback: Callback) -> None:
        """See `Provider`."""
        header = callback.headers.get(SIGNATURE_HEADER, "")
        secrets = self._trust.webhook_secrets
        if not is_good(header, callback.body, secrets=secrets, now=self._clock.now()):
            raise ForgedCallback
        kind = callback.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise UnsupportedMediaType

    def parse(self, body: bytes) -> Notice:
        """See `Provider`."""
        try:
            return Event.model_validate_json(body).to_notice()
        except ValidationError as error:
            raise MalformedCallback from error

    async def _find_session(self, reference: str) -> Session | None:
        return await unless_absent(self._wire.get(f"{SESSIONS}/{reference}", Session, params=OPENED))

    async def _get_session(self, reference: str) -> Session:
        session = await self._find_session(reference)
        if session is None:
            raise OutcomeUnknown("Stripe does not know its own session")
        return session

    async def _get_intent_id(self, reference: str) -> str:
        session = await self._get_session(reference)
        if session.payment_intent is None:
            raise OutcomeUnknown("Stripe shows no payment of its session")
        return session.payment_intent.id

    def _reading(self, session: Session) -> Reading:
        try:
            return session.to_reading(doubt=self._trust.doubt(session))
        except MoneyError as error:
            raise OutcomeUnknown(f"Stripe's amount makes no sense: {error}") from error


def _written(amount: Money) -> int:
    try:
        return to_wire(amount)
    except MoneyError as error:
        raise ProviderRefused("amount", str(error)) from error


def _refund_reading(refund: Refund, payment_reference: str | None) -> RefundReading:
    try:
        return refund.to_reading(payment_reference=payment_reference)
    except MoneyError as error:
        raise OutcomeUnknown(f"Stripe's amount makes no sense: {error}") from error
