"""The page where people come back from a payment system: shows how the attempt stands, then goes on."""

import secrets
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from theatre.contracts.payment import AttemptStatus
from theatre.kit.i18n import Catalogue, format_money
from theatre.kit.money import Money
from theatre.payment.failures import message_of
from theatre.payment.models import Attempt

OPEN = frozenset({AttemptStatus.CREATED, AttemptStatus.PENDING})
NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Page:
    """HTML and the headers that it needs."""

    html: str
    headers: dict[str, str]


class ReturnPage:
    """Writes the page. It works without scripts by refreshing itself; a script of its own only makes it quicker."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader("theatre.payment"), autoescape=True, undefined=StrictUndefined
        )
        self._template = environment.get_template("return.html")
        self._texts = Catalogue.of_package("theatre.payment")

    def write(self, attempt: Attempt, locale: str) -> Page:
        """Write the page of an attempt in a language."""
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        state = "open" if attempt.status in OPEN else attempt.status
        html = self._template.render(
            locale=locale,
            nonce=nonce,
            state=state,
            text=lambda key: self._texts.text(locale, key),
            amount=format_money(Money(attempt.amount_minor, attempt.currency), locale),
            description=attempt.description,
            failure=message_of(attempt.failure_code, locale) if attempt.failure_code else "",
            state_url=f"/payment/api/v1/attempts/{attempt.id}/state",
            return_url=attempt.return_url,
        )
        policy = (
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return Page(html, {"Content-Security-Policy": policy, "Content-Language": locale})
