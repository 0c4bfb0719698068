"""The hosted page: a card form, the 3-D Secure question, and how a payment stands. It needs no script."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from theatre.kit.i18n import Catalogue, format_money, negotiate
from theatre.kit.money import Money
from theatre.sandbox.checkout import takes_card
from theatre.sandbox.forms import CardForm
from theatre.sandbox.models import Face, Payment, PaymentStatus, face_of

PACKAGE = "theatre.sandbox"
NONCE_BYTES = 16
FINE, BAD_FORM = 200, 422
HINTS = (
    ("success", "2202 4743 0132 2987"),
    ("success_3ds", "5555 5555 5555 4477"),
    ("insufficient_funds", "5555 5555 5555 4600"),
    ("3d_secure_failed", "5555 5555 5555 4592"),
    ("general_decline", "5555 5555 5555 4527"),
    ("delayed_success", "2200 9999 0000 0016"),
)
STRIPE_HINTS = (
    ("success", "4242 4242 4242 4242"),
    ("success_3ds", "4000 0025 0000 3155"),
    ("insufficient_funds", "4000 0000 0000 9995"),
    ("general_decline", "4000 0000 0000 0002"),
    ("delayed_success", "2200 9999 0000 0016"),
)


@dataclass(frozen=True, slots=True)
class Page:
    """HTML and the headers that it needs."""

    html: str
    headers: dict[str, str]
    status: int


class Pages:
    """Writes the pages."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader(PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates = {
            name: environment.get_template(f"{name}.html") for name in ("card", "code", "state")
        }
        self._texts = Catalogue.of_package(PACKAGE)

    def write_card(
        self,
        payment: Payment,
        accept_language: str,
        *,
        form: CardForm | None = None,
        faults: Collection[str] = (),
    ) -> Page:
        """Write the form where the payer pays, with the fields at fault marked."""
        return self._write(
            "card",
            payment,
            accept_language,
            form=form or CardForm(),
            faults=faults,
            hints=STRIPE_HINTS if face_of(payment.shop_id) is Face.STRIPE else HINTS,
            takes_card=takes_card(payment),
            offers_saving=payment.saves_method is None,
        )

    def write_code(self, payment: Payment, accept_language: str, *, faults: Collection[str] = ()) -> Page:
        """Write the 3-D Secure question."""
        card = (payment.method or {}).get("card", {})
        return self._write("code", payment, accept_language, faults=faults, last4=card.get("last4", ""))

    def write_state(self, payment: Payment, accept_language: str) -> Page:
        """Write how a payment stands when there is nothing more to do for the payer."""
        is_expired = payment.status == PaymentStatus.PENDING
        state = "processing" if payment.is_processing else "expired" if is_expired else str(payment.status)
        return self._write("state", payment, accept_language, faults=(), state=state)

    def _write(
        self, template: str, payment: Payment, accept_language: str, *, faults: Collection[str], **values: Any
    ) -> Page:
        confirmation = payment.confirmation or {}
        locale = negotiate(accept_language, chosen=confirmation.get("locale", "")[:2])
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        html = self._templates[template].render(
            locale=locale,
            nonce=nonce,
            text=lambda key: self._texts.text(locale, key),
            amount=format_money(Money(payment.amount_minor, payment.currency), locale),
            description=payment.description or "",
            address=f"/sandbox/checkout/{payment.id}",
            return_url=confirmation.get("return_url"),
            reason=self._reason(payment, locale),
            faults=faults,
            **values,
        )
        # no form-action: browsers hold it against every redirect that follows the form, wherever the shop goes on to
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Content-Language": locale, "Cache-Control": "no-store"}
        return Page(html, headers, BAD_FORM if faults else FINE)

    def _reason(self, payment: Payment, locale: str) -> str:
        refusal = payment.cancellation or payment.last_refusal
        if refusal is None:
            return ""
        key = f"reason.{refusal['reason']}"
        return self._texts.find(locale, key) or self._texts.text(locale, "reason.other")
