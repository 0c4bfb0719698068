"""Pages of the wallet system: allow an application, pay a form, and what the bank asks. They need no script."""

import secrets
from collections.abc import Collection
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from theatre.kit.i18n import Catalogue, format_money, negotiate
from theatre.kit.money import Money
from theatre.sandbox.forms import CardForm
from theatre.sandbox.pages import BAD_FORM, FINE, HINTS, NONCE_BYTES, PACKAGE, Page
from theatre.sandbox.yoomoney_grants import Wish
from theatre.sandbox.yoomoney_models import PayForm, Transfer
from theatre.sandbox.yoomoney_wallets import PASSWORD, PAYERS

ADDRESS = "/sandbox/yoomoney"
FIELDS = frozenset({"card_number", "expiry_month", "expiry_year", "cvc", "cardholder", "code", "login"})
# the hints that fit a form which decides at once
INSTANT = tuple(hint for hint in HINTS if not hint[0].startswith("delayed"))


class YooMoneyPages:
    """Writes the pages."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader(PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._texts = Catalogue.of_package(PACKAGE)

    def write_wish(
        self, wish: Wish, languages: str, *, login: str = "", faults: Collection[str] = ()
    ) -> Page:
        """Write what an application asks to be allowed, with the login of the owner."""
        locale = negotiate(languages)
        limits = [
            (right, format_money(Money(right.limit_minor, "RUB"), locale) if right.limit_minor else "")
            for right in wish.rights
        ]
        return self._write(
            "yoomoney_wish",
            locale,
            address=f"{ADDRESS}/oauth/authorize",
            wish=wish,
            limits=limits,
            login=login,
            faults=faults,
        )

    def write_form(
        self,
        form: PayForm,
        languages: str,
        *,
        entry: CardForm | None = None,
        login: str = "",
        faults: Collection[str] = (),
    ) -> Page:
        """Write the form where somebody pays, with the fields at fault marked, or why it did not work."""
        locale = negotiate(languages)
        return self._write(
            "yoomoney_form",
            locale,
            address=f"{ADDRESS}/quickpay/{form.id}",
            form=form,
            amount=format_money(Money(form.sum_minor, "RUB"), locale),
            card=entry or CardForm(),
            login=login,
            faults=faults,
            hints=INSTANT,
        )

    def write_question(self, transfer: Transfer, languages: str) -> Page:
        """Write what the bank asks about a transfer."""
        locale = negotiate(languages)
        amount = format_money(Money(transfer.charged_minor, "RUB"), locale)
        return self._write(
            "yoomoney_bank",
            locale,
            address=f"{ADDRESS}/bank/{transfer.id}",
            transfer=transfer,
            amount=amount,
            faults=(),
        )

    def _reason(self, refusal: str, locale: str) -> str:
        return self._texts.find(locale, f"reason.{refusal}") or self._texts.text(locale, "reason.other")

    def _write(self, template: str, locale: str, *, faults: Collection[str], **values: Any) -> Page:
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        html = self._environment.get_template(f"{template}.html").render(
            locale=locale,
            nonce=nonce,
            text=lambda key: self._texts.text(locale, key),
            refusals=[self._reason(fault, locale) for fault in faults if fault not in FIELDS],
            faults=faults,
            payers=PAYERS,
            password=PASSWORD,
            **values,
        )
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        headers = {"Content-Security-Policy": policy, "Content-Language": locale, "Cache-Control": "no-store"}
        return Page(html, headers, BAD_FORM if faults else FINE)
