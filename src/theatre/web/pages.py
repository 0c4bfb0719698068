"""Pages out of templates: language, money and moments in the visitor's way of writing."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from theatre.kit.fields import MoneyField
from theatre.kit.i18n import Catalogue, format_date, format_decimal, format_moment, format_money
from theatre.kit.ids import new_id
from theatre.web import marks, pictures
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
            date=lambda moment: format_date(moment, locale),
            moment=lambda moment: format_moment(moment, locale),
            decimal=partial(format_decimal, locale=locale),
            countries=partial(self._list_countries, locale),
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
        return self.render(visit, "error.html", {"kind": kind, "status": status}, status=status)

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
