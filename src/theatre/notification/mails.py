"""Writing mails: a template by kind and language, filled with values that are never templates themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jinja2 import Environment, TemplateError
from markupsafe import Markup

from theatre.contracts.auth import Contact, NoticeAnswer
from theatre.kit.i18n import DEFAULT_LOCALE, LOCALES, NO_BREAK_SPACE, SYMBOLS
from theatre.kit.money import Money, to_decimal
from theatre.notification.addresses import read_address
from theatre.notification.channels import Mail
from theatre.notification.contents import Content
from theatre.notification.errors import Undeliverable, Unwritable
from theatre.notification.kinds import CRITICAL, Category, Data, NewMovieData, PaymentStatusData
from theatre.notification.links import Links
from theatre.notification.wordings import Reading, Wording, render

LEAVE = {"ru": "Отписаться от таких писем", "en": "Unsubscribe from letters like this"}

UNITS = {"ru": ("мин", "ч"), "en": ("min", "h")}
MOMENTS = {"ru": "%d.%m.%Y %H:%M UTC", "en": "%Y-%m-%d %H:%M UTC"}


@dataclass(frozen=True)
class Letter:
    """What a delivery has to say; its id makes the Message-ID. `wording` is how staff want it said, `notice` what auth
    says, if it is from there."""

    delivery_id: UUID
    data: Data | Content
    created_at: datetime
    category: Category
    wording: Wording | None = None
    notice: NoticeAnswer | None = None


@dataclass(frozen=True)
class Writer:
    """Writes mails. `domain` is the right half of Message-IDs."""

    templates: Environment
    public_url: str
    domain: str
    links: Links

    def write(self, letter: Letter, contact: Contact) -> Mail:
        """Write a delivery's mail in the language of its reader.

        Raises:
            Undeliverable: the address is not one plain address.
            Unwritable: the values do not fit the template.
        """
        locale = contact.locale if contact.locale in LOCALES else DEFAULT_LOCALE
        leave_url = None if letter.category in CRITICAL else self.links.write(letter.delivery_id)
        values = {"login": contact.login, **self._values(letter, locale)}
        reading = self.read(letter.data.template, locale, values, wording=letter.wording, leave_url=leave_url)
        return Mail(
            message_id=f"<{letter.delivery_id}@{self.domain}>",
            to=read_recipient(contact),
            subject=reading.subject,
            text=reading.text,
            html=reading.html or "",
            unsubscribe_url=leave_url,
            written_at=letter.created_at,
        )

    def read(
        self,
        code: str,
        locale: str,
        values: Mapping[str, object],
        *,
        wording: Wording | None,
        leave_url: str | None,
    ) -> Reading:
        """Fill in a template as staff wrote it, or else as it came with the code, where the first line of the text is
        the subject.

        Raises:
            Unwritable: the values do not fit the template.
        """
        frame = {"home_url": self.public_url, "unsubscribe_url": leave_url, "locale": locale}
        values = {**frame, **values}
        try:
            if wording is None:
                subject, text, html = self._fill_packaged(f"{locale}/{code}", values)
            else:
                reading = render(wording, locale, values)
                subject, text = reading.subject, reading.text
                body = Markup(reading.html)  # noqa: S704
                html = self.templates.get_template("written.html").render(frame, subject=subject, body=body)
        except TemplateError as error:
            raise Unwritable(f"The template {code} does not fit: {error}.") from error
        text = text.strip() + "\n" + self._footer(leave_url, locale)
        return Reading(subject=subject, text=text, html=html)

    def _fill_packaged(self, name: str, values: Mapping[str, object]) -> tuple[str, str, str]:
        subject, _, text = self.templates.get_template(f"{name}.txt").render(values).partition("\n")
        return subject, text, self.templates.get_template(f"{name}.html").render(values, subject=subject)

    def _footer(self, leave_url: str | None, locale: str) -> str:
        return f"\n--\n{LEAVE[locale]}: {leave_url}\n" if leave_url else ""

    def _values(self, letter: Letter, locale: str) -> dict[str, object]:
        data, notice = letter.data, letter.notice
        if isinstance(data, Content):
            address = f"{self.public_url}{data.link}" if data.link else ""
            return {**data.lines[locale], "link": address, **data.values}
        if notice is not None:
            return {
                "link_url": f"{self.public_url}{notice.path}",
                "life": format_life(notice.life_minutes or 0, locale),
                "device": notice.device,
                "address": notice.address,
                "occurred_at": notice.occurred_at.strftime(MOMENTS[locale]),
                "forgot_url": f"{self.public_url}/forgot",
            }
        if isinstance(data, NewMovieData):
            return {"title": data.titles.of(locale), "film_url": f"{self.public_url}{data.link}"}
        if not isinstance(data, PaymentStatusData):
            return {}
        return {
            "title": data.title,
            "amount": format_amount(data.to_money(), locale),
            "message": data.message,
            "payment_id": data.payment_id,
            "payments_url": f"{self.public_url}/account/payments",
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


def format_life(minutes: int, locale: str) -> str:
    """Write how long a link holds: `30 мин`, `24 h`."""
    minute, hour = UNITS[locale]
    return f"{minutes} {minute}" if minutes < 120 else f"{minutes // 60} {hour}"


def format_amount(money: Money, locale: str) -> str:
    """Write an amount as on a receipt, with all its digits: `1 399,00 ₽`, `RUB 1,399.00`."""
    whole, point, part = to_decimal(money).partition(".")
    grouped = f"{int(whole):,}"
    if locale == "ru":
        number = grouped.replace(",", NO_BREAK_SPACE) + point.replace(".", ",") + part
        return f"{number}{NO_BREAK_SPACE}{SYMBOLS.get(money.currency, money.currency)}"
    return f"{money.currency}{NO_BREAK_SPACE}{grouped}{point}{part}"
