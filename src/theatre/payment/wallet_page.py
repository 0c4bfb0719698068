"""The page where a payer chooses how to pay from a wallet, and confirms. It holds no secret and needs no script."""

import secrets

from jinja2 import Environment, PackageLoader, StrictUndefined

from theatre.kit.i18n import Catalogue, format_money
from theatre.kit.money import Money
from theatre.payment.return_page import NONCE_BYTES, Page
from theatre.payment.wallet_payments import Desk, Notice, Step, View, order_of


class WalletPage:
    """Writes the page."""

    def __init__(self) -> None:
        environment = Environment(
            loader=PackageLoader("theatre.payment"), autoescape=True, undefined=StrictUndefined
        )
        self._template = environment.get_template("wallet.html")
        self._texts = Catalogue.of_package("theatre.payment")

    def write(
        self,
        view: View,
        locale: str,
        *,
        desk: Desk,
        browser: str,
        notice: Notice | None = None,
        asked: Step | None = None,
    ) -> Page:
        """Write the page of an attempt for a browser; `asked` is where a bank wants a word with the payer."""
        attempt, nonce = view.attempt, secrets.token_urlsafe(NONCE_BYTES)
        return_address = desk.return_url(attempt.id)
        html = self._template.render(
            locale=locale,
            nonce=nonce,
            stage=str(view.stage),
            is_allowed=view.is_allowed,
            notice=notice and str(notice),
            asked=asked,
            text=lambda key: self._texts.text(locale, key),
            amount=format_money(Money(attempt.amount_minor, attempt.currency), locale),
            description=attempt.description,
            address=f"/payment/{attempt.provider}/{attempt.id}",
            form=desk.wallet.pay_form(order_of(attempt), return_url=return_address),
            form_token=desk.permits.form_token(attempt.id, browser),
            return_address=return_address,
        )
        # no form-action: browsers hold it against every redirect that follows, wherever the wallet's login goes on to
        policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors 'none'"
        return Page(html, {"Content-Security-Policy": policy, "Content-Language": locale})
