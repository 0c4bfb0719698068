"""Receipts as PDF: one sheet of A4, set by Typst on a thread of its own.

What comes from people reaches the template as data, never as markup: there is nothing in it that could be escaped
wrongly.
"""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from importlib.resources import as_file, files
from itertools import islice
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from theatre.billing.errors import ReceiptBusy
from theatre.billing.schemas.receipts import FiscalAnswer, ReceiptAnswer, ReceiptRefundAnswer
from theatre.kit.fields import MoneyField
from theatre.kit.i18n import Catalogue, format_moment, format_money
from theatre.kit.money import Money

TIMEOUT_SECONDS = 5.0
MAX_WAITING = 16
MAX_BYTES = 1024 * 1024
MAX_REFUNDS_SHOWN = 8
MAX_NAME_CHARACTERS = 120
MAX_WORD_CHARACTERS = 24
ZERO_WIDTH_SPACE = "\u200b"
TEMPLATES = files("theatre.billing") / "templates"


class ReceiptPrinter:
    """Draws receipts, at most one at a time. Use as a context. Moments are written in `zone`."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._catalogue = Catalogue.of_package("theatre.billing")
        self._waiting = 0
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="receipt")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def draw(self, receipt: ReceiptAnswer, locale: str) -> bytes:
        """Draw a receipt in a language.

        Raises:
            ReceiptBusy: too many wait already, or it takes too long.
        """
        if self._waiting >= MAX_WAITING:
            raise ReceiptBusy
        self._waiting += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._set, receipt, locale)
        # not at the end of our waiting, but of the work: what nobody waits for any more still takes the thread
        work.add_done_callback(self._leave)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                return await asyncio.shield(work)
        except TimeoutError as error:
            raise ReceiptBusy from error

    def _leave(self, work: asyncio.Future[bytes]) -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()

    def _set(self, receipt: ReceiptAnswer, locale: str) -> bytes:
        with as_file(TEMPLATES) as folder:
            drawn = typeset(folder, self._words(receipt, locale))
        if len(drawn) > MAX_BYTES:
            raise ReceiptBusy
        return drawn

    def _words(self, receipt: ReceiptAnswer, locale: str) -> dict[str, Any]:
        """Write everything that stands on the sheet."""
        text = partial(self._catalogue.text, locale)
        amount = partial(_amount, locale)
        fiscal = receipt.fiscal
        return {
            "locale": locale,
            "title": text("receipt.title"),
            "number": receipt.number,
            "moment": self._moment(receipt.paid_at, locale),
            "status": text(f"receipt.status.{_status_of(receipt)}"),
            "is_refunded": receipt.refunded.to_money().amount_minor > 0,
            "seller": [_bent(receipt.seller.name), *self._seller(receipt, locale)],
            "facts": [
                [text("receipt.paid_at"), self._moment(receipt.paid_at, locale)],
                [text("receipt.provider"), self._provider(receipt, locale)],
                [text("receipt.payment"), str(receipt.payment_id)],
            ],
            "heads": [
                text(f"receipt.head.{name}") for name in ("name", "quantity", "price", "discount", "total")
            ],
            "has_discount": receipt.discount.to_money().amount_minor > 0,
            "lines": [
                [
                    _bent(line.name),
                    str(line.quantity),
                    amount(line.unit_price),
                    _discount(locale, line.discount),
                    amount(line.total),
                ]
                for line in receipt.lines
            ],
            "sums": self._sums(receipt, locale),
            "refunds_title": text("receipt.refunds"),
            "refunds": self._refunds(receipt.refunds, locale),
            "fiscal_title": text("receipt.fiscal"),
            "fiscal": self._fiscal(fiscal, locale),
            "fiscal_note": self._fiscal_note(receipt, locale),
            "foot": text("receipt.foot", site=_bent(receipt.seller.site), email=_bent(receipt.seller.email)),
            "page": text("receipt.page"),
        }

    def _moment(self, moment: datetime, locale: str) -> str:
        return format_moment(moment, locale, self._zone)

    def _provider(self, receipt: ReceiptAnswer, locale: str) -> str:
        name = receipt.provider or "none"
        return self._catalogue.find(locale, f"receipt.provider.{name}") or _bent(name)

    def _seller(self, receipt: ReceiptAnswer, locale: str) -> list[str]:
        seller = receipt.seller
        inn = self._catalogue.text(locale, "receipt.inn", inn=seller.inn) if seller.inn else ""
        return [_bent(line) for line in (inn, seller.address, seller.email, seller.site) if line]

    def _sums(self, receipt: ReceiptAnswer, locale: str) -> list[list[str]]:
        """Write the sums under the lines; only the total where it is all there is to say."""
        text, amount = partial(self._catalogue.text, locale), partial(_amount, locale)
        left = receipt.total.to_money() - receipt.refunded.to_money()
        rows = [["total", text("receipt.total"), amount(receipt.total)]]
        if receipt.discount.to_money().amount_minor:
            by = (
                text("receipt.promo", code=receipt.promo_code)
                if receipt.promo_code
                else text("receipt.discount")
            )
            rows.insert(0, ["plain", text("receipt.subtotal"), amount(receipt.subtotal)])
            rows.insert(1, ["plain", _bent(by), amount(receipt.discount, is_negative=True)])
        if receipt.refunded.to_money().amount_minor:
            rows.append(["plain", text("receipt.refunded"), amount(receipt.refunded, is_negative=True)])
            rows.append(["plain", text("receipt.left"), format_money(left, locale, is_exact=True)])
        return rows

    def _refunds(self, refunds: Sequence[ReceiptRefundAnswer], locale: str) -> list[list[str]]:
        """Write the refunds; of very many the last ones, and the sum of those before."""
        earlier, shown = refunds[:-MAX_REFUNDS_SHOWN], refunds[-MAX_REFUNDS_SHOWN:]
        rows = [
            [
                self._moment(refund.refunded_at, locale),
                self._brief(refund.fiscal, locale),
                _amount(locale, refund.amount),
            ]
            for refund in shown
        ]
        if earlier:
            summed = earlier[0].amount.to_money()
            for refund in islice(earlier, 1, None):
                summed += refund.amount.to_money()
            label = self._catalogue.text(locale, "receipt.earlier", count=len(earlier))
            rows.insert(0, [label, "", format_money(summed, locale, is_exact=True)])
        return rows

    def _brief(self, fiscal: FiscalAnswer | None, locale: str) -> str:
        if fiscal is None:
            return ""
        if fiscal.status == "pending":
            return self._catalogue.text(locale, "receipt.fiscal.pending.brief")
        return self._catalogue.text(locale, "receipt.fiscal.brief", number=fiscal.document_number or "–")

    def _fiscal(self, fiscal: FiscalAnswer | None, locale: str) -> list[list[str]]:
        if fiscal is None or fiscal.registered_at is None:
            return []
        text = partial(self._catalogue.text, locale)
        rows = {
            "storage": fiscal.storage_number,
            "document": fiscal.document_number,
            "attribute": fiscal.attribute,
            "registered_at": self._moment(fiscal.registered_at, locale),
            "tax": self._catalogue.find(locale, f"tax.{fiscal.tax_system_code}"),
            "vat": self._catalogue.find(locale, f"vat.{fiscal.vat_code}"),
        }
        return [[text(f"receipt.fiscal.{name}"), _bent(value)] for name, value in rows.items() if value]

    def _fiscal_note(self, receipt: ReceiptAnswer, locale: str) -> str:
        if receipt.fiscal is None:
            return self._catalogue.text(locale, "receipt.fiscal.none")
        is_pending = receipt.fiscal.registered_at is None
        return self._catalogue.text(
            locale, "receipt.fiscal.pending" if is_pending else "receipt.fiscal.check"
        )


def typeset(folder: Path, words: dict[str, Any]) -> bytes:
    """Set the sheet. No fonts but those of the library, no file but the template, no network.

    The library is loaded at the first receipt: most processes never draw one.
    """
    import typst

    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    drawn = typst.compile(
        folder / "receipt.typ",
        root=folder,
        font_paths=fonts,
        format="pdf",
        sys_inputs={"words": json.dumps(words, ensure_ascii=False)},
    )
    if not isinstance(drawn, bytes):
        raise AssertionError("one sheet is one PDF")
    return drawn


def _status_of(receipt: ReceiptAnswer) -> str:
    if receipt.status == "refunded":
        return "refunded"
    return "partly_refunded" if receipt.refunded.to_money().amount_minor else "paid"


def _amount(locale: str, amount: MoneyField, *, is_negative: bool = False) -> str:
    money = amount.to_money()
    if is_negative:
        money = Money(-money.amount_minor, money.currency)
    return format_money(money, locale, is_exact=True)


def _discount(locale: str, amount: MoneyField) -> str:
    return _amount(locale, amount, is_negative=True) if amount.to_money().amount_minor else "–"


def _bent(text: str) -> str:
    """Make a text fit for a narrow column: control characters gone, long words breakable, an end to it."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    words = printable[:MAX_NAME_CHARACTERS].split()
    shown = " ".join(
        ZERO_WIDTH_SPACE.join(
            word[start : start + MAX_WORD_CHARACTERS] for start in range(0, len(word), MAX_WORD_CHARACTERS)
        )
        for word in words
    )
    return shown if len(printable) <= MAX_NAME_CHARACTERS else f"{shown}…"
