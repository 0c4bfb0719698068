"""Writing mails: a template by kind and language, filled with values that are never templates themselves."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jinja2 import Environment, TemplateError

from theatre.contracts.auth import Contact
from theatre.kit.i18n import DEFAULT_LOCALE, LOCALES, NO_BREAK_SPACE, SYMBOLS, format_moment
from theatre.kit.money import Money, to_decimal
from theatre.notification.addresses import read_address
from theatre.notification.channels import Mail
from theatre.notification.errors import Undeliverable, Unwritable
from theatre.notification.kinds import Data, PaymentStatusData, SubscriptionStatusData


@dataclass(frozen=True)
class Letter:
    """What a delivery has to say; its id makes the Message-ID."""

    delivery_id: UUID
    data: Data
    created_at: datetime


@dataclass(frozen=True)
class Writer:
    """Writes mails. `domain` is the right half of Message-IDs."""

    templates: Environment
    public_url: str
    domain: str

    def write(self, letter: Letter, contact: Contact) -> Mail:
        """Write a delivery's mail in the language of its reader.

        The first line of the text template is the subject.

        Raises:
            Undeliverable: the address is not one plain address.
            Unwritable: the values do not fit the template.
        """
        locale = contact.locale if contact.locale in LOCALES else DEFAULT_LOCALE
        values = {"login": contact.login, "home_url": self.public_url, **self._values(letter.data, locale)}
        name = f"{locale}/{letter.data.template}"
        try:
            subject, _, text = self.templates.get_template(f"{name}.txt").render(values).partition("\n")
            html = self.templates.get_template(f"{name}.html").render(values, subject=subject, locale=locale)
        except TemplateError as error:
            raise Unwritable(f"The template {name} does not fit: {error}.") from error
        return Mail(
            message_id=f"<{letter.delivery_id}@{self.domain}>",
            to=read_recipient(contact),
            subject=subject,
            text=text.strip() + "\n",
            html=html,
            written_at=letter.created_at,
        )

    def _values(self, data: Data, locale: str) -> dict[str, object]:
        if isinstance(data, SubscriptionStatusData):
            return self._values_of_plan(data, locale)
        if not isinstance(data, PaymentStatusData):
            return {}
        return {
            "title": data.title,
            "amount": format_amount(data.to_money(), locale),
            "message": data.message,
            "payment_id": data.payment_id,
            "payments_url": f"{self.public_url}/account/payments",
        }

    def _values_of_plan(self, data: SubscriptionStatusData, locale: str) -> dict[str, object]:
        money = data.to_money()
        return {
            "status": data.status,
            "title": data.title,
            "until": format_moment(data.until, locale),
            "amount": format_amount(money, locale) if money else "",
            "message": data.message,
            "payment_id": data.payment_id,
            "is_hopeless": data.is_hopeless,
            "account_url": f"{self.public_url}/account",
        }


def read_recipient(contact: Contact) -> str:
    """Give the one address to write to.

    Raises:
        Undeliverable: auth has something else.
    """
    try:
        return read_address(contact.email)
    except ValueError as error:
        raise Undeliverable("The address is not a plain e-mail address.") from error


def format_amount(money: Money, locale: str) -> str:
    """Write an amount as on a receipt, with all its digits: `1 399,00 ₽`, `RUB 1,399.00`."""
    whole, point, part = to_decimal(money).partition(".")
    grouped = f"{int(whole):,}"
    if locale == "ru":
        number = grouped.replace(",", NO_BREAK_SPACE) + point.replace(".", ",") + part
        return f"{number}{NO_BREAK_SPACE}{SYMBOLS.get(money.currency, money.currency)}"
    return f"{money.currency}{NO_BREAK_SPACE}{grouped}{point}{part}"
