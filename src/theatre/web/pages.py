"""Pages out of templates: language, money and moments in the visitor's way of writing."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from theatre.kit.fields import MoneyField
from theatre.kit.i18n import MONTHS, Catalogue, format_date, format_decimal, format_moment, format_money
from theatre.kit.ids import new_id
from theatre.kit.money import Money
from theatre.web import marks, panel, pictures
from theatre.web.admin_schemas import SignedMoney
from theatre.web.assets import Asset
from theatre.web.settings import WebSettings
from theatre.web.visits import Visit

STATUSES_WITH_TEXT = {403, 404, 413, 422, 429, 503}


class Pages:
    """Renders the templates of the package."""

    def __init__(self, settings: WebSettings, assets: Mapping[str, Asset]) -> None:
        self._catalogue = Catalogue.of_package("theatre.web")
        self._templates = Environment(
            loader=PackageLoader("theatre.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            assets=assets,
            is_demo=settings.env == "development",
            new_key=lambda: str(new_id()),
            public_url=settings.public_url.rstrip("/"),
            cut=marks.cut,
            poster_of=partial(pictures.poster_of, origins=settings.image_origin_list),
        )

    def render(
        self, visit: Visit, name: str, context: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> HTMLResponse:
        """Make a page; `context` is what its template names."""
        locale = visit.locale
        html = self._templates.get_template(name).render(
            visit=visit,
            t=partial(self._catalogue.text, locale),
            n=partial(self._catalogue.count, locale),
            find=partial(self._catalogue.find, locale),
            money=partial(_write_money, locale),
            cash=partial(_write_cash, locale),
            date=lambda moment: format_date(moment, locale),
            moment=lambda moment: format_moment(moment, locale),
            decimal=partial(format_decimal, locale=locale),
            countries=partial(self._list_countries, locale),
            brief=lambda moment, exact=False: format_brief(moment, locale, visit.zone, is_exact=exact),
            share=lambda part: f"{Decimal(part):.1%}".replace(".", "," if locale == "ru" else "."),
            local=lambda moment: f"{moment.astimezone(visit.zone):%Y-%m-%dT%H:%M}" if moment else "",
            saved_of=lambda views, path: [view for view in views if view.address.startswith(f"{path}?")],
            rooms=panel.grouped(panel.rooms_of(visit)),
            explain=partial(self._explain, locale),
            **(context or {}),
        )
        return HTMLResponse(html, status_code=status)

    def render_error(self, visit: Visit, *, status: int, code: str) -> HTMLResponse:
        """Make the page of a refused or failed request: by its code, or else by its status."""
        known = self._catalogue.find(visit.locale, f"error.{code}.title")
        kind = (
            code if known else str(status if status in STATUSES_WITH_TEXT else 500 if status >= 500 else 400)
        )
        is_panel = visit.here.startswith("/admin") and visit.is_staff
        name = "admin/error.html" if is_panel else "error.html"
        return self.render(visit, name, {"kind": kind, "status": status}, status=status)

    def _list_countries(self, locale: str) -> list[str]:
        """List the codes of all countries, by their names."""
        names = self._catalogue.part(locale, "country.")
        return sorted(names, key=lambda code: names[code].casefold().replace("ё", "е"))

    def _explain(self, locale: str, word: str, fields: Sequence[str] = (), *, otherwise: str) -> str:
        """Say in words why another service said no: by the field at fault, or else by its code."""
        keys = [*(f"fault.field.{field}" for field in fields), f"fault.{word}"]
        known = [text for key in keys if (text := self._catalogue.find(locale, key))]
        return known[0] if known else self._catalogue.text(locale, otherwise)


def _write_money(locale: str, amount: MoneyField) -> str:
    return format_money(amount.to_money(), locale)


def _write_cash(locale: str, amount: MoneyField | SignedMoney | Money) -> str:
    """Write money as bookkeepers read it: with all its digits, and what is below zero too."""
    money = amount if isinstance(amount, Money) else amount.to_money()
    return format_money(money, locale, is_exact=True)


def format_brief(moment: datetime, locale: str, zone: tzinfo, *, is_exact: bool) -> str:
    """Write a moment in little room: `05.03.2026 14:05`, `05 Mar 2026 14:05`; `is_exact`: with seconds."""
    at = moment.astimezone(zone)
    time = f"{at:%H:%M:%S}" if is_exact else f"{at:%H:%M}"
    if locale == "ru":
        return f"{at:%d.%m.%Y} {time}"
    return f"{at:%d} {MONTHS[locale].split()[at.month - 1][:3]} {at:%Y} {time}"
